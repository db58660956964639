"""Bars by day as SVG: drawn here, so that nothing runs in the browser. A table beside has the same figures."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

#: More days than this are shown by weeks.
_MOST_BARS: Final = 92

#: Units of the drawing: of one bar with its gap, and of the tallest.
_STEP: Final = 10.0
_GAP: Final = 2.0
_HEIGHT: Final = 100.0

#: What the tallest bar may stand for, but for the power of ten.
_STEPS: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


class Piece(NamedTuple):
    """A part of a bar: its series, and where it is drawn."""

    series: str
    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    """What a day or a week came to, by series."""

    first: date
    last: date
    counts: tuple[int, ...]
    pieces: tuple[Piece, ...]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.counts)


class Chart(NamedTuple):
    """Bars side by side, the series from below; `top` is what the tallest bar may stand for."""

    series: tuple[str, ...]
    bars: tuple[Bar, ...]
    top: int
    width: float

    @property
    def total(self) -> int:
        """All of it."""
        return sum(bar.total for bar in self.bars)

    @property
    def by_weeks(self) -> bool:
        """Whether a bar is more than a day."""
        return any(bar.first != bar.last for bar in self.bars)


def draw(counts: Mapping[tuple[str, str], int], series: Sequence[str], first: date, last: date) -> Chart:
    """Return the chart of counts by day (ISO 8601) and series, from the first day to the last."""
    days = (last - first).days + 1
    size = 1 if days <= _MOST_BARS else 7
    starts = [first + timedelta(number) for number in range(0, days, size)]
    spans = [(start, min(start + timedelta(size - 1), last)) for start in starts]
    sums = [tuple(_count(counts, one, span) for one in series) for span in spans]
    top = _round_up(max((sum(some) for some in sums), default=0))
    bars = [
        Bar(*span, some, _stack(series, some, number * _STEP, top))
        for number, (span, some) in enumerate(zip(spans, sums, strict=True))
    ]
    return Chart(tuple(series), tuple(bars), top, len(bars) * _STEP)


def _count(counts: Mapping[tuple[str, str], int], series: str, span: tuple[date, date]) -> int:
    start, end = span
    days = [(start + timedelta(number)).isoformat() for number in range((end - start).days + 1)]
    return sum(counts.get((day, series), 0) for day in days)


def _stack(series: Sequence[str], counts: Sequence[int], x: float, top: int) -> tuple[Piece, ...]:
    pieces, below = [], 0.0
    for name, count in zip(series, counts, strict=True):
        height = round(_HEIGHT * count / top, 2) if top else 0.0
        if height:
            pieces.append(Piece(name, x + _GAP / 2, round(_HEIGHT - below - height, 2), _STEP - _GAP, height))
        below += height
    return tuple(pieces)


def _round_up(number: int) -> int:
    """Return what a scale that a number fits on ends with: 1 to 5, or a round number."""
    if number <= 5:
        return max(number, 1)
    unit: int = 10 ** (len(str(number)) - 1)
    return next(int(step * unit) for step in _STEPS if step * unit >= number)
