"""Inserts rows of any table in one transaction, as quickly as the driver does it."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from cds_hooks.store.calls import Rows
from cds_hooks.store.database import PATIENCE, StoreError, kind_of
from cds_hooks.store.tables import TABLES
from cds_hooks.store.write_ahead_log import LogFlush, renew

#: A database server that failed is tried again after so many seconds, while there is time.
_PAUSE: Final = 0.05


class RefusedError(StoreError):
    """The database refuses what was to be written, as it is; the store itself works."""


class Inserter:
    """Inserts rows on one connection that stays open, by one thread at a time.

    The driver is called directly: what SQLAlchemy does around each transaction costs as much as the insertion.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._errors: Any = engine.dialect.loaded_dbapi
        self._opened: Any = None
        self._flush: LogFlush | None = None
        self._is_log_doubtful = False

    def insert(self, rows: Rows, is_failing: bool) -> None:
        """Insert rows in one transaction; StoreError where that fails. No rows: check that it could be done.

        A database server may come back, and is waited for as long as a write may take; SQLite waited already.
        """
        statements = list(_insertions(rows, self._is_sqlite)) or [(_WRITE_CHECK if is_failing else _CHECK, [])]
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return self._run(statements)
            except StoreError as error:
                may_pass = not self._is_sqlite and not isinstance(error, RefusedError)
                if not may_pass or time.monotonic() + _PAUSE >= ends:
                    raise
            time.sleep(_PAUSE)

    def _run(self, statements: Sequence[tuple[str, list[Any]]]) -> None:
        try:
            if self._opened is None:
                self._open()
            cursor = self._opened.cursor()
            if self._is_sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                cursor.execute(statement, values)
            if self._is_sqlite:
                cursor.execute("COMMIT")  # kept prepared, which what `commit` executes is not
            else:
                self._opened.commit()
            self._flush_log()
        except (self._errors.Error, sa.exc.SQLAlchemyError, OSError) as error:
            self._roll_back()
            self.close()
            cause = getattr(error, "orig", error)
            is_refused = isinstance(cause, (self._errors.DataError, self._errors.IntegrityError))
            raise (RefusedError if is_refused else StoreError)(kind_of(error)) from None

    def _open(self) -> None:
        self._opened = self._engine.raw_connection()
        if not self._is_sqlite:
            return
        self._flush = LogFlush.take_over(self._opened.driver_connection)
        if self._is_log_doubtful:
            renew(self._opened.driver_connection)
            self._is_log_doubtful = False

    def _flush_log(self) -> None:
        """Bring what was committed to the disk, where the connection does not do so itself."""
        if self._flush:
            self._is_log_doubtful = True
            self._flush()
            self._is_log_doubtful = False

    def _roll_back(self) -> None:
        """Give SQLite's lock back at once: a connection that is closed keeps it as long as anybody has its cursor."""
        if self._is_sqlite and self._opened is not None:
            with contextlib.suppress(self._errors.Error):
                self._opened.rollback()

    def close(self) -> None:
        """Give the connection up; the next insertion opens another."""
        connection, self._opened = self._opened, None
        if connection is not None:
            connection.invalidate()
        if self._flush:
            self._flush.close()
        self._engine.dispose()


#: A check takes the lock of a write and changes nothing. After a failure it writes: only that shows that a disk has
#: room again.
_CHECK: Final = "DELETE FROM alembic_version WHERE version_num IS NULL"
_WRITE_CHECK: Final = "UPDATE alembic_version SET version_num = version_num"

#: As many rows are inserted by one statement: in SQLite each statement costs a turn of the interpreter's lock.
_MOST_IN_ONE: Final = 64


def _insertions(rows: Rows, is_sqlite: bool) -> Iterator[tuple[str, list[Any]]]:
    """Yield the statements that insert some rows, and their values."""
    for name, some in rows.items():
        for start in range(0, len(some), _MOST_IN_ONE):
            part = some[start : start + _MOST_IN_ONE]
            values = [value for row in part for value in row.values()]
            yield _insertion(name, len(part), is_sqlite), _bindable(values) if is_sqlite else values


def _bindable(values: list[Any]) -> list[Any]:
    """Return values as sqlite3 binds them at once: `bytes`, of all types, it first tries to adapt, fourteen a call."""
    return [bytearray(value) if type(value) is bytes else value for value in values]


@cache
def _insertion(name: str, rows: int, is_sqlite: bool) -> str:
    """Return the statement that inserts some rows, unless they are there.

    A commit whose success was not heard of is repeated, and then finds its rows.
    """
    columns = [column.name for column in TABLES.tables[name].columns]
    row = ", ".join(["?" if is_sqlite else "%s"] * len(columns))
    values = ", ".join([f"({row})"] * rows)
    return f"INSERT INTO {name} ({', '.join(columns)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 (names of ours)
