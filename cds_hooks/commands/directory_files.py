"""What `crd members` and `crd authorizations` share: reading a file, setting wrong lines aside, loading the others."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import click
import orjson
import sqlalchemy as sa

from cds_hooks.commands.store_access import failing_clearly, settings_of_store
from cds_hooks.errors import StartError
from cds_hooks.members.database_directory import MOST_ROWS
from cds_hooks.members.digests import digests_of
from cds_hooks.members.files import Known, Layout, Line, read_lines
from cds_hooks.members.loaded import Loaded, describe_loaded
from cds_hooks.members.loading import DirectoryLoad
from cds_hooks.members.rows import MemberRow, Row
from cds_hooks.settings import Settings
from cds_hooks.store.access_log import note_access, system_user
from cds_hooks.store.audit_event import to_instant
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher, read_keys

_SET_ASIDE: Final = "Where wrong lines are set aside with their reasons; without it FILE.rejected.ndjson."

REJECTED: Final = click.option("--rejected", type=click.Path(dir_okay=False, path_type=Path), help=_SET_ASIDE)
MOST_WRONG: Final = click.option(
    "--most-wrong",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="With more wrong lines than so many percent, nothing is replaced.",
)
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
REASON: Final = click.option("--reason", help="Why; it is kept with the record of this access.")

#: So many reasons are told.
_MOST_TOLD: Final = 10

#: The bar is moved on once in so many lines.
_STEP: Final = 1000


#: Says of a row what may be wrong with it.
Doubt = Callable[[Row], str | None] | None


class Store(NamedTuple):
    """The open database, and the keys of what is kept there."""

    engine: sa.Engine
    keys: tuple[bytes, ...]


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open the database that there is; StartError where there is none, or where it fails."""
    settings_of_store(settings)
    with failing_clearly("a row"):
        engine = connect(settings.database_url, durable=False)
        try:
            yield Store(engine, read_keys(settings.audit_keys))
        finally:
            engine.dispose()


def load_file(
    settings: Settings,
    name: str,
    layout: Layout[Known],
    known: Known,
    path: Path,
    rejected: Path | None,
    most_wrong: float,
) -> None:
    """Replace a directory by what is in a file, and tell how many lines were loaded and set aside."""
    started, keys = time.monotonic(), read_keys(settings.audit_keys)
    if not keys:
        click.echo("warning: without CRD_AUDIT_KEYS nothing of this is encrypted", err=True)
    with failing_clearly("a row"):
        prepare(settings.database_url, settings.may_migrate)
        engine = connect(settings.database_url, durable=False)
        try:
            with DirectoryLoad(engine, name, RecordCipher(keys), digests_of(keys)[0]) as directory:
                with path.open("rb") as file, _Tally(path, rejected, layout.unread) as tally:
                    directory.write(tally.rows(read_lines(_with_bar(file, path), path, layout, known)))
                tally.check(most_wrong)
                directory.become_current(tally.about)
                crowded = directory.crowded
            note_load(engine, name, tally)
        finally:
            engine.dispose()
    click.echo(f"{_lines(tally.right)} loaded in {time.monotonic() - started:.0f} s{tally.told}{tally.why}")
    if crowded:
        click.echo(f"warning: {crowded} ids are on more than {MOST_ROWS} lines each: by them nobody is found", err=True)


def note_load(engine: sa.Engine, name: str, tally: "_Tally") -> None:
    """Put a load on the record."""
    with engine.begin() as connection:
        note_access(connection, system_user(), "load", None, {name: tally.right, "wrong": tally.wrong})


def check_file(layout: Layout[Known], known: Known, path: Path, rejected: Path | None, doubt: Doubt = None) -> None:
    """Read a file as a load does, and load nothing; end with 1 where a line is wrong.

    `doubt` says of the row of a line what may be wrong with it; such lines are told of, and right.
    """
    doubts: dict[str, list[int]] = {}
    with path.open("rb") as file, _Tally(path, rejected, layout.unread) as tally:
        lines = read_lines(_with_bar(file, path), path, layout, known)
        for _ in tally.rows(_doubting(lines, doubt, doubts) if doubt else lines):
            pass
    click.echo(f"{_right(tally.right)}{tally.told}{tally.why}")
    for said, numbers in doubts.items():
        click.echo(f"warning: {len(numbers)}: {said} (line {numbers[0]})", err=True)
    if tally.wrong:
        sys.exit(1)


