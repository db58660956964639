"""A worker as a queue: calls come at random, the interpreter works on one at a time, commits are shared.

A worker's threads share one interpreter, so a call's processor time is served in turn (M/G/1, first come, first
served); its record then waits for the commit that is under way and for the next one, which takes all that came
meanwhile (group commit). Workers share nothing but the database, and calls come to them at random, so one worker stands
for all. Times are in milliseconds.
"""

import heapq
import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

#: What comes first is left out: a queue that begins empty is shorter than it will be.
_LEFT_OUT: Final = 0.1


class Work(NamedTuple):
    """What a call needs: processor time (its mean, the spread of its logarithm), and what a commit takes beside it."""

    processor: float
    spread: float
    commit: float

    def draw(self, chance: random.Random) -> float:
        """Return the processor time of a call; its mean is `processor` whatever the spread."""
        return self.processor * math.exp(self.spread * chance.gauss(0, 1) - self.spread**2 / 2)


class Found(NamedTuple):
    """What a worker did: calls a second, and the times that calls took, from the shortest."""

    rate: float
    times: list[float]

    def share(self, part: float) -> float:
        """Return the time within which a part of the calls were answered."""
        return self.times[min(len(self.times) - 1, int(part * len(self.times)))]

    @property
    def mean(self) -> float:
        """The mean time."""
        return sum(self.times) / len(self.times)


class _Worker:
    """One interpreter, and the commits of its records."""

    def __init__(self, work: Work, chance: random.Random) -> None:
        self._work, self._chance = work, chance
        self._free = self._committed = 0.0
        self._next: float | None = None

    def answer(self, arrives: float) -> float:
        """Return when a call leaves that arrives after all before it."""
        self._free = max(arrives, self._free) + self._work.draw(self._chance)
        if self._next is not None and self._free > self._committed:
            self._committed, self._next = self._next, None
        if self._free >= self._committed:
            self._committed = self._free + self._work.commit
            return self._committed
        self._next = self._committed + self._work.commit
        return self._next


def simulate_open(rate: float, work: Work, calls: int = 60_000, seed: int = 1) -> Found:
    """Return what a worker does with calls that come independently of each other, so many a second."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    worker, now = _Worker(work, chance), 0.0
    arrivals: list[tuple[float, float]] = []
    for _ in range(calls):
        now += chance.expovariate(rate / 1000)
        arrivals.append((now, worker.answer(now)))
    return _found(arrivals)


def simulate_closed(connections: int, pause: float, work: Work, calls: int = 60_000, seed: int = 1) -> Found:
    """Return what a worker does for connections that each wait for their answer, pause, and call again."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    worker = _Worker(work, chance)
    ready = [chance.uniform(0, pause + work.processor) for _ in range(connections)]
    heapq.heapify(ready)
    return _found(list(_calls(ready, worker, pause, calls, chance)))


def _calls(
    ready: list[float], worker: _Worker, pause: float, calls: int, chance: random.Random
) -> Iterator[tuple[float, float]]:
    """Yield when each call arrives and leaves; pauses are exponential, and whole milliseconds, as wrk's are."""
    for _ in range(calls):
        arrives = heapq.heappop(ready)
        leaves = worker.answer(arrives)
        heapq.heappush(ready, leaves + _pause(pause, chance))
        yield arrives, leaves


def _pause(mean: float, chance: random.Random) -> float:
    return math.floor(chance.expovariate(1 / mean) + chance.random()) if mean else 0.0


def _found(calls: list[tuple[float, float]]) -> Found:
    kept = calls[int(len(calls) * _LEFT_OUT) :]
    seconds = (kept[-1][0] - kept[0][0]) / 1000
    return Found((len(kept) - 1) / seconds, sorted(leaves - arrives for arrives, leaves in kept))
