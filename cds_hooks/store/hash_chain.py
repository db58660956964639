"""Chains of what is kept: each link has the digest of the records that were committed together, and of the link before.

So a record that was changed, removed or put in later no longer fits its link, and a link that was made anew no longer
fits the one behind it (`verification`). Each process that writes has a chain of its own, so that none waits for others;
accesses, which are few, have one together. A digest is of what a record says, not of how it is sealed: a change of keys
leaves it as it is. It takes no key: whoever may write the database can make a whole chain anew, and only an anchor
that is kept elsewhere shows that (docs/records.md).
"""

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from cds_hooks.store.calls import SEALED, Rows, make_id
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.feedback import ENTRY
from cds_hooks.store.tables import ACCESSES, LINKS

#: What stands before the first link of all.
BEGINNING: Final = bytes(32)

#: The chain of accesses.
OF_ACCESSES: Final = bytes(15) + b"\1"

#: One number for all processes, by which they take turns at that chain in a PostgreSQL database ("CRD" and a 2).
_TURN: Final = 0x43524402

#: How a link names a record: a letter for its table, and 16 bytes that only it has there.
CALL: Final = b"c"
REPORT: Final = b"f"
ACCESS: Final = b"a"
NAME_BYTES: Final = 17

_encode: Final = msgspec.msgpack.Encoder().encode

_SUMMARY, _BODIES = SEALED["summary"], SEALED["bodies"]
_OF_ACCESS: Final = tuple(column.name for column in ACCESSES.columns)


class Link(NamedTuple):
    """One link, as the row that it is; `records` are the names of its records, joined."""

    chain: bytes
    number: int
    at: int
    records: bytes
    previous: bytes
    digest: bytes

    @property
    def names(self) -> Sequence[bytes]:
        """The names of its records."""
        joined = self.records
        return [joined[start : start + NAME_BYTES] for start in range(0, len(joined), NAME_BYTES)]


def digest_of_call(row: Sequence[Any], cipher: RecordCipher) -> bytes:
    """Return the digest of a call, of its row in the order of the table's columns; SealError where it is not to be
    opened."""
    said = list(row)
    identity, summary, bodies = said[0], said[-2], said[-1]
    said[-2:] = cipher.packed(summary, identity + _SUMMARY), cipher.packed(bodies, identity + _BODIES)
    return sha256(_encode(said)).digest()


def digest_of_report(row: Mapping[str, Any], cipher: RecordCipher) -> bytes:
    """Return the digest of a report: of what was said, as the same may be said again later and counts once."""
    entry = cipher.open(row["entry"], row["id"] + ENTRY)
    return sha256(_encode([row["client"], row["service"], row["card"], row["outcome"], entry])).digest()


def digest_of_access(row: Mapping[str, Any]) -> bytes:
    """Return the digest of an access."""
    return sha256(_encode([row[name] for name in _OF_ACCESS])).digest()


def name_report(row: Mapping[str, Any]) -> bytes:
    """Return how a link names a report: by its digest in the table, of which there is one."""
    digest: bytes = row["digest"]
    return REPORT + digest


def join(
    chain: bytes, number: int, at: int, names: Sequence[bytes], digests: Sequence[bytes | None], previous: bytes
) -> Link:
    """Return the link behind another one, for some records: their names with their digests, in the same order."""
    records = [part for record in zip(names, digests, strict=True) for part in record]
    said = _encode([previous, chain, number, at, *records])
    return Link(chain, number, at, b"".join(names), previous, sha256(said).digest())


class HashChain:
    """The chain of one writer. A commit that failed may have come through all the same, so a new chain begins."""

    def __init__(self) -> None:
        self._chain = b""
        self._number = 0
        self._last = BEGINNING

    def next(self, rows: Rows, cipher: RecordCipher) -> Link | None:
        """Return the link for what is to be committed together; None where nothing of it is linked."""
        calls, reports = rows.get("exchanges", ()), rows.get("feedback", ())
        records = {CALL + row["id"]: digest_of_call(tuple(row.values()), cipher) for row in calls}
        records |= {name_report(row): digest_of_report(row, cipher) for row in reports}
        if not records:
            return None
        at = time.time_ns() // 1000
        self._chain = self._chain or make_id(at)
        return join(self._chain, self._number + 1, at, [*records], [*records.values()], self._last)

    def accept(self, link: Link | None) -> None:
        """Go on behind a link that was committed."""
        if link:
            self._number, self._last = link.number, link.digest

    def break_off(self) -> None:
        """Begin a new chain, behind what was committed last."""
        self._chain, self._number = b"", 0


def link_access(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Link an access in the transaction that writes it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_TURN})"))
    newest = sa.select(LINKS.c.number, LINKS.c.digest).where(LINKS.c.chain == OF_ACCESSES)
    last = connection.execute(newest.order_by(LINKS.c.number.desc()).limit(1)).one_or_none()
    number, previous = (last.number + 1, last.digest) if last else (1, BEGINNING)
    link = join(OF_ACCESSES, number, row["at"], [ACCESS + row["id"]], [digest_of_access(row)], previous)
    connection.execute(sa.insert(LINKS), link._asdict())
