"""Finds calls by what was said in them, and shows them to those who may know, each time on the record."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.access_log import note_access
from cds_hooks.store.calls import (
    CALL,
    CALL_PART,
    CARD,
    HOOK,
    ORDER,
    Bodies,
    Summary,
    digest_of,
    first_id,
    open_bodies,
    open_summary,
)
from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.feedback import open_entry
from cds_hooks.store.tables import ACCESSES, EXCHANGES, FEEDBACK, MENTIONS

#: As many calls are read at a time.
_PAGE: Final = 200


class Wanted(NamedTuple):
    """What calls are looked for; times are in microseconds since 1970, `until` is not included."""

    assertion: str | None = None
    card: str | None = None
    order: str | None = None
    hook_instance: str | None = None
    client: str | None = None
    since: int | None = None
    until: int | None = None


class Found(NamedTuple):
    """A call that was found. `summary` is None where it cannot be opened, and `problem` says why."""

    id: bytes
    at: int
    client: str
    service: str
    hook: str
    version: str | None
    status: int
    duration: int
    request_id: str
    summary: Summary | None
    problem: str | None


class Archive:
    """What is kept, for reading: by an engine whose statements stand alone, so that no transaction holds up the calls.

    StoreError where the database fails, SealError where a text cannot be opened."""

    def __init__(self, engine: sa.Engine, reading: sa.Engine, cipher: RecordCipher) -> None:
        self._engine = engine
        self._reading = reading
        self._cipher = cipher

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        self._reading.dispose()

    def find(self, wanted: Wanted, most: int) -> list[Found]:
        """Return the newest calls that have all that is wanted, at most so many, the newest first."""
        found = []
        for row in self._pages(_select(wanted), newest_first=True):
            call = self._open(row)
            if _has(call, wanted):
                found.append(call)
                if len(found) == most:
                    break
        return found

    def look_up(self, identity: bytes) -> Found | None:
        """Return the call with this id, without its bodies; None where there is none."""
        rows = self._read(_WITHOUT_BODIES.where(EXCHANGES.c.id == identity))
        return self._open(rows[0]) if rows else None

    def show(self, identity: bytes, actor: str, reason: str | None) -> tuple[Found, Bodies] | None:
        """Return a call with its bodies, after noting who reads it; None where there is none with this id."""
        try:
            with self._engine.begin() as connection:
                row = connection.execute(_ALL.where(EXCHANGES.c.id == identity)).one_or_none()
                if row is None:
                    return None
                note_access(connection, actor, "show", reason, {}, identity)
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None
        return self._open(row), open_bodies(identity, row.bodies, self._cipher)

    def export(self, wanted: Wanted, actor: str, reason: str | None, form: str) -> Iterator[tuple[Found, Bodies]]:
        """Yield calls with their bodies, the oldest first, after noting who exports what."""
        try:
            with self._engine.begin() as connection:
                terms = {name: value for name, value in wanted._asdict().items() if value is not None}
                note_access(connection, actor, "export", reason, {"form": form, **terms})
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None
        for row in self._pages(_select(wanted, _ALL)):
            call = self._open(row)
            if _has(call, wanted):
                yield call, open_bodies(call.id, row.bodies, self._cipher)

    def feedback_on(self, cards: Sequence[str]) -> list[tuple[Any, dict[str, Any]]]:
        """Return what users did with some cards, the oldest first: each report's row, and the report as it was sent."""
        digests = [digest_of(CARD, card) for card in cards]
        query = sa.select(FEEDBACK).where(FEEDBACK.c.card.in_(digests)).order_by(FEEDBACK.c.id)
        return [(row, open_entry(row, self._cipher)) for row in self._read(query)]

    def accesses(self, exchange: bytes | None, most: int) -> list[Any]:
        """Return who read, exported or deleted, the newest first; of one call where it is named."""
        query = sa.select(ACCESSES).order_by(ACCESSES.c.id.desc()).limit(most)
        return self._read(query if exchange is None else query.where(ACCESSES.c.exchange == exchange))

    def _pages(self, query: sa.Select[Any], newest_first: bool = False) -> Iterator[sa.Row[Any]]:
        """Yield calls in the order of time, read a page at a time: a long search holds nothing up."""
        column = EXCHANGES.c.id
        ordered = query.order_by(column.desc() if newest_first else column).limit(_PAGE)
        page = self._read(ordered)
        while page:
            yield from page
            last = page[-1].id
            page = self._read(ordered.where(column < last if newest_first else column > last))

    def _read(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        try:
            with self._reading.connect() as connection:
                return list(connection.execute(query).all())
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None

    def _open(self, row: sa.Row[Any]) -> Found:
        summary, problem = None, None
        try:
            summary = open_summary(row.id, row.summary, self._cipher)
        except SealError as error:
            problem = str(error)
        plain = (row.id, row.at, row.client, row.service, row.hook, row.version, row.status, row.duration)
        return Found(*plain, row.request_id, summary, problem)


_ALL: Final = sa.select(EXCHANGES)
_WITHOUT_BODIES: Final = sa.select(*[column for column in EXCHANGES.c if column.name != "bodies"])


def _select(wanted: Wanted, columns: sa.Select[Any] = _WITHOUT_BODIES) -> sa.Select[Any]:
    """Return the query for calls that may be wanted; by whatever has an index."""
    identity = wanted.assertion or wanted.card
    digests = [digest_of(CALL, identity[:CALL_PART])] if identity else []
    digests += [digest_of(ORDER, wanted.order)] if wanted.order else []
    digests += [digest_of(HOOK, wanted.hook_instance)] if _is_indexed(wanted) and wanted.hook_instance else []
    query = columns
    for digest in digests:
        query = query.where(EXCHANGES.c.id.in_(sa.select(MENTIONS.c.exchange).where(MENTIONS.c.digest == digest)))
    if wanted.client is not None:
        query = query.where(EXCHANGES.c.client == wanted.client)
    if wanted.since is not None:
        query = query.where(EXCHANGES.c.id >= first_id(wanted.since))
    if wanted.until is not None:
        query = query.where(EXCHANGES.c.id < first_id(wanted.until))
    return query


def _is_indexed(wanted: Wanted) -> bool:
    """Tell whether to look for a hookInstance by the index: calls that were kept before it had them are not in it."""
    return wanted.client is None and wanted.since is None and wanted.until is None


def _has(call: Found, wanted: Wanted) -> bool:
    """Tell whether a call has what is wanted; one that cannot be opened counts as found."""
    summary = call.summary
    if summary is None:
        return True
    return (
        (wanted.assertion is None or any(one.assertion == wanted.assertion for one in summary.decisions))
        and (wanted.card is None or any(card.id == wanted.card for card in summary.cards))
        and (wanted.order is None or any(one.order == wanted.order for one in summary.decisions))
        and (wanted.hook_instance is None or summary.hook_instance == wanted.hook_instance)
    )
