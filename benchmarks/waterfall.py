"""The chart: what a call costs, part by part, each bar beginning where the one above it ends.

The SVG is written by a template of Jinja, which Flask brings along: a drawing library would have to be told where every
bar begins just the same, and pygal's pictures load a script from elsewhere.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader

from benchmarks.rounds import Row

_LEFT, _WIDTH, _STEP, _TOP, _MARGIN = 190, 900, 32, 58, 130
_WHOLE, _PEER, _PART, _LESS = "#1f5a8a", "#8a8f98", "#5aa0d0", "#7bb661"
_JWT: Final = ("+ JWT ES384", "as shipped, JWT ES384")


class Bar(NamedTuple):
    """A bar from one processor time to another, in µs a call."""

    name: str
    start: float
    end: float
    colour: str


def draw(rows: Sequence[Row], subtitle: str) -> str:
    """Return the chart as SVG."""
    bars = _bars({row.name: row.cost for row in rows if row.part == "parts"})
    scale = (_WIDTH - _LEFT - _MARGIN) / max(bar.end for bar in bars)
    most = max(bar.end for bar in bars)
    every = next(step for step in (50, 100, 200, 250, 500, 1000, 2000, 5000) if most / step <= 10)
    facts: dict[str, Any] = {
        "title": "Processor time of a call with one order, µs",
        "subtitle": subtitle,
        "width": _WIDTH,
        "height": _TOP + _STEP * len(bars) + 30,
        "left": _LEFT,
        "lines": [{"x": round(_LEFT + at * scale, 1), "label": at} for at in range(0, int(most) + 1, every)],
        "bars": [_place(bar, number, scale) for number, bar in enumerate(bars)],
    }
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return templates.get_template("waterfall.svg.jinja").render(facts) + "\n"


def _bars(costs: dict[str, float]) -> list[Bar]:
    """Return the bars: what is compared with, the parts in turn, and the sums."""
    bars = [Bar(name, 0, costs[name], _PEER) for name in ("echo", "HealthChain") if name in costs]
    bars.append(Bar("bare answer", 0, costs["bare answer"], _WHOLE))
    steps = [("+ logs", "+ logs"), ("+ metrics", "+ metrics")]
    if _JWT[0] in costs:
        steps += [(_JWT[0], _JWT[0]), ("+ recording", _JWT[1])]
    else:
        steps.append(("+ recording", "as shipped"))
    before = costs["bare answer"]
    for name, sum_name in steps:
        bars.append(_step(name, before, costs[sum_name]))
        before = costs[sum_name]
    sums = ("as shipped", _JWT[1], "PostgreSQL")
    return bars + [Bar(name, 0, costs[name], _WHOLE) for name in sums if name in costs]


def _step(name: str, before: float, after: float) -> Bar:
    return Bar(name, min(before, after), max(before, after), _PART if after >= before else _LESS)


def _place(bar: Bar, number: int, scale: float) -> dict[str, Any]:
    size, sign = bar.end - bar.start, "-" if bar.colour == _LESS else "+" if bar.colour == _PART else ""
    return {
        "name": bar.name,
        "x": round(_LEFT + bar.start * scale, 1),
        "y": _TOP + _STEP * number,
        "width": round(max(size * scale, 1), 1),
        "colour": bar.colour,
        "label": f"{sign}{size:.0f}",
    }
