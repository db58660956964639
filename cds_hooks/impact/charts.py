"""The geometry of a report's charts, which its template draws as SVG: no script, so that they print as they are."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

#: The answers in the order that charts stack and tables list them, each with how it is called and what it means.
VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "not-covered": ("Not covered", "a policy in force says so"),
    "pa-needed": ("Authorization needed", "covered, with prior authorization"),
    "pa-depends": ("Authorization depends", "covered; whether authorization is needed depends on what the order lacks"),
    "doc-needed": ("Documentation needed", "covered, with documentation"),
    "conditional": ("Conditional", "it depends on what the order lacks"),
    "covered": ("Covered", "nothing else is needed"),
    "in-doubt": ("In doubt", "a policy may be about the order, but not surely"),
    "coverage-ended": ("Coverage not in force", "on the day of service"),
    "coverage-unknown": ("Coverage not known", "no coverage, or no payer that is served here"),
    "record-missing": ("Record missing", "something that the order refers to did not come"),
    "unreadable": ("Unreadable", "the order is not as FHIR has it, where that matters"),
    "no-policy": ("No policy", "no policy of the payer is about the order"),
    "nothing-asked": ("Nothing asked", "revoked, stopped or not to be performed"),
}


class Bar(NamedTuple):
    """A rectangle: what it stands for, how many, its share, and where it lies in percent of the chart."""

    name: str
    orders: int
    share: float
    start: float
    length: float


class Column(NamedTuple):
    """A column of a chart: its label, its sum, and its parts from the bottom up."""

    name: str
    orders: int
    parts: tuple[Bar, ...]


def write_share(share: float) -> str:
    """Return a share in percent, halves rounded up; every table of a report writes the same share the same."""
    return "< 0.1 %" if 0 < share < 0.001 else f"{math.floor(1000 * share + 0.5) / 10:.1f} %"


def draw_bars(counts: Mapping[str, int]) -> list[Bar]:
    """Return a bar for each count; the longest fills the chart."""
    most, total = max(counts.values(), default=0) or 1, sum(counts.values()) or 1
    return [Bar(name, n, n / total, 0, 100 * n / most) for name, n in counts.items()]


def draw_stack(counts: Mapping[str, int], whole: int | None = None) -> list[Bar]:
    """Return the answers of one group side by side, in their order; `whole` fills the chart, else the group does."""
    total = sum(counts.values()) or 1
    bars, start = list[Bar](), 0.0
    for verdict in VERDICTS:
        if n := counts.get(verdict, 0):
            length = 100 * n / (whole or total)
            bars.append(Bar(verdict, n, n / total, start, length))
            start += length
    return bars


def draw_columns(groups: Mapping[str, Mapping[str, int]]) -> list[Column]:
    """Return a column for each group, all of one scale."""
    most = max((sum(counts.values()) for counts in groups.values()), default=0) or 1
    return [Column(name, sum(c.values()), tuple(draw_stack(c, most))) for name, c in groups.items()]


def largest(groups: Mapping[str, Mapping[str, int]], most: int) -> list[tuple[str, Mapping[str, int]]]:
    """Return the groups with the most orders, the largest first."""
    return sorted(groups.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:most]


def order_verdicts(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the answers that were given, in their order."""
    return {verdict: counts[verdict] for verdict in VERDICTS if counts.get(verdict)}


def label_every(columns: Sequence[Column]) -> int:
    """Return how many columns go by for one that is labelled, so that labels do not overlap."""
    return max(1, -(-len(columns) // 10))
