"""The report as one HTML file that needs nothing else: charts as SVG, light and dark, and on paper."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader

from cds_hooks.impact import charts
from cds_hooks.impact.figures import DIMENSIONS, FEWEST_PATIENTS, Figures

#: Rows of a table; the Parquet files have all of them.
_ROWS: Final = 25

_TITLES: Final = {
    "policy": "Policies",
    "payer": "Payers",
    "code": "Codes",
    "month": "Months",
    "site": "Sites",
    "client": "Clients",
    "type": "Types of orders",
}


class Heading(NamedTuple):
    """What a report says of itself: the day, the rules by their digests, the day they were asked for, and the files."""

    made_on: str
    rules: str
    baseline: str | None
    asked_on: str | None
    files: int
    has_ids: bool
    has_all_texts: bool


def render_report(figures: Figures, heading: Heading) -> str:
    """Return the report as HTML."""
    folder = Path(__file__).parent / "templates"
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=_number, percent=charts.write_share)
    environment.globals.update(verdicts=charts.VERDICTS, stack=charts.draw_stack)
    return environment.get_template("report.html").render(figures=figures, heading=heading, **_charts(figures))


def _charts(figures: Figures) -> dict[str, Any]:
    months = charts.draw_columns(figures.by["month"])
    return {
        "answers": charts.draw_bars(charts.order_verdicts(figures.verdicts)),
        "months": months,
        "label_every": charts.label_every(months),
        "tables": [
            (_TITLES[name], len(figures.by[name]), charts.largest(figures.by[name], _ROWS))
            for name in DIMENSIONS
            if name != "month"
        ],
        "spread": charts.draw_bars(figures.alerts["spread"]),
        "texts": list(figures.texts.items())[: 2 * _ROWS],
        "differences": (figures.differences or ())[: 2 * _ROWS],
        "fewest": FEWEST_PATIENTS,
        "groups": [one for one in figures.groups if one.named["policy"]][: 2 * _ROWS],
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"