def _doubting(
    lines: Iterable[Line], doubt: Callable[[Row], str | None], doubts: dict[str, list[int]]
) -> Iterator[Line]:
    for line in lines:
        said = doubt(line.row) if line.row and not line.reason else None
        if said:
            doubts.setdefault(said, []).append(line.number)
        yield line


def describe(settings: Settings, name: str) -> Loaded:
    """Print what is loaded of a directory, and return it; end with 1 where nothing is, or its key is not there."""
    with open_store(settings) as store:
        loaded = describe_loaded(store.engine, name, store.keys)
    if loaded is None:
        raise click.ClickException(f"no {name} were loaded")
    told = {**loaded.about, "loaded": to_instant(loaded.about["loaded"])}
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    if not loaded.opens:
        raise click.ClickException(f"the key of these {name} is not in CRD_AUDIT_KEYS: load them again")
    return loaded


def note_look_up(store: Store, action: str, value: str, reason: str | None) -> None:
    """Put a look-up by a person on the record: of the id only its keyed digest, by which it can be asked for."""
    digest = digests_of(store.keys)[0].of_id(value).hex()
    with store.engine.begin() as connection:
        note_access(connection, system_user(), action, reason, {"digest": digest})


class _Tally:
    """Counts lines, and writes those that are wrong to a file with their reasons; it is its owner's alone to read."""

    def __init__(self, path: Path, rejected: Path | None, of_whom: str) -> None:
        self._of_whom = of_whom
        self.path = rejected or path.with_name(f"{path.name}.rejected.ndjson")
        self.right = self.wrong = self.unread = 0
        self.reasons: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self.plans: Counter[str] = Counter()
        self._file: BinaryIO | None = None

    def __enter__(self) -> "_Tally":
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def rows(self, lines: Iterable[Line]) -> Iterator[Row]:
        """Yield the rows to load: of a wrong line its ids alone, so that nobody says that there is no such member."""
        for line in lines:
            if line.reason:
                self._set_aside(line)
            else:
                self.right += 1
                if isinstance(line.row, MemberRow) and line.row.plan:
                    self.plans[line.row.plan] += 1
            if line.row:
                yield line.row

    def _set_aside(self, line: Line) -> None:
        self.wrong += 1
        self.unread += line.is_unread
        self.reasons[line.reason or ""] += 1
        self._first.setdefault(line.reason or "", line.number)
        if self._file is None:
            self._file = os.fdopen(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        text: dict[str, Any] = {"line": line.number, "reason": line.reason, "row": line.fields}
        self._file.write(orjson.dumps(text, option=orjson.OPT_APPEND_NEWLINE))

    def check(self, most_wrong: float) -> None:
        """Raise StartError where too much is wrong for the directory to be replaced."""
        share = 100 * self.wrong / max(self.right + self.wrong, 1)
        if self.right == 0 or share > most_wrong:
            raise StartError(f"nothing was replaced: {_right(self.right)}{self.told}{self.why}")

    @property
    def about(self) -> dict[str, Any]:
        """What is kept about a load; of whom `unread` lines were nobody can tell."""
        return {"plans": dict(self.plans), "wrong": self.wrong, "unread": self.unread}

    @property
    def told(self) -> str:
        """What became of wrong lines, as the end of a sentence."""
        unread = f" ({self.unread} of them of nobody knows whom: {self._of_whom})" if self.unread else ""
        return f", {self.wrong} set aside in {self.path}{unread}" if self.wrong else ""

    @property
    def why(self) -> str:
        """What is wrong with lines, the most frequent first: how many, and the first of them; never what they hold."""
        found = self.reasons.most_common(_MOST_TOLD)
        return "".join(f"\n  {count}: {reason} (line {self._first[reason]})" for reason, count in found)


def _with_bar(file: BinaryIO, path: Path) -> Any:
    """Yield the lines of a file, and show how far it is where somebody looks on."""
    if not sys.stderr.isatty():
        yield from file
        return
    done = 0
    with click.progressbar(length=path.stat().st_size, label=path.name, file=sys.stderr) as bar:
        for number, line in enumerate(file):
            done += len(line)
            if number % _STEP == 0:
                bar.update(done)
                done = 0
            yield line
        bar.update(done)


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"


def _right(number: int) -> str:
    return f"{_lines(number)} {'is' if number == 1 else 'are'} right"
