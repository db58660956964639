"""The records that orders rest on, on disk: coverages by patient, and payers and the like by key.

A file of SQLite in the folder of the work; ten million coverages cost disk and no memory.
"""

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from cds_hooks.impact.reading import RecordRow

_TABLES: Final = (
    "CREATE TABLE record (key TEXT NOT NULL, patient TEXT, named TEXT NOT NULL, content BLOB NOT NULL)",
    "CREATE TABLE type (name TEXT PRIMARY KEY)",
)

_INDEXES: Final = (
    "CREATE INDEX by_key ON record (key)",
    "CREATE INDEX by_patient ON record (patient) WHERE patient IS NOT NULL",
)

#: Kilobytes of the file that each process keeps in memory.
_CACHE: Final = 32_000


class RecordWriter:
    """Writes records as they are read; `finish` makes them ready to be looked up."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        # What is half written is written anew: there is nothing to keep safe.
        self._connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; BEGIN")
        for table in _TABLES:
            self._connection.execute(table)
        self._types: set[str] = set()

    def add(self, rows: Iterable[RecordRow]) -> None:
        """Write some records."""
        values = [(row.key, row.patient, "\n".join(row.named), row.content) for row in rows]
        self._types.update(_type_of(key) for key, *_ in values)
        self._connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", values)

    def finish(self) -> None:
        """Index what was written and close the file."""
        for statement in _INDEXES:
            self._connection.execute(statement)
        self._connection.executemany("INSERT INTO type VALUES (?)", [(name,) for name in sorted(self._types)])
        self._connection.execute("COMMIT")
        self._connection.close()


class RecordStore:
    """Looks records up; one for each process, since SQLite's connections are none to share."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        self._connection.execute(f"PRAGMA cache_size=-{_CACHE}")
        # What no file has is not looked for.
        self._types = {name for (name,) in self._connection.execute("SELECT name FROM type")}
        # Payers are few and named by all coverages.
        self._payer = lru_cache(maxsize=10_000)(self._one)

    def find(self, patient: str, named: Iterable[str]) -> list[bytes]:
        """Return the patient, the patient's coverages, what an order names, and the payers of all coverages.

        Of a record that came more than once the last counts, as files and lines go.
        """
        query = "SELECT key, named, content FROM record WHERE patient = ? ORDER BY rowid"
        found = {key: (payers, content) for key, payers, content in self._connection.execute(query, (patient,))}
        for key in (patient, *named):
            if key not in found and _type_of(key) in self._types and (one := self._one(key)):
                found[key] = one
        payers = {payer for named_in, _ in found.values() if named_in for payer in named_in.split("\n")}
        contents = [content for _, content in found.values()]
        contents += [one[1] for payer in sorted(payers - found.keys()) if (one := self._payer(payer))]
        return contents

    def _one(self, key: str) -> tuple[str, bytes] | None:
        row: tuple[str, bytes] | None = self._connection.execute(
            "SELECT named, content FROM record WHERE key = ? ORDER BY rowid DESC LIMIT 1", (key,)
        ).fetchone()
        return row

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _type_of(key: str) -> str:
    return key.rpartition("/")[0].rpartition("|")[2]
