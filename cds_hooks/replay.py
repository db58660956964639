"""Which tokens were used before (7.4 step 9): one table for all processes, in SQLite or PostgreSQL."""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

#: A row is removed so many seconds after its token expired, not at once: a clock that jumps forward for a while
#: must not open the way for tokens that will be valid again.
GRACE: Final = 3600.0

#: Expired rows are looked for this often, in seconds, and so many removed at a time.
_PURGE_EVERY: Final = 60.0
_PURGED_AT_ONCE: Final = 5000

#: How long a write may wait for those of other processes, in seconds.
_PATIENCE: Final = 2.0

#: Each call is one statement, which needs no BEGIN and COMMIT around it.
_EACH_ALONE: Final = "AUTOCOMMIT"

_TABLES: Final = sa.MetaData()

#: The digest of `iss` and `jti`, so that no token and no name can be read from the table; until when it counts.
USED_TOKENS: Final = sa.Table(
    "used_tokens",
    _TABLES,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sqlite_with_rowid=False,
)


class ReplayStoreError(Exception):
    """The store could not be asked; it cannot be told whether a token was used."""


class ReplayGuard:
    """Remembers used tokens until they expire, for all threads and processes of a deployment.

    A write is on disk for other processes to see when `first_use` returns, also if this one is killed. Should the
    power fail, SQLite may lose those of the last moment (`synchronous=NORMAL`).
    """

    def __init__(self, store: str | sa.Engine, now: Callable[[], float] = time.time) -> None:
        self._engine = _shared(store) if isinstance(store, sa.Engine) else _engine(store)
        self._now = now
        self._claim = _claim(self._engine.dialect.name)
        self._lock = threading.Lock()
        self._purge_at = 0.0
        try:
            _create(self._engine)
        except SQLAlchemyError as error:
            raise ReplayStoreError(type(error).__name__) from None
        if not isinstance(store, sa.Engine):
            self._engine.dispose()  # the server process forks its workers: none may inherit an open connection

    def first_use(self, issuer: str, jti: str, until: float) -> bool:
        """Remember a token until a time (seconds since 1970), and say whether it was unknown; ReplayStoreError."""
        row = {"digest": _digest(issuer, jti), "until": until, "now": self._now()}
        try:
            with self._engine.connect() as connection:
                is_first = connection.execute(self._claim, row).rowcount == 1
                if self._is_purge_due():
                    connection.execute(_PURGE, {"before": self._now() - GRACE})
        except SQLAlchemyError as error:
            raise ReplayStoreError(type(error).__name__) from None
        return is_first

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _is_purge_due(self) -> bool:
        with self._lock:
            if time.monotonic() < self._purge_at:
                return False
            self._purge_at = time.monotonic() + _PURGE_EVERY
            return True


def _digest(issuer: str, jti: str) -> bytes:
    """Return a digest of both, with the length of the first, so that no two pairs are written alike."""
    first, second = (text.encode(errors="surrogatepass") for text in (issuer, jti))
    return hashlib.sha256(b"%d:%b%b" % (len(first), first, second)).digest()


def _claim(dialect: str) -> Any:
    """Return the statement that changes a row only for the first use, or the first after an expired one's."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(USED_TOKENS).values(
        digest=sa.bindparam("digest"), until=sa.bindparam("until")
    )
    return insert.on_conflict_do_update(
        index_elements=["digest"],
        set_={"until": insert.excluded.until},
        where=USED_TOKENS.c.until < sa.bindparam("now"),
    ).execution_options(preserve_rowcount=True)  # psycopg forgets it when SQLAlchemy closes the cursor


_EXPIRED: Final = sa.select(USED_TOKENS.c.digest).where(USED_TOKENS.c.until < sa.bindparam("before"))
_PURGE: Final = sa.delete(USED_TOKENS).where(USED_TOKENS.c.digest.in_(_EXPIRED.limit(_PURGED_AT_ONCE)))


def _create(engine: sa.Engine) -> None:
    """Create the table; several processes may start at once."""
    with engine.connect() as connection:
        try:
            _TABLES.create_all(connection)
        except SQLAlchemyError:
            if not sa.inspect(connection).has_table(USED_TOKENS.name):
                raise


def _shared(engine: sa.Engine) -> sa.Engine:
    return engine.execution_options(isolation_level=_EACH_ALONE)


def _engine(url: str) -> sa.Engine:
    """Return an engine; for SQLite one connection, for which threads wait in turn rather than on the file's lock."""
    if sa.make_url(url).get_backend_name() != "sqlite":
        return sa.create_engine(url, isolation_level=_EACH_ALONE, pool_pre_ping=True, pool_timeout=_PATIENCE)
    engine = sa.create_engine(
        url,
        isolation_level=_EACH_ALONE,
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_PATIENCE,
        connect_args={"timeout": _PATIENCE},
    )
    sa.event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, _: Any) -> None:
    """Set up a SQLite connection: no reader waits for the writer, and a write waits for no disk."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
