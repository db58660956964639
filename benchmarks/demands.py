"""What is demanded of the service, each as a figure of one run: a ratio where the machine would otherwise decide.

Some demands are not met yet, and docs/performance.md ("Where the rest goes") says by a profile why. Each of those has a
second level, which is where it stands, with room for what a quiet machine's runs differ by: what is worse than that is
a step back, and ends the benchmark with 1 like any other miss.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from benchmarks.rounds import Row


class Demand(NamedTuple):
    """A demand and the figure that was measured for it, None where that was not measured.

    `explained` is the level up to which a miss is explained; None where none is.
    """

    text: str
    limit: float
    figure: float | None
    is_floor: bool = False
    goal: float | None = None
    explained: float | None = None

    @property
    def verdict(self) -> str:
        """Return `met`, `explained`, `missed`, or `not measured`."""
        if self.figure is None:
            return "not measured"
        if self._reaches(self.figure, self.limit):
            return "met"
        return "explained" if self.explained and self._reaches(self.figure, self.explained) else "missed"

    def _reaches(self, figure: float, level: float) -> bool:
        return figure >= level if self.is_floor else figure <= level

    def describe(self) -> str:
        """Return the demand with its figure in a line."""
        figure = "-" if self.figure is None else f"{self.figure:.2f}"
        kind = "at least" if self.is_floor else "at most"
        goal = "" if self.goal is None else f", goal {self.goal:g}"
        explained = "" if self.explained is None else f", explained up to {self.explained:g}"
        return f"{self.verdict:12} {figure:>8}  {kind:8} {self.limit:g}{goal}{explained}: {self.text}"


class Results:
    """The rows and the single figures of a run."""

    def __init__(self, rows: Sequence[Row], figures: Mapping[str, float]) -> None:
        self._rows = {(row.name, row.connections): row for row in rows}
        self._figures = figures

    def row(self, name: str, connections: int = 8) -> Row:
        """Return a row; KeyError where it was not measured."""
        return self._rows[name, connections]

    def cost(self, name: str, base: str, connections: int = 8) -> float:
        """Return the processor time a call relative to another's."""
        return self.row(name, connections).cost / self.row(base, connections).cost

    def rate(self, name: str, base: str, connections: int = 8) -> float:
        """Return the throughput relative to another's."""
        return self.row(name, connections).rate / self.row(base, connections).rate

    def jwt(self, algorithm: str) -> float:
        """Return what a token adds to a call, relative to the bare check of its signature."""
        added = self.row(f"token of {algorithm}", 1).cost - self.row("without a token", 1).cost
        return added / self._figures[f"check of {algorithm}, µs"]

    def figure(self, name: str) -> float:
        """Return a single figure; KeyError where it was not measured."""
        return self._figures[name]


#: Where both are, this many connections.
_FEW: Final = 8
_SOME: Final = 32
_MANY: Final = 64


_MEMBERS: Final = "processor time with members, by the same call without"
_POLICIES: Final = "an order under 10,000 policies, by 3"
_CODES: Final = "an order under 50,000 codes, by 10"

#: How far those demands that are missed are missed today, explained by docs/performance.md.
EXPLAINED: Final[Mapping[str, float]] = {
    "processor time with the log, nothing recorded, by the echo's, 8 at a time": 5.5,
    "processor time with the log, nothing recorded, by the echo's, 32 at a time": 5.5,
    "processor time as shipped, by the echo's, 1 at a time": 8.5,
    "processor time as shipped, by the echo's, 8 at a time": 9.0,
    "processor time as shipped, by the echo's, 32 at a time": 9.0,
    "throughput as shipped, by the echo's, 8 at a time": 0.1,
    "throughput as shipped, by the echo's, 32 at a time": 0.1,
    "ms, p99 as shipped, 8 at a time": 40,
    "ms, p99 as shipped, 64 at a time": 140,
    "throughput, nothing recorded, by HealthChain's": 0.3,
    "throughput as shipped, by HealthChain's": 0.18,
    "what a token of ES384 adds, by its signature's check": 2.5,
    "what a token of RS384 adds, by its signature's check": 14.0,
    _MEMBERS: 1.25,
    "throughput with PostgreSQL, by SQLite's": 0.7,
    "ms, p95 of 100 kB of note": 14,
    "ms, p95 of 200 orders": 75,
    "ms, p95 of 200 orders of no policy": 75,
    "seconds from start to first answer": 2.0,
    "MB of a worker": 125,
    "MB of a worker, 10,000 policies": 230,
}


