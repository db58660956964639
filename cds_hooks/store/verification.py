"""Compares what is kept with its chains: finds records that were changed, taken away or put in, and links made anew.

One pass in the order of time: links as they were committed, and calls by their ids, with their digests
(`call_digests`). Memory holds the calls that no link has named yet, which are those of a moment. What retention deleted
is told by accesses, which have a chain of their own.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.call_digests import CallDigests, read_digest
from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.hash_chain import (
    ACCESS,
    BEGINNING,
    CALL,
    NAME_BYTES,
    OF_ACCESSES,
    REPORT,
    Link,
    digest_of_access,
    digest_of_report,
    join,
    name_report,
)
from cds_hooks.store.tables import ACCESSES, FEEDBACK, LINKS
from cds_hooks.store.unlinked_calls import UnlinkedCalls

#: As many rows are fetched at a time.
_PAGE: Final = 2000

#: A report is committed within so many microseconds after it is dated.
_SLACK: Final = 60_000_000

#: As many problems are told one by one.
MOST_TOLD: Final = 1000


class Problem(NamedTuple):
    """What does not fit: `changed`, `missing`, `added`, `link` or `anchor`; what it is about, and why in words."""

    kind: str
    about: str
    why: str


class Head(msgspec.Struct, frozen=True):
    """The last link of a chain, as an anchor keeps it."""

    chain: str
    number: int
    digest: str


@dataclass
class Verification:
    """What was looked at, and what does not fit. `unlinked` are calls from before there were links."""

    calls: int = 0
    reports: int = 0
    accesses: int = 0
    links: int = 0
    deleted: int = 0
    unlinked: int = 0
    problems: list[Problem] = field(default_factory=list)
    #: The last link of each chain.
    heads: dict[bytes, Link] = field(default_factory=dict)

    def tell(self, kind: str, about: str, why: str) -> None:
        """Note what does not fit."""
        if len(self.problems) < MOST_TOLD:
            self.problems.append(Problem(kind, about, why))


def verify(engine: sa.Engine, cipher: RecordCipher, anchors: Iterable[Head] = (), processes: int = 1) -> Verification:
    """Compare all that is kept with its chains, and the chains with what anchors say of them.

    So many processes read calls; with more than one the engine must have no connection yet. StoreError where the
    database fails.
    """
    try:
        with CallDigests(engine, cipher, processes) as digests, engine.connect() as connection, connection.begin():
            return _Verifier(connection, cipher, digests).run(list(anchors))
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None


def read_heads(engine: sa.Engine) -> list[Head]:
    """Return the last link of each chain, to be kept elsewhere; StoreError where the database fails."""
    last = sa.select(LINKS.c.chain, sa.func.max(LINKS.c.number).label("number")).group_by(LINKS.c.chain).subquery()
    query = sa.select(LINKS.c.chain, LINKS.c.number, LINKS.c.digest).join(
        last, sa.and_(LINKS.c.chain == last.c.chain, LINKS.c.number == last.c.number)
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(query.order_by(LINKS.c.at, LINKS.c.chain)).all()
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    return [Head(row.chain.hex(), row.number, row.digest.hex()) for row in rows]


class _Deletions:
    """What retention took away, as accesses tell it: everything before a time, and links up to a number."""

    def __init__(self, accesses: Sequence[Mapping[str, Any]]) -> None:
        self.before = 0
        self.numbers: dict[str, int] = {}
        for row in accesses:
            if row["action"] == "delete":
                detail = msgspec.json.decode(row["detail"])
                self.before = max(self.before, detail.get("before", 0))
                for chain, number in detail.get("links", {}).items():
                    self.numbers[chain] = max(self.numbers.get(chain, 0), number)


class _Verifier:
    """One verification, in one transaction."""

    def __init__(self, connection: sa.Connection, cipher: RecordCipher, digests: CallDigests) -> None:
        self._connection = connection
        self._cipher = cipher
        self._found = Verification()
        #: When reports and accesses were made, by their names.
        self._times: dict[bytes, int] = {}
        self._reports = self._read_reports()
        self._accesses = self._read_accesses()
        self._deletions = _Deletions([row for row, _ in self._accesses.values()])
        self._calls = UnlinkedCalls(digests.read(connection), self._tell_damaged)
        self._may_differ = digests.is_shared
        self._named: set[bytes] = set()
        self._first_link: int | None = None

    def run(self, anchors: Sequence[Head]) -> Verification:
        """Go through all links, and then look at what none of them names, and at the anchors."""
        query = sa.select(LINKS).order_by(LINKS.c.at, LINKS.c.chain, LINKS.c.number)
        for row in self._connection.execution_options(yield_per=_PAGE).execute(query):
            self._check_link(Link(*row))
        self._tell_added()
        for anchor in anchors:
            self._check_anchor(anchor)
        return self._found

    def _check_link(self, link: Link) -> None:
        found = self._found
        found.links += 1
        if self._first_link is None and link.chain != OF_ACCESSES:
            self._first_link = link.at
        before = found.heads.get(link.chain)
        if before is None or link.number != before.number + 1 or link.previous != before.digest:
            self._tell_place(link, before)
        found.heads[link.chain] = link
        names = link.names
        digests = self._take(link, names)
        is_whole = None not in digests
        if is_whole and join(link.chain, link.number, link.at, names, digests, link.previous).digest != link.digest:
            for name in names:
                about = f"it, or link {link.number} of chain {link.chain.hex()}, was changed"
                found.tell("changed", _say(name), about)

    def _tell_place(self, link: Link, before: Link | None) -> None:
        """Tell why a link does not stand right behind the one before it, or at the beginning of its chain."""
        chain = link.chain.hex()
        if before is None:
            expected = self._deletions.numbers.get(chain, 0) + 1
            if link.number != expected:
                self._found.tell("link", f"{chain}/{expected}", f"the links before {link.number} are missing")
            elif link.number == 1 and link.chain == OF_ACCESSES and link.previous != BEGINNING:
                self._found.tell("link", f"{chain}/1", "it does not begin its chain")
        elif link.number != before.number + 1:
            self._found.tell("link", f"{chain}/{before.number + 1}", "it is missing")
        else:
            self._found.tell("link", f"{chain}/{link.number}", "it does not fit the link before it")

    def _take(self, link: Link, names: Sequence[bytes]) -> Sequence[bytes | None]:
        """Return the digests of the records that a link names; None where one is not there, or cannot be opened."""
        if link.records[::NAME_BYTES] == CALL * len(names):  # as nearly all
            digests = self._calls.take(names)
        else:
            digests = [self._find(name) for name in names]
        if None in digests or b"" in digests:
            pairs = zip(names, digests, strict=True)
            return [self._look_again(name, link) if digest is None else digest or None for name, digest in pairs]
        return digests

    def _find(self, name: bytes) -> bytes | None:
        letter = name[:1]
        if letter == CALL:
            return self._calls.take([name])[0]
        self._named.add(name)
        return self._reports.get(name) if letter == REPORT else self._accesses.get(name, (None, None))[1]

    def _look_again(self, name: bytes, link: Link) -> bytes | None:
        """Return the digest of a call that others did not see, as they read later; tell of what is missing."""
        digest = None
        if name[:1] == CALL and self._may_differ:  # it may have been deleted since
            digest = read_digest(self._connection, self._cipher, name[1:])
        if digest is None:
            self._tell_missing(name, link)
        return digest or None

    def _tell_damaged(self, name: bytes, why: str) -> None:
        self._found.tell("changed", _say(name), f"it {why}")

    def _tell_missing(self, name: bytes, link: Link) -> None:
        letter = name[:1]
        at = _time_of(name[1:]) if letter == CALL else link.at - _SLACK
        if letter != ACCESS and at < self._deletions.before:
            self._found.deleted += 1
        else:
            self._found.tell("missing", _say(name), f"link {link.number} of chain {link.chain.hex()} names it")

    def _tell_added(self) -> None:
        found = self._found
        for name in self._calls.rest():
            if self._may_differ and read_digest(self._connection, self._cipher, name[1:]) is None:
                continue  # it was written since
            if self._first_link is None or _time_of(name[1:]) < self._first_link:
                found.unlinked += 1
            else:
                found.tell("added", _say(name), "no link names it")
        found.calls = self._calls.read
        for name in {*self._reports, *self._accesses} - self._named:
            if self._first_link is not None and self._times[name] >= self._first_link:
                found.tell("added", _say(name), "no link names it")

    def _check_anchor(self, anchor: Head) -> None:
        about = f"{anchor.chain}/{anchor.number}"
        query = sa.select(LINKS.c.digest).where(
            LINKS.c.chain == bytes.fromhex(anchor.chain), LINKS.c.number == anchor.number
        )
        digest = self._connection.execute(query).scalar()
        if digest is None and anchor.number > self._deletions.numbers.get(anchor.chain, 0):
            self._found.tell("anchor", about, "the link that it names is missing")
        elif digest is not None and digest.hex() != anchor.digest:
            self._found.tell("anchor", about, "the link that it names is another one")

    def _read_reports(self) -> dict[bytes, bytes]:
        reports = {}
        for row in self._rows(sa.select(FEEDBACK)):
            name = name_report(row)
            self._times[name] = row["at"]
            try:
                reports[name] = digest_of_report(row, self._cipher)
            except SealError as error:
                self._found.tell("changed", _say(name), f"it {error}")
                reports[name] = b""
        self._found.reports = len(reports)
        return reports

    def _read_accesses(self) -> dict[bytes, tuple[Mapping[str, Any], bytes]]:
        accesses = {ACCESS + row["id"]: (row, digest_of_access(row)) for row in self._rows(sa.select(ACCESSES))}
        self._times |= {name: row["at"] for name, (row, _) in accesses.items()}
        self._found.accesses = len(accesses)
        return accesses

    def _rows(self, query: sa.Select[Any]) -> Iterator[Mapping[str, Any]]:
        return _stream(self._connection, query)


def _stream(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Mapping[str, Any]]:
    for row in connection.execution_options(yield_per=_PAGE).execute(query).mappings():
        yield dict(row)


def _time_of(identity: bytes) -> int:
    """Return the time in a UUID of version 7, in microseconds since 1970; of a millisecond its beginning."""
    return int.from_bytes(identity[:6], "big") * 1000


#: What a link names, by the letter of its name; any other letter is of a link that was changed.
_KINDS: Final = {CALL: "call", REPORT: "feedback", ACCESS: "access"}


def _say(name: bytes) -> str:
    return f"{_KINDS.get(name[:1], 'something')} {uuid.UUID(bytes=name[1:])}"
