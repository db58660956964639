"""Opens the database, and brings its tables to the state that this version of the service wants."""

import contextlib
import errno
import os
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.partition_adoption import check_rows, forget_rows
from cds_hooks.store.partitions import PARTITIONED, make_ahead, make_first
from cds_hooks.store.tables import TABLES
from cds_hooks.telemetry.logs import record

#: The newest migration. A test compares it with the folder `migrations/versions`.
NEWEST: Final = "0006"

#: Those that came before it, from the first.
OLDER: Final[tuple[str, ...]] = ("0001", "0002", "0003", "0004", "0005")

#: How long a write may wait for those of other processes, in seconds.
PATIENCE: Final = 2.0

#: Statements that stand alone share so many connections of a process to PostgreSQL.
CONNECTIONS: Final = 5

#: As long may the making of tables wait for another process that makes them, in seconds.
PATIENCE_AT_START: Final = 30.0

#: What to do about tables that are missing or older.
_BY_COMMAND: Final = "run `crd store migrate`, or start the service with CRD_MIGRATIONS=start"

#: One number for all processes, by which they take turns at a PostgreSQL database ("CRD" and a 1).
_TURN: Final = 0x43524401


class StoreError(Exception):
    """The database could not be asked or written; the text is the kind of error, without values or URL."""


