"""Loads a directory into the database beside running services: the old one answers until the new one is whole.

Rows come in short transactions, so that no call waits long for a load. Their digests follow in the order of the index:
as they come, each would touch a page of its own. One last transaction makes the new generation the current one.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import msgspec
import orjson
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.members.database_directory import MOST_ROWS, about
from cds_hooks.members.digests import DIGEST, Digests
from cds_hooks.members.rows import MemberRow, Row, encode
from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import DIRECTORIES, DIRECTORY_KEYS, DIRECTORY_ROWS

#: As many rows are written, or deleted, in one transaction.
_SLICE: Final = 5_000

#: Between two transactions those of calls get their turn, in seconds.
_PAUSE: Final = 0.005

#: Numbers of rows are written behind their digests, to be sorted with them.
_NUMBER: Final = 4


class DirectoryLoad:
    """One load of a directory. Used as a context: what was not made current when it ends is deleted."""

    def __init__(self, engine: sa.Engine, name: str, cipher: RecordCipher, digests: Digests) -> None:
        self._engine = engine
        self._name = name
        self._cipher = cipher
        self._digests = digests
        self._generation = time.time_ns() // 1000
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._keys: list[bytes] = []
        self._is_current = False
        self.rows = 0
        #: So many ids stand on more lines than are read of one look-up: by them nobody is found.
        self.crowded = 0

    def __enter__(self) -> "DirectoryLoad":
        row = {"generation": self._generation, "name": self._name, "is_current": False, "about": "{}"}
        with self._failing(), self._engine.begin() as connection:
            if self._is_sqlite:  # 64 MB: sorted rows fill one page after the other
                connection.exec_driver_sql("PRAGMA cache_size = -65536")
            connection.execute(sa.insert(DIRECTORIES), {**row, "cipher_key": self._digests.name})
        return self

    def __exit__(self, *_: object) -> None:
        self._delete_others()

    def write(self, rows: Iterable[Row]) -> None:
        """Write some rows, sealed; StoreError where that fails."""
        remaining = iter(rows)
        while batch := [self._without_birth_date(row) for row in islice(remaining, _SLICE)]:
            numbers = range(self.rows, self.rows + len(batch))
            self.rows += len(batch)
            self._keys += [
                self._digests.of_id(value) + number.to_bytes(_NUMBER, "big")
                for number, row in zip(numbers, batch, strict=True)
                for value in dict.fromkeys(row.ids)
            ]
            texts = [(encode(row), about(self._generation, n)) for n, row in zip(numbers, batch, strict=True)]
            sealed = zip(numbers, self._cipher.seal(texts), strict=True)
            self._insert(DIRECTORY_ROWS, [(self._generation, number, text) for number, text in sealed])

    def _without_birth_date(self, row: Row) -> Row:
        """Return a row with the digest of its birth date: nobody needs to read that, only to compare it."""
        if isinstance(row, MemberRow) and row.born:
            return msgspec.structs.replace(row, born=self._digests.of_birth_date(row.born))
        return row

    def become_current(self, said: Mapping[str, Any]) -> None:
        """Let the rows be found from now on in place of those before, with what is said about the load."""
        self._keys.sort()
        pairs = zip(self._keys, islice(self._keys, MOST_ROWS, None), strict=False)
        self.crowded = len({key[:DIGEST] for key, later in pairs if key[:DIGEST] == later[:DIGEST]})
        for keys in _slices(self._keys):
            values = [(self._generation, key[:DIGEST], int.from_bytes(key[DIGEST:], "big")) for key in keys]
            self._insert(DIRECTORY_KEYS, values)
        mine = DIRECTORIES.c.generation == self._generation
        counted = {"loaded": self._generation, "rows": self.rows, "crowded": self.crowded}
        text = orjson.dumps({**said, **counted}).decode()
        with self._failing(), self._engine.begin() as connection:
            connection.execute(sa.update(DIRECTORIES).where(DIRECTORIES.c.name == self._name).values(is_current=False))
            done = connection.execute(sa.update(DIRECTORIES).where(mine).values(is_current=True, about=text))
            if done.rowcount != 1:
                raise StoreError("another load has replaced it meanwhile")
        self._is_current = True

    @contextmanager
    def _failing(self) -> Iterator[None]:
        driver: Any = self._engine.dialect.loaded_dbapi
        try:
            yield
        except (SQLAlchemyError, OSError, driver.Error) as error:
            raise StoreError(kind_of(error)) from None

    def _insert(self, table: sa.Table, values: Sequence[tuple[Any, ...]]) -> None:
        columns = ", ".join(column.name for column in table.columns)
        with self._failing(), self._engine.begin() as connection:
            cursor = connection.connection.cursor()
            if self._is_sqlite:
                marks = ", ".join("?" * len(table.columns))
                statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 (names of ours)
                cursor.executemany(statement, values)
            else:
                with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
                    for row in values:
                        copy.write_row(row)
        time.sleep(_PAUSE)

    def _delete_others(self) -> None:
        """Delete the generations of this directory that are not current, and what is left of loads that broke off."""
        old = sa.select(DIRECTORIES.c.generation).where(DIRECTORIES.c.name == self._name, ~DIRECTORIES.c.is_current)
        with self._failing():
            with self._engine.begin() as connection:
                found = set(connection.execute(old).scalars())
            for generation in sorted(found if self._is_current else {*found, self._generation}):
                self._delete(generation)

    def _delete(self, generation: int) -> None:
        """Delete a generation, a slice at a time, its entry last: what is left is found again."""
        for table, column in ((DIRECTORY_KEYS, DIRECTORY_KEYS.c.digest), (DIRECTORY_ROWS, DIRECTORY_ROWS.c.number)):
            mine = table.c.generation == generation
            ends = sa.select(column).where(mine).order_by(column).offset(_SLICE).limit(1)
            while True:
                with self._engine.begin() as connection:
                    end = connection.execute(ends).scalar()
                    connection.execute(sa.delete(table).where(mine, column < end if end is not None else sa.true()))
                if end is None:
                    break
                time.sleep(_PAUSE)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(DIRECTORIES).where(DIRECTORIES.c.generation == generation))


def _slices(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(values), _SLICE):
        yield values[start : start + _SLICE]
