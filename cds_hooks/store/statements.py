"""Runs statements that stand alone, each a transaction of its own, as quickly as the driver does it."""

import queue
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from cds_hooks.store.database import CONNECTIONS, PATIENCE, StoreError, kind_of


class Statements:
    """Runs statements on connections that stay open, for all threads of a process.

    `engine` is one of `database.connect` with `each_alone`. A server may fork its workers after this was made:
    connections are opened by the first statements.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._connections = [_Connection(engine) for _ in range(1 if self._is_sqlite else CONNECTIONS)]
        self._free: queue.SimpleQueue[_Connection] = queue.SimpleQueue()
        for connection in self._connections:
            self._free.put(connection)

    def run(self, statement: str, *values: Any) -> int:
        """Run a statement with `?` for each value, and return how many rows it changed; StoreError where it fails."""
        return int(self._run(statement, values, _count))

    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a query with `?` for each value, and return its rows; StoreError where it fails."""
        rows: list[tuple[Any, ...]] = self._run(statement, values, _fetch)
        return rows

    def _run(self, statement: str, values: tuple[Any, ...], get: Callable[[Any], Any]) -> Any:
        try:
            connection = self._free.get(timeout=PATIENCE)
        except queue.Empty:
            raise StoreError("busy") from None
        try:
            return connection.run(statement if self._is_sqlite else statement.replace("?", "%s"), values, get)
        finally:
            self._free.put(connection)

    def close(self) -> None:
        """Close all connections; the next statement opens one again."""
        for connection in self._connections:
            connection.close()
        self._engine.dispose()


def _count(cursor: Any) -> int:
    return int(cursor.rowcount)


def _fetch(cursor: Any) -> list[tuple[Any, ...]]:
    return list(cursor.fetchall())


class _Connection:
    """A connection that stays open, for one thread at a time.

    The driver is called directly: what SQLAlchemy does around one row costs five times as much as the insertion.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._errors: Any = engine.dialect.loaded_dbapi
        self._opened: Any = None

    def run(self, statement: str, values: tuple[Any, ...], get: Callable[[Any], Any]) -> Any:
        """Run a statement and return what `get` takes from its cursor; StoreError where it fails.

        A database server that was restarted has closed what was kept open: that is noticed now, and a new one tried.
        """
        kept = self._opened
        try:
            return self._execute(statement, values, get)
        except (self._errors.Error, sa.exc.SQLAlchemyError, OSError) as error:
            is_gone = kept is not None and self._is_gone(kept, error)
            self.close()
            if not is_gone:
                raise StoreError(kind_of(error)) from None
        return self.run(statement, values, get)

    def _is_gone(self, connection: Any, error: Any) -> bool:
        return self._engine.dialect.is_disconnect(error, connection.driver_connection, None)

    def _execute(self, statement: str, values: tuple[Any, ...], get: Callable[[Any], Any]) -> Any:
        if self._opened is None:
            self._opened = self._engine.raw_connection()
        cursor = self._opened.driver_connection.cursor()
        cursor.execute(statement, values)
        return get(cursor)

    def close(self) -> None:
        """Close the connection; the next statement opens it again."""
        connection, self._opened = self._opened, None
        if connection is not None:
            connection.invalidate()
