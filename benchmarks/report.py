"""What is kept of a run: all figures as JSON, tables in Markdown with the machine's description, the chart as SVG."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.demands import Demand
from benchmarks.rounds import Row
from benchmarks.waterfall import draw

RESULTS: Final = Path(__file__).parent / "results"

_HEAD: Final = "| | connections | calls/s | p50 ms | p95 ms | p99 ms | µs a call | by process | peak MB |"
_PARTS: Final = {
    "parts": "Parts switched on in turn",
    "connections": "More and fewer connections",
    "bodies": "Bodies, as shipped",
    "rules": "Rules of different size, 20 orders a call, one worker, nothing recorded",
}


def save(
    name: str, rows: Sequence[Row], figures: Mapping[str, float], demands: Sequence[Demand], facts: Mapping[str, str]
) -> list[Path]:
    """Write a run's three files and return their paths."""
    RESULTS.mkdir(exist_ok=True)
    judged = [{"demand": one.text, "limit": one.limit, "figure": one.figure, "verdict": one.verdict} for one in demands]
    everything = {"machine": facts, "rows": [row._asdict() for row in rows], "figures": figures, "demands": judged}
    written = {
        f"{name}.json": json.dumps(everything, indent=1, ensure_ascii=False) + "\n",
        f"{name}.md": "\n".join(_markdown(name, rows, figures, demands, facts)) + "\n",
        f"{name}.svg": draw(rows, f"{facts['commit']}, {facts['processor']}, {facts['when']}"),
    }
    for file, text in written.items():
        (RESULTS / file).write_text(text)
    return [RESULTS / file for file in written]


def _markdown(
    name: str, rows: Sequence[Row], figures: Mapping[str, float], demands: Sequence[Demand], facts: Mapping[str, str]
) -> Iterator[str]:
    yield f"# Benchmark: {name}"
    yield "\nWritten by `make bench`; how to read it: [docs/performance.md](../../docs/performance.md).\n"
    yield f"![what a call costs, part by part]({name}.svg)"
    yield "\n## Demands\n\n| demand | limit | measured | |\n| --- | --- | --- | --- |"
    yield from (_demand(one) for one in demands)
    for part, title in _PARTS.items():
        chosen = [row for row in rows if row.part == part]
        if chosen:
            yield f"\n## {title}\n\n{_HEAD}\n{'| --- ' * 9}|"
            yield from map(_row, chosen)
    yield "\n## Single figures\n\n| | |\n| --- | --- |"
    yield from (f"| {what} | {figure:.2f} |" for what, figure in figures.items())
    yield "\n## Machine\n\n| | |\n| --- | --- |"
    yield from (f"| {what} | {said} |" for what, said in facts.items())


def _demand(one: Demand) -> str:
    figure = "" if one.figure is None else f"{one.figure:.2f}"
    goal = "" if one.goal is None else f", goal {one.goal:g}"
    return f"| {one.text} | {'≥' if one.is_floor else '≤'} {one.limit:g}{goal} | {figure} | {one.verdict} |"


def _row(row: Row) -> str:
    processes = ", ".join(f"{name} {cost:.0f}" for name, cost in row.processor.items() if cost >= 1)
    times = f"{row.p50:.2f} | {row.p95:.2f} | {row.p99:.2f}"
    return (
        f"| {row.name} | {row.connections} | {row.rate:.0f} | {times} | {row.cost:.0f} | {processes} | {row.peak:.0f} |"
    )