def judge(found: Results) -> list[Demand]:
    """Return all demands with what was measured for them."""
    return [demand._replace(explained=EXPLAINED.get(demand.text)) for demand in _demands(found)]


def _demands(found: Results) -> list[Demand]:
    return [
        *_costs(found),
        *_throughput(found),
        *_parts(found),
        *_sizes(found),
        _most("seconds from start to first answer", 1.0, lambda: found.figure("start to first answer, s")),
        _most("seconds of `crd --help`", 0.3, lambda: found.figure("crd --help, s")),
        _most("MB of a worker", 110, lambda: found.row("as shipped", _MANY).peak),
        _most("MB of a worker, 10,000 policies", 220, lambda: found.row("10,000 policies", 1).peak),
    ]


def _costs(found: Results) -> list[Demand]:
    logged = "processor time with the log, nothing recorded, by the echo's, {} at a time"
    shipped = "processor time as shipped, by the echo's, {} at a time"
    return [
        *(_most(logged.format(n), 1.8, partial(found.cost, "+ logs", "echo", n)) for n in (_FEW, _SOME)),
        *(
            _most(shipped.format(n), limit, partial(found.cost, "as shipped", "echo", n), goal=2.0)
            for n, limit in ((1, 4.0), (_FEW, 3.0), (_SOME, 3.0))
        ),
    ]


def _throughput(found: Results) -> list[Demand]:
    shipped = "throughput as shipped, by the echo's, {} at a time"
    return [
        *(
            _least(shipped.format(n), 0.33, partial(found.rate, "as shipped", "echo", n), goal=0.5)
            for n in (_FEW, _SOME)
        ),
        _most("ms, p99 as shipped, 8 at a time", 10, lambda: found.row("as shipped", _FEW).p99),
        _most("ms, p99 as shipped, 64 at a time", 50, lambda: found.row("as shipped", _MANY).p99),
        _least("throughput, nothing recorded, by HealthChain's", 1.3, lambda: found.rate("+ metrics", "HealthChain")),
        _least("throughput as shipped, by HealthChain's", 1.0, lambda: found.rate("as shipped", "HealthChain")),
        _most("late calls of each caller after a slow flush", 1, lambda: found.figure("late calls a caller")),
        _most("ms, the worst unrecorded call beside it", 250, lambda: found.figure("worst unrecorded call, ms")),
    ]


def _parts(found: Results) -> list[Demand]:
    return [
        _most("what a token of ES384 adds, by its signature's check", 1.2, lambda: found.jwt("ES384")),
        _most("what a token of RS384 adds, by its signature's check", 1.2, lambda: found.jwt("RS384")),
        _most(_MEMBERS, 1.1, partial(found.cost, "with members", "without members", 1)),
        _least("throughput with PostgreSQL, by SQLite's", 0.8, lambda: found.rate("PostgreSQL", "as shipped")),
    ]


def _sizes(found: Results) -> list[Demand]:
    return [
        _most(_POLICIES, 1.1, lambda: found.cost("10,000 policies", "3 policies", 1)),
        _most(_CODES, 1.1, lambda: found.cost("50,000 codes", "10 codes", 1)),
        _most("ms, p95 of 200 orders", 60, lambda: found.row("200 orders", 1).p95),
        _most("ms, p95 of 200 orders of no policy", 60, lambda: found.row("200 orders, no policy", 1).p95),
        _most("ms, p95 of 100 kB of note", 10, lambda: found.row("note of 100 kB", 1).p95),
    ]


def _most(text: str, limit: float, figure: Callable[[], float], goal: float | None = None) -> Demand:
    return Demand(text, limit, _try(figure), goal=goal)


def _least(text: str, limit: float, figure: Callable[[], float], goal: float | None = None) -> Demand:
    return Demand(text, limit, _try(figure), is_floor=True, goal=goal)


def _try(figure: Callable[[], float]) -> float | None:
    try:
        return figure()
    except KeyError:
        return None
