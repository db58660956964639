"""The report in the terminal: the answers, the policies, what differs, and what to look at."""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cds_hooks.impact.charts import VERDICTS, largest, order_verdicts, write_share
from cds_hooks.impact.figures import Figures

_STYLES = {
    "not-covered": "red",
    "pa-needed": "yellow",
    "doc-needed": "yellow",
    "covered": "green",
    "in-doubt": "magenta",
}
_WIDTH = 30
_ROWS = 8


def print_summary(figures: Figures, console: Console) -> None:
    """Print the figures in a page."""
    console.print(Group(*_parts(figures)))


def _parts(figures: Figures) -> Iterator[RenderableType]:
    aside = sum(figures.set_aside.values())
    yield Text(
        f"{figures.orders:,} orders of {figures.patients:,} patients; {aside:,} of {figures.lines:,} lines set aside"
    )
    yield _answers(figures)
    yield _by_policy(figures)
    if figures.differences is not None:
        yield _differences(figures)
    alerts = figures.alerts
    if alerts["clinician_days"]:
        spread = (
            f"{alerts['mean']} on average, {alerts['most_of_95']} or fewer on 95 % of days, {alerts['most']} at most"
        )
        yield Text(f"Cards by clinician and day: {spread}")
    for reason, count in figures.set_aside.items():
        yield Text(f"Set aside, {reason}: {count:,}", style="dim")


def _answers(figures: Figures) -> Table:
    table = Table("Answer", "", box=None, pad_edge=False)
    table.add_column("Orders", justify="right")
    table.add_column("Share", justify="right")
    counts = order_verdicts(figures.verdicts)
    most, total = max(counts.values(), default=1), sum(counts.values()) or 1
    for verdict, count in counts.items():
        bar = Text("█" * max(1, round(_WIDTH * count / most)), style=_STYLES.get(verdict, "blue"))
        table.add_row(VERDICTS[verdict][0], bar, f"{count:,}", write_share(count / total))
    return table


def _by_policy(figures: Figures) -> Table:
    table = Table("Policy", box=None, pad_edge=False)
    for title in ("Orders", "Not covered", "Authorization", "In doubt"):
        table.add_column(title, justify="right")
    for name, counts in largest(figures.by["policy"], _ROWS):
        asked = counts.get("pa-needed", 0) + counts.get("pa-depends", 0)
        cells = (sum(counts.values()), counts.get("not-covered", 0), asked, counts.get("in-doubt", 0))
        table.add_row(name, *(f"{cell:,}" for cell in cells))
    return table


def _differences(figures: Figures) -> RenderableType:
    if not figures.differences:
        return Text("No order is answered otherwise than by the baseline")
    table = Table("Was", "Is", "Policy", "Payer", box=None, pad_edge=False)
    table.add_column("Orders", justify="right")
    for one in figures.differences[:_ROWS]:
        was, now = VERDICTS[one.named["was_verdict"]][0], VERDICTS[one.named["verdict"]][0]
        policy = one.named["policy"] or one.named["was_policy"] or "-"
        table.add_row(was, now, policy, one.named["payer"] or "-", f"{one.orders:,}")
    return table
