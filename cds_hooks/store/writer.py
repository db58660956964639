"""Writes records so that they are kept before the answer leaves: calls that come together share one commit."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from cds_hooks.store.calls import CallRecord, Rows, to_rows
from cds_hooks.store.database import PATIENCE, StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import TABLES

#: As many records are written by one commit.
_MOST_AT_ONCE: Final = 256

#: A commit waits so many seconds for the calls that are being answered, to take their records with it. At 2,000 calls
#: a second that makes one commit of eight, at a quarter of the cost; a call that is alone does not wait.
_GATHERING: Final = 0.005

#: A write that failed is tried again after so many seconds, while there is time.
_PAUSE: Final = 0.05

#: Told of each commit: how many seconds it took, and how many records it wrote.
Watcher = Callable[[float, int], None]


class _Record:
    """Something that waits to be written, and the thread that waits for it."""

    __slots__ = ("error", "kept", "leads", "wake")

    def __init__(self, kept: Sequence[CallRecord | Rows]) -> None:
        self.kept = kept
        self.wake = threading.Lock()
        self.wake.acquire()
        self.leads = False
        #: Nothing is taken for written before it is known to be.
        self.error: StoreError | None = StoreError("not-written")


class State(NamedTuple):
    """How many records wait, and how many writes failed since the start."""

    waiting: int
    failures: int


class RefusedError(StoreError):
    """The database refuses what was to be written, as it is; others' records are no worse for it."""


class Writer:
    """Writes calls, and rows of other tables, for all threads of a process; when `write` returns they are committed.

    There is no thread of its own: of the threads that wait, one writes for all that wait by then, and names the next.
    """

    def __init__(
        self, engine: sa.Engine, cipher: RecordCipher, watch: Watcher = lambda _seconds, _records: None
    ) -> None:
        self._inserter = _Inserter(engine)
        self._cipher = cipher
        self._watch = watch
        self._lock = threading.Lock()
        self._waiting: list[_Record] = []
        self._in_progress = 0
        self._leader: _Record | None = None
        self._failures = 0

    @property
    def state(self) -> State:
        """What can be seen from outside."""
        return State(len(self._waiting), self._failures)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Tell that a call is being answered that will be written: commits wait for it, for a moment."""
        with self._lock:
            self._in_progress += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_progress -= 1

    def write(self, *kept: CallRecord | Rows) -> None:
        """Write all or none; StoreError where they are not kept."""
        mine = _Record(kept)
        with self._lock:
            self._waiting.append(mine)
            if self._leader is None:
                self._leader, mine.leads = mine, True
            elif len(self._waiting) >= self._in_progress and self._leader in self._waiting:
                _wake(self._leader)  # nobody else is to be waited for
        if not mine.leads:
            mine.wake.acquire()
        if mine.leads:
            self._lead(mine)
        if mine.error:
            raise mine.error

    def close(self) -> None:
        """Close the connection."""
        self._inserter.close()

    def _lead(self, mine: _Record) -> None:
        """Write for all who wait, this thread's own record among them, and let them and the next leader go on."""
        if len(self._waiting) < self._in_progress:
            mine.wake.acquire(timeout=_GATHERING)
        with self._lock:
            batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
        try:
            self._write_all(batch)
        finally:
            with self._lock:
                self._leader = self._waiting[0] if self._waiting else None
                if self._leader:
                    self._leader.leads = True
                    _wake(self._leader)
            for record in batch:
                if record is not mine:
                    _wake(record)

    def _write_all(self, batch: Sequence[_Record]) -> None:
        started = time.perf_counter()
        error = self._try([one for record in batch for one in record.kept])
        # One record may be what the database refuses; the others are not to be lost with it.
        is_shared = isinstance(error, RefusedError) and len(batch) > 1
        for record in batch:
            record.error = self._try(record.kept) if is_shared else error
        self._failures += sum(1 for record in batch if record.error)
        self._watch(time.perf_counter() - started, len(batch))

    def _try(self, kept: Sequence[CallRecord | Rows]) -> StoreError | None:
        """Commit, again if it failed for a reason that may pass, within the time that a write may take."""
        rows = to_rows(kept, self._cipher)
        ends = time.monotonic() + PATIENCE
        while (error := self._inserter.insert(rows)) is not None:
            if not self._inserter.may_pass(error) or time.monotonic() + _PAUSE >= ends:
                return error
            time.sleep(_PAUSE)
        return None


def _wake(record: _Record) -> None:
    if record.wake.locked():
        record.wake.release()


class _Inserter:
    """Inserts rows on one connection that stays open.

    The driver is spoken to directly: what SQLAlchemy does around each transaction costs as much as the insertion.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._errors: Any = engine.dialect.loaded_dbapi
        self._connection: Any = None

    def insert(self, rows: Rows) -> StoreError | None:
        """Insert rows in one transaction; return why they are not inserted."""
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            cursor = self._connection.cursor()
            if self._is_sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            for name, some in rows.items():
                for start in range(0, len(some), _MOST_IN_ONE):
                    values = some[start : start + _MOST_IN_ONE]
                    cursor.execute(
                        _insertion(name, len(values), self._is_sqlite), [v for row in values for v in row.values()]
                    )
            self._connection.commit()
        except (self._errors.Error, sa.exc.SQLAlchemyError) as error:
            self.close()
            cause = getattr(error, "orig", error)
            is_refused = isinstance(cause, (self._errors.DataError, self._errors.IntegrityError))
            return (RefusedError if is_refused else StoreError)(kind_of(error))
        return None

    def may_pass(self, error: StoreError) -> bool:
        """Whether it may go better soon: a database that is elsewhere may come back; SQLite waited already."""
        return not self._is_sqlite and not isinstance(error, RefusedError)

    def close(self) -> None:
        """Give the connection up; the next insertion opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
        self._engine.dispose()


#: As many rows are inserted by one statement: in SQLite each statement costs a turn of the interpreter's lock.
_MOST_IN_ONE: Final = 64


@cache
def _insertion(name: str, rows: int, is_sqlite: bool) -> str:
    """Return the statement that inserts some rows, unless they are there.

    A commit whose success was not heard of is repeated, and then finds its rows.
    """
    columns = [column.name for column in TABLES.tables[name].columns]
    row = ", ".join(["?" if is_sqlite else "%s"] * len(columns))
    values = ", ".join([f"({row})"] * rows)
    return f"INSERT INTO {name} ({', '.join(columns)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 (names of ours)
