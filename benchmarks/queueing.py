"""A worker as a queue: calls come at random, the interpreter works on one at a time, commits are shared.

A worker's threads share one interpreter, so a call's processor time is served in turn (M/G/1, first come, first
served); its record then waits for the commit that is under way and for the next one, which takes all that came
meanwhile (group commit). A thread that commits has let the interpreter go, so the call has to wait for it once more:
for what is left to do, behind all that came meanwhile. Workers share nothing but the database, and calls come to them
at random, so one worker stands for all. Times are in milliseconds.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Final, NamedTuple

#: What comes first is left out: a queue that begins empty is shorter than it will be.
_LEFT_OUT: Final = 0.1


class Work(NamedTuple):
    """What a call needs: processor time (its mean, the spread of its logarithm), and what a commit takes beside it.

    `after` is the share of the processor time that comes after the commit.
    """

    processor: float
    spread: float
    commit: float
    after: float = 0.0

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


class _Call(NamedTuple):
    """When a call arrives, and the processor time it takes."""

    arrives: float
    processor: float


#: Something that happens to a call at a time; what it returns tells whether the call leaves.
_Event = Callable[[float, _Call], bool]


class _Worker:
    """One interpreter, and the commits of its records."""

    def __init__(self, work: Work, chance: random.Random) -> None:
        self._work, self._chance = work, chance
        self._number = count()
        self._events: list[tuple[float, int, _Event, _Call]] = []
        self._turns: deque[tuple[float, _Event, _Call]] = deque()
        self._is_busy = False
        self._committing: list[_Call] = []
        self._waiting: list[_Call] = []

    def expect(self, at: float) -> None:
        """Let a call come at a time."""
        self._plan(at, self._arrive, _Call(at, self._work.draw(self._chance)))

    def run(self) -> Iterator[tuple[float, float]]:
        """Yield when calls arrived and left, in the order in which they leave."""
        while self._events:
            now, _, happen, call = heapq.heappop(self._events)
            if happen(now, call):
                yield call.arrives, now

    def _plan(self, at: float, event: _Event, call: _Call) -> None:
        heapq.heappush(self._events, (at, next(self._number), event, call))

    def _arrive(self, now: float, call: _Call) -> bool:
        self._turns.append((call.processor * (1 - self._work.after), self._record, call))
        return self._serve(now)

    def _serve(self, now: float) -> bool:
        """Let the next one have the interpreter, if it is free; nobody leaves by that."""
        if self._turns and not self._is_busy:
            self._is_busy = True
            takes, then, call = self._turns.popleft()
            self._plan(now + takes, then, call)
        return False

    def _record(self, now: float, call: _Call) -> bool:
        self._is_busy = False
        self._waiting.append(call)
        self._commit(now)
        return self._serve(now)

    def _commit(self, now: float) -> None:
        """Begin a commit for all that wait, if none is under way."""
        if self._waiting and not self._committing:
            self._committing, self._waiting = self._waiting, []
            self._plan(now + self._work.commit, self._committed, self._committing[0])

    def _committed(self, now: float, _: _Call) -> bool:
        for call in self._committing:
            if self._work.after:
                self._turns.append((call.processor * self._work.after, self._leave, call))
            else:
                self._plan(now, lambda _now, _call: True, call)
        self._committing = []
        self._commit(now)
        return self._serve(now)

    def _leave(self, now: float, _: _Call) -> bool:
        self._is_busy = False
        self._serve(now)
        return True


def simulate_open(rate: float, work: Work, calls: int = 60_000, seed: int = 1) -> Found:
    """Return what a worker does with calls that come independently of each other, so many a second."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    worker, now = _Worker(work, chance), 0.0
    for _ in range(calls):
        now += chance.expovariate(rate / 1000)
        worker.expect(now)
    return _found(list(worker.run()))


def simulate_closed(connections: int, pause: float, work: Work, calls: int = 60_000, seed: int = 1) -> Found:
    """Return what a worker does for connections that each wait for their answer, pause, and call again."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    worker = _Worker(work, chance)
    for _ in range(connections):
        worker.expect(chance.uniform(0, pause + work.processor))
    return _found(list(_calls(worker, pause, calls, chance)))


def _calls(worker: _Worker, pause: float, calls: int, chance: random.Random) -> Iterator[tuple[float, float]]:
    """Yield when each call arrives and leaves; pauses are exponential, and whole milliseconds, as wrk's are."""
    for arrives, leaves in islice(worker.run(), calls):
        yield arrives, leaves
        worker.expect(leaves + _pause(pause, chance))


def _pause(mean: float, chance: random.Random) -> float:
    return math.floor(chance.expovariate(1 / mean) + chance.random()) if mean else 0.0


def _found(calls: list[tuple[float, float]]) -> Found:
    kept = calls[int(len(calls) * _LEFT_OUT) :]
    seconds = (kept[-1][0] - kept[0][0]) / 1000
    return Found((len(kept) - 1) / seconds, sorted(leaves - arrives for arrives, leaves in kept))
