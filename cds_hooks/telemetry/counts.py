"""What was counted since it was last passed on: sums in memory, for all threads of a process.

Counting in prometheus_client's files writes nine values a call, each with a lock, a look at the process's number and
two packings of its own. Here a count is an addition in a dictionary, and once a second each value is written that
changed.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Final, NamedTuple

#: The name of a metric, and the values of its labels.
Key = tuple[str, tuple[str, ...]]


class Taken(NamedTuple):
    """What was counted: the sum of each counter, and of each histogram how many fell into each bucket and their sum."""

    sums: dict[Key, float]
    observed: dict[Key, tuple[list[int], float]]


class Counts:
    """Counts by name and labels; `buckets` are the upper bounds of each histogram's, of which the last is infinite."""

    def __init__(self, buckets: Mapping[str, Sequence[float]]) -> None:
        self._bounds: Final = buckets
        self._lock: Final = Lock()
        self._sums: dict[Key, float] = {}
        self._buckets: dict[Key, list[int]] = {}
        self._seconds: dict[Key, float] = {}

    def add(self, key: Key, value: float) -> None:
        """Add to a counter."""
        with self._lock:
            self._sums[key] = self._sums.get(key, 0) + value

    def observe(self, key: Key, value: float) -> None:
        """Add to a histogram; a bucket has what is not above its bound."""
        bounds = self._bounds[key[0]]
        with self._lock:
            if key not in self._seconds:
                self._buckets[key], self._seconds[key] = [0] * len(bounds), 0.0
            self._buckets[key][bisect_left(bounds, value)] += 1
            self._seconds[key] += value

    def take(self) -> Taken:
        """Return what was counted, and begin anew."""
        with self._lock:
            taken = Taken(self._sums, {key: (found, self._seconds[key]) for key, found in self._buckets.items()})
            self._sums, self._buckets, self._seconds = {}, {}, {}
        return taken
