"""How far a run is, and how long it will take: a bar for each part of the work, in bytes of its files."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from cds_hooks.impact.local_engine import ANSWERING, READING
from cds_hooks.impact.work import Work


class Progress:
    """Shows bars while it is open; where nobody watches, nothing is drawn."""

    def __init__(self, work: Work, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bars = Bars(*columns, console=console, transient=True)
        orders = sum(part.size for part in work.orders)
        self._totals = {READING: orders + sum(part.size for part in work.records), ANSWERING: orders}
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Progress":
        """Begin to show."""
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop showing."""
        self._bars.stop()

    def advance(self, part: str, done: int) -> None:
        """Show that so many more bytes of a part of the work are done."""
        if part not in self._tasks:
            self._tasks[part] = self._bars.add_task(part, total=self._totals[part])
        self._bars.advance(self._tasks[part], done)

    def count(self) -> None:
        """Show that all is answered and is being counted."""
        self._bars.add_task("Counting", total=None)
