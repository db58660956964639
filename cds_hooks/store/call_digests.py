"""Digests of all calls that are kept, in the order of their ids: by this process, or by several beside it.

Reading and digesting is most of what a verification takes, and no call's digest needs another's: so ranges of ids are
given to processes that read the database for themselves.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from typing import Any, Final, NamedTuple, Self

import sqlalchemy as sa

from cds_hooks.store.database import connect
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.hash_chain import CALL, digest_of_call
from cds_hooks.store.tables import EXCHANGES

#: So many calls are read and digested at a time.
_PAGE: Final = 4000

#: Pages that are under way or wait to be looked at, for each process.
_AHEAD: Final = 3

#: A range of ids: behind the first, up to the second.
Range = tuple[bytes, bytes]


class Page(NamedTuple):
    """Some calls by the names that links have for them, with their digests; why damaged ones cannot be opened."""

    names: Sequence[bytes] = ()
    #: Empty for a call that cannot be opened.
    digests: Sequence[bytes] = ()
    damaged: dict[bytes, str] = {}  # noqa: RUF012 (never changed)

    @property
    def last(self) -> bytes:
        """The last name."""
        return self.names[-1] if self.names else b""

    def __len__(self) -> int:
        return len(self.names)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Return each name with its digest."""
        return zip(self.names, self.digests, strict=True)


def read_digest(connection: sa.Connection, cipher: RecordCipher, identity: bytes) -> bytes | None:
    """Return the digest of one call, empty where it cannot be opened; None where there is none."""
    row = connection.execute(sa.select(EXCHANGES).where(EXCHANGES.c.id == identity)).one_or_none()
    return next((digest for _, digest in _digest([row], cipher).pairs()), None) if row else None


class CallDigests:
    """All calls, page by page; as a context manager it ends its processes.

    It is made before the database is connected to: the processes are forked. Where they cannot be, and with one, this
    process reads.
    """

    def __init__(self, engine: sa.Engine, cipher: RecordCipher, processes: int) -> None:
        self._cipher = cipher
        self._ahead = _AHEAD * processes
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1 and "fork" in multiprocessing.get_all_start_methods():
            url = engine.url.render_as_string(hide_password=False)
            context = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(processes, context, initializer=_open, initargs=(url, cipher))
            self._pool.submit(os.getpid).result()

    @property
    def is_shared(self) -> bool:
        """Whether other processes read, who may see what was written or deleted since."""
        return self._pool is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def read(self, connection: sa.Connection) -> Iterator[Page]:
        """Yield all calls that a transaction sees, page by page."""
        ranges = _ranges(connection)
        if self._pool is None:
            yield from (_digest_range(connection, self._cipher, one) for one in ranges)
            return
        pending: deque[Future[Page]] = deque()
        for one in ranges:
            pending.append(self._pool.submit(_digest_elsewhere, one))
            if len(pending) > self._ahead:
                yield pending.popleft().result()
        yield from (future.result() for future in pending)


def _ranges(connection: sa.Connection) -> Iterator[Range]:
    """Yield ranges of so many calls each, by the index alone; of the last it is not known how many it has."""
    column = EXCHANGES.c.id
    last = connection.execute(sa.select(column).order_by(column.desc()).limit(1)).scalar()
    after = b""
    while last is not None and after < last:
        behind = sa.select(column).where(column > after).order_by(column)
        until = connection.execute(behind.offset(_PAGE - 1).limit(1)).scalar() or last
        yield after, until
        after = until


_COLUMNS: Final = ", ".join(column.name for column in EXCHANGES.columns)
_IN_RANGE: Final = f"SELECT {_COLUMNS} FROM exchanges WHERE id > ? AND id <= ? ORDER BY id"  # noqa: S608 - names of ours


def _digest_range(connection: sa.Connection, cipher: RecordCipher, one: Range) -> Page:
    """Digest a range, read by the driver alone: SQLAlchemy would make a row of its own of each."""
    is_sqlite = connection.dialect.name == "sqlite"
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(_IN_RANGE if is_sqlite else _IN_RANGE.replace("?", "%s"), one)
        return _digest(cursor.fetchall(), cipher)


def _digest(rows: Iterable[Sequence[Any]], cipher: RecordCipher) -> Page:
    names, digests, damaged = [], [], {}
    for row in rows:
        names.append(CALL + row[0])
        try:
            digests.append(digest_of_call(row, cipher))
        except SealError as error:
            digests.append(b"")
            damaged[names[-1]] = str(error)
    return Page(names, digests, damaged)


#: What one of the other processes reads with.
_reading: tuple[sa.Engine, RecordCipher] | None = None


def _open(url: str, cipher: RecordCipher) -> None:
    global _reading
    _reading = connect(url, read_only=True), cipher


def _digest_elsewhere(one: Range) -> Page:
    assert _reading is not None  # noqa: S101 - for the type
    engine, cipher = _reading
    with engine.connect() as connection:
        return _digest_range(connection, cipher, one)
