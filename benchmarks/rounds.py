"""Rounds that take turns: what is compared is loaded one after the other, again and again, and judged by medians.

What else runs on the machine then meets all of them alike.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.load import Call, Measured, measure
from benchmarks.services import Service


class Case(NamedTuple):
    """What is loaded with what. The call is made anew for each round: tokens can be used once only."""

    name: str
    service: Service
    call: Callable[[], Call]
    connections: int


class Row(NamedTuple):
    """The medians of a case's rounds; rate in calls a second, times in ms, processor time in µs a call, peak in MB."""

    part: str
    name: str
    connections: int
    rate: float
    p50: float
    p95: float
    p99: float
    cost: float
    processor: Mapping[str, float]
    peak: float


def take_turns(part: str, cases: Sequence[Case], seconds: int, rounds: int) -> list[Row]:
    """Load all cases in turns and return a row for each."""
    taken: list[list[Measured]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, its in zip(cases, taken, strict=True):
            its.append(measure(case.service, case.call(), case.connections, seconds))
    return [_row(part, case, its) for case, its in zip(cases, taken, strict=True)]


def _row(part: str, case: Case, rounds: Sequence[Measured]) -> Row:
    middle = {name: median(getattr(one, name) for one in rounds) for name in ("rate", "p50", "p95", "p99", "cost")}
    processes = dict.fromkeys(name for one in rounds for name in one.processor)
    processor = {name: median(one.processor.get(name, 0.0) for one in rounds) for name in processes}
    peak = max(one.peak for one in rounds)
    return Row(part, case.name, case.connections, processor=processor, peak=peak, **middle)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a table; in brackets what a row is relative to the first of its part and connections."""
    width = max(len(row.name) for row in rows)
    yield f"{'':{width}} conns  calls/s (x)      p50 ms  p95 ms  p99 ms  µs/call (x)     peak MB  µs by process"
    first: dict[tuple[str, int], Row] = {}
    for row in rows:
        base = first.setdefault((row.part, row.connections), row)
        times = "".join(f"{time:8.2f}" for time in (row.p50, row.p95, row.p99))
        by_process = ", ".join(f"{name} {cost:.0f}" for name, cost in row.processor.items() if cost >= 1)
        rate, cost = (
            f"{row.rate:8.0f} ({row.rate / base.rate:4.2f})",
            f"{row.cost:9.0f} ({row.cost / base.cost:5.2f})",
        )
        yield f"{row.name:{width}} {row.connections:5}{rate}{times}{cost}{row.peak:9.0f}  {by_process}"
