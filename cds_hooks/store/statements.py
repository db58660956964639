"""Runs statements that stand alone, each a transaction of its own, as quickly as the driver does it."""

import queue
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
        try:
            connection = self._free.get(timeout=PATIENCE)
        except queue.Empty:
            raise StoreError("busy") from None
        try:
            return connection.run(statement if self._is_sqlite else statement.replace("?", "%s"), values)
        finally:
            self._free.put(connection)

    def close(self) -> None:
        """Close all connections; the next statement opens one again."""
        for connection in self._connections:
            connection.close()
        self._engine.dispose()


class _Connection:
    """A connection that stays open, for one thread at a time.

    The driver is called directly: what SQLAlchemy does around one row costs five times as much as the insertion.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._errors: Any = engine.dialect.loaded_dbapi
        self._opened: Any = None

    def run(self, statement: str, values: tuple[Any, ...]) -> int:
        """Run a statement and return how many rows it changed; StoreError where it fails.

        A database server that was restarted has closed what was kept open: that is noticed now, and a new one tried.
        """
        kept = self._opened
        try:
            return self._execute(statement, values)
        except (self._errors.Error, sa.exc.SQLAlchemyError, OSError) as error:
            is_gone = kept is not None and self._is_gone(kept, error)
            self.close()
            if not is_gone:
                raise StoreError(kind_of(error)) from None
        return self.run(statement, values)

    def _is_gone(self, connection: Any, error: Any) -> bool:
        return self._engine.dialect.is_disconnect(error, connection.driver_connection, None)

    def _execute(self, statement: str, values: tuple[Any, ...]) -> int:
        if self._opened is None:
            self._opened = self._engine.raw_connection()
        cursor = self._opened.driver_connection.cursor()
        cursor.execute(statement, values)
        return int(cursor.rowcount)

    def close(self) -> None:
        """Close the connection; the next statement opens it again."""
        connection, self._opened = self._opened, None
        if connection is not None:
            connection.invalidate()