def connect(
    url: str, durable: bool = True, each_alone: bool = False, patience: float = PATIENCE, read_only: bool = False
) -> sa.Engine:
    """Return an engine; for SQLite one connection, for which threads wait in turn rather than on the file's lock.

    With `durable` a commit has reached the disk when it returns; without, the last moment may be lost when the machine
    (for PostgreSQL: the database server) goes down, though not when this process does. With `each_alone` there are no
    transactions: each statement is one. With `read_only` the database refuses every change.
    """
    pool: dict[str, Any] = {"poolclass": sa.QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": patience}
    if each_alone:
        pool["isolation_level"] = "AUTOCOMMIT"
    if sa.make_url(url).get_backend_name() != "sqlite":
        limits = f"-c lock_timeout={patience * 1000:.0f} -c synchronous_commit={'on' if durable else 'off'}"
        limits += " -c default_transaction_read_only=on" if read_only else ""
        args = {"connect_timeout": max(2, round(patience)), "options": limits}
        pool["pool_size"] = CONNECTIONS if each_alone else 1
        return sa.create_engine(url, connect_args=args, pool_pre_ping=each_alone, **pool)
    place = _read_only_place(url) if read_only else sa.make_url(url)
    engine = sa.create_engine(place, connect_args={"timeout": patience, "isolation_level": None}, **pool)
    if read_only:
        if not each_alone:  # a transaction sees one state, however many queries it has
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def set_up(connection: sqlite3.Connection, _: Any) -> None:
        for pragma in ("journal_mode=WAL", f"synchronous={'FULL' if durable else 'NORMAL'}", "wal_autocheckpoint=8000"):
            connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(engine, "connect", set_up)
    if not each_alone:
        # IMMEDIATE: a transaction that reads first and is overtaken by another writer would fail at its first write.
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def prepare(url: str, may_change: bool = True, patience: float = PATIENCE_AT_START) -> str:
    """Make or change the tables where they are not as this version wants them; return the state they are in.

    Several processes may start at once; each waits for the others as many seconds as its `patience`. A state that is
    not known here is of a newer version, which a rolling restart runs beside this one; migrations only ever add, so it
    will do. Unless it `may_change` them, tables that are missing or older are a StoreError.
    """
    if not may_change:
        return check_exists(url)
    _make_private(url)
    engine = connect(url, patience=patience)
    try:
        state = _state(engine)
        if state is None:
            _create(engine)
        elif state in OLDER:
            _migrate(engine)
        else:
            make_partitions(engine)
            return state
        return str(_state(engine))
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(kind_of(error)) from None
    finally:
        engine.dispose()  # the server process forks its workers: none may inherit an open connection


def check_exists(url: str) -> str:
    """Return the state of a store that this version can read; unlike `prepare`, make and change nothing.

    StoreError where there is none; its text names the database, without its password.
    """
    place = sa.make_url(url)
    path = _path_of(place)
    name = str(path.absolute()) if path else place.render_as_string(hide_password=True)
    if path and not path.is_file():
        raise StoreError(f"there is no file {name}")
    engine = connect(url, each_alone=True, read_only=True)
    try:
        state = _state(engine)
    except SQLAlchemyError as error:
        raise StoreError(f"{name} cannot be read: {kind_of(error)}") from None
    finally:
        engine.dispose()
    if state is None:
        raise StoreError(f"there is no store in {name}: {_BY_COMMAND}")
    if state in OLDER:
        raise StoreError(f"the store in {name} is of an older version: {_BY_COMMAND}")
    return state


def kind_of(error: Exception) -> str:
    """Return what went wrong without the statement and its values: SQLite's, SQL's or the system's name for it."""
    cause = getattr(error, "orig", None) or error
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return name or errno.errorcode.get(getattr(cause, "errno", None) or 0) or type(cause).__name__


def _state(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return _state_on(connection)


def _state_on(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


#: Alembic's own table, as it makes it: which migration the others are as of.
_STATE: Final = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: Compressed already, so that PostgreSQL need not try.
_PACKED: Final = ("summary", "bodies")


def _create(engine: sa.Engine) -> None:
    """Make the tables as all migrations together would; loading those takes a first start 0.2 s and 12 MB."""
    with engine.begin() as connection:
        _take_turn(connection)
        if _state_on(connection) is None:
            is_postgresql = connection.dialect.name == "postgresql"
            if is_postgresql:  # said here and not beside the tables: that loads the dialect, which SQLite does without
                for table, column in PARTITIONED.items():
                    TABLES.tables[table].dialect_kwargs["postgresql_partition_by"] = f"RANGE ({column})"
            TABLES.create_all(connection)
            if is_postgresql:
                for column in _PACKED:
                    connection.execute(sa.text(f"ALTER TABLE exchanges ALTER COLUMN {column} SET STORAGE EXTERNAL"))
                make_first(connection)
            _STATE.create(connection, checkfirst=True)
            connection.execute(sa.insert(_STATE), {"version_num": NEWEST})


def make_partitions(engine: sa.Engine) -> None:
    """Make the partitions of the next months where they are missing; calls are kept without them, too."""
    try:
        make_ahead(engine)
    except SQLAlchemyError as error:
        record("warning", "partitions-not-made", reason=kind_of(error))


def _take_turn(connection: sa.Connection) -> None:
    """Wait for another process that makes the tables; in SQLite every transaction that writes does."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_TURN})"))


def _migrate(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            with connection.begin():
                _upgrade(connection)
            return
        with connection.begin():
            connection.execute(sa.text(f"SELECT pg_advisory_lock({_TURN})"))  # until the connection is closed
        try:
            check_rows(connection)
            with connection.begin():
                _upgrade(connection)
        except BaseException:
            with contextlib.suppress(SQLAlchemyError):
                forget_rows(connection)
            raise


def _upgrade(connection: sa.Connection) -> None:
    # Only here: most starts find the tables as they should be.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).resolve().parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make_private(url: str) -> None:
    """Make a new SQLite file that only its owner reads: it will hold patient data."""
    path = _path_of(sa.make_url(url))
    if path is None:
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(error.strerror or type(error).__name__) from None


def _path_of(url: sa.URL) -> Path | None:
    """Return the file of an SQLite database; None where it is in memory, given as a `file:` URI, or PostgreSQL."""
    name = url.database
    is_file = url.get_backend_name() == "sqlite" and name and name != ":memory:" and not name.startswith("file:")
    return Path(name) if is_file and name else None


def _read_only_place(url: str) -> sa.URL:
    """Return the URL of an SQLite database that is opened for reading only (https://www.sqlite.org/uri.html)."""
    place = sa.make_url(url)
    path = _path_of(place)
    name = f"file:{quote(str(path))}" if path else place.database
    return place.set(database=name).update_query_dict({"mode": "ro", "uri": "true"})
