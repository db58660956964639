"""A few calls to each service in turn, again and again: what tells a tenth apart where the machine's speed swings.

Rounds of seconds meet a host that does other things by half faster or slower. Calls of neighbouring hundredths of a
second meet the same one, so the median of their ratios is what is judged.
"""

import http.client
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

from benchmarks.load import JSON, LoadError
from benchmarks.processes import memory, processor_seconds
from benchmarks.rounds import Row
from benchmarks.services import Service

#: Calls of one turn, and the turns that nobody counts: workers read their rules, caches fill.
CALLS: Final = 20
_UNCOUNTED: Final = 3


class Neighbour(NamedTuple):
    """A service and what it is asked; of a file of tokens (one a line) each is used once."""

    service: Service
    path: str
    body: bytes
    tokens: Path | None = None


def count_calls(turns: int) -> int:
    """Return how many calls so many counted turns make: the last is followed by one that ends its processor time."""
    return _count_turns(turns) * CALLS


def _count_turns(turns: int) -> int:
    return turns + _UNCOUNTED + 1


def take_close_turns(part: str, neighbours: Sequence[Neighbour], turns: int) -> list[Row]:
    """Call all in turns, on a connection of its own each, and return a row for each.

    The processor time of the first is the median of its turns; that of another is this, times the median of what its
    turns cost by the turn of the first beside them.
    """
    callers = [_Caller(neighbour) for neighbour in neighbours]
    for _ in range(_count_turns(turns)):
        for caller in callers:
            caller.take_turn()
    costs = [caller.costs() for caller in callers]
    base = median(costs[0])
    return [
        caller.row(part, base * median(own / first for own, first in zip(cost, costs[0], strict=True)))
        for caller, cost in zip(callers, costs, strict=True)
    ]


class _Caller:
    def __init__(self, neighbour: Neighbour) -> None:
        self._service, self._path, self._body, tokens = neighbour
        self._tokens: Iterator[str] = iter(tokens.read_text().splitlines() if tokens else ())
        self._headers = dict(JSON)
        self._connection = http.client.HTTPConnection(self._service.base.removeprefix("http://"), timeout=60)
        self._workers = self._service.processes()
        self._clock: list[float] = []
        self._times: list[float] = []

    def take_turn(self) -> None:
        """Call some times. What a call leaves to be done counts for the turn that it belongs to: the clock is read as
        a turn begins."""
        self._clock.append(sum(map(processor_seconds, self._workers)))
        for _ in range(CALLS):
            if token := next(self._tokens, None):
                self._headers["Authorization"] = f"Bearer {token}"
            began = time.perf_counter()
            self._connection.request("POST", self._path, self._body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
            self._times.append((time.perf_counter() - began) * 1e3)
            if answer.status != 200:
                raise LoadError(f"{self._service.name}: answered {answer.status}\n{self._service.log_end()}")

    def costs(self) -> list[float]:
        """Return what a call of each counted turn cost, in µs of processor time."""
        clock = self._clock[_UNCOUNTED:]
        return [(end - begin) / CALLS * 1e6 for begin, end in pairwise(clock)]

    def row(self, part: str, cost: float) -> Row:
        times = self._times[_UNCOUNTED * CALLS :]
        by_hundredths = quantiles(times, n=100)
        peak = max(memory(process) for process in self._service.workers())
        p50, p95, p99 = (by_hundredths[number - 1] for number in (50, 95, 99))
        rate = len(times) / sum(times) * 1e3
        return Row(part, self._service.name, 1, rate, p50, p95, p99, cost, {"all": cost}, peak)
