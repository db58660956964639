"""Opens the database, and brings its tables to the state that this version of the service wants."""

import os
import sqlite3
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

#: The newest migration. A test compares it with the folder `migrations/versions`.
NEWEST: Final = "0001"

#: Those that came before it, from the first.
OLDER: Final[tuple[str, ...]] = ()

#: How long a write may wait for those of other processes, in seconds.
PATIENCE: Final = 2.0

#: Statements that stand alone share so many connections of a process to PostgreSQL.
_CONNECTIONS: Final = 5

#: As long may the making of tables wait for another process that makes them.
_PATIENCE_AT_START: Final = 30.0

#: One number for all processes, by which they take turns at a PostgreSQL database ("CRD" and a 1).
_TURN: Final = 0x43524401


class StoreError(Exception):
    """The database could not be asked or written; the text is the kind of error, without values or URL."""


def connect(url: str, durable: bool = True, each_alone: bool = False, patience: float = PATIENCE) -> sa.Engine:
    """Return an engine; for SQLite one connection, for which threads wait in turn rather than on the file's lock.

    With `durable` a commit has reached the disk when it returns; without, the last moment may be lost when the machine
    (for PostgreSQL: the database server) goes down, though not when this process does. With `each_alone` there are no
    transactions: each statement is one.
    """
    pool: dict[str, Any] = {"poolclass": sa.QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": patience}
    if each_alone:
        pool["isolation_level"] = "AUTOCOMMIT"
    if sa.make_url(url).get_backend_name() != "sqlite":
        limits = f"-c lock_timeout={patience * 1000:.0f} -c synchronous_commit={'on' if durable else 'off'}"
        args = {"connect_timeout": max(2, round(patience)), "options": limits}
        pool["pool_size"] = _CONNECTIONS if each_alone else 1
        return sa.create_engine(url, connect_args=args, pool_pre_ping=each_alone, **pool)
    engine = sa.create_engine(url, connect_args={"timeout": patience, "isolation_level": None}, **pool)

    def set_up(connection: sqlite3.Connection, _: Any) -> None:
        for pragma in ("journal_mode=WAL", f"synchronous={'FULL' if durable else 'NORMAL'}", "wal_autocheckpoint=8000"):
            connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(engine, "connect", set_up)
    if not each_alone:
        # IMMEDIATE: a transaction that reads first and is overtaken by another writer would fail at its first write.
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def prepare(url: str) -> str:
    """Make or change the tables where they are not as this version wants them; return the state they are in.

    Several processes may start at once. A state that is not known here is of a newer version, which a rolling restart
    runs beside this one; migrations only ever add, so it will do.
    """
    _make_private(url)
    engine = connect(url, patience=_PATIENCE_AT_START)
    try:
        state = _state(engine)
        if state is None or state in OLDER:
            _migrate(engine)
            state = _state(engine)
        return str(state)
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(kind_of(error)) from None
    finally:
        engine.dispose()  # the server process forks its workers: none may inherit an open connection


def kind_of(error: Exception) -> str:
    """Return what went wrong without the statement and its values: the error's class, and SQLite's name for it."""
    cause = getattr(error, "orig", None) or error
    return getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or type(cause).__name__


def _state(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: sa.Engine) -> None:
    # Only here: most starts find the tables as they should be.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).resolve().parent / "migrations").replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_TURN})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _make_private(url: str) -> None:
    """Make a new SQLite file that only its owner reads: it will hold patient data."""
    parsed = sa.make_url(url)
    path = parsed.database
    if parsed.get_backend_name() != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(error.strerror or type(error).__name__) from None
