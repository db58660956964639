"""How long things are kept, and under which key: deletes what is too old, and re-encrypts after a change of keys."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.settings import Settings
from cds_hooks.store.access_log import note_access
from cds_hooks.store.calls import first_id, reseal_call, split_mentions
from cds_hooks.store.database import StoreError, connect, kind_of, make_partitions
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.facts import note_change
from cds_hooks.store.feedback import reseal_report
from cds_hooks.store.hash_chain import OF_ACCESSES
from cds_hooks.store.partitions import Dropped, drop_before
from cds_hooks.store.tables import EXCHANGES, FACT_MONTHS, FACT_SUMS, FACTS, FEEDBACK, LINKS, MENTIONS, OVERRIDES
from cds_hooks.telemetry.logs import record

#: As many calls are deleted or re-encrypted in one transaction, so that calls need not wait long.
_SLICE: Final = 200

#: Seals a row's texts with the current key; nothing where they are sealed with it.
_Reseal = Callable[[dict[str, Any], RecordCipher], dict[str, bytes]]

#: Between two slices others get their turn, in seconds.
_PAUSE: Final = 0.02

_DAY: Final = 86_400_000_000


def days_ago(days: int) -> int:
    """Return the time so many days ago, in microseconds since 1970."""
    return time.time_ns() // 1000 - days * _DAY


def delete_before(engine: sa.Engine, at: int, actor: str, reason: str | None) -> int:
    """Delete the calls and the feedback from before a time, on the record; return how many calls.

    Months that are over before it go at once where they are partitions, what remains goes in slices.
    """

    def note(connection: sa.Connection, dropped: Dropped) -> None:
        ends = {"first": dropped.first.hex(), "last": dropped.last.hex(), "partition": dropped.partition}
        note_access(connection, actor, "delete", reason, {"before": at, "calls": dropped.calls, **ends})

    try:
        deleted = drop_before(engine, at, note)
        while count := _delete_slice(engine, at, actor, reason):
            deleted += count
            time.sleep(_PAUSE)
        with engine.begin() as connection:
            gone = connection.execute(sa.delete(FEEDBACK).where(FEEDBACK.c.id < first_id(at))).rowcount
            links = _delete_links(connection, at) if gone or deleted else {}
            if gone or links:
                note_access(connection, actor, "delete", reason, {"before": at, "feedback": gone, "links": links})
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    return deleted


def _delete_slice(engine: sa.Engine, at: int, actor: str, reason: str | None) -> int:
    oldest = sa.select(EXCHANGES.c.id, EXCHANGES.c.mentions).where(EXCHANGES.c.id < first_id(at))
    with engine.begin() as connection:
        rows = connection.execute(oldest.order_by(EXCHANGES.c.id).limit(_SLICE)).all()
        if not rows:
            return 0
        mentions = [{"d": digest, "e": row.id} for row in rows for digest in split_mentions(row.mentions)]
        if mentions:
            connection.execute(_MENTION, mentions)
        connection.execute(sa.delete(EXCHANGES).where(EXCHANGES.c.id.in_([row.id for row in rows])))
        ends = {"first": rows[0].id.hex(), "last": rows[-1].id.hex()}
        note_access(connection, actor, "delete", reason, {"before": at, "calls": len(rows), **ends})
    return len(rows)


def _delete_links(connection: sa.Connection, at: int) -> dict[str, int]:
    """Delete the links of which every record is from before a time; return the last number of each chain."""
    old = sa.and_(LINKS.c.at < at, LINKS.c.chain != OF_ACCESSES)
    last = sa.select(LINKS.c.chain, sa.func.max(LINKS.c.number)).where(old).group_by(LINKS.c.chain)
    found = {chain.hex(): number for chain, number in connection.execute(last)}
    if found:
        connection.execute(sa.delete(LINKS).where(old))
    return found


_MENTION: Final = sa.delete(MENTIONS).where(
    MENTIONS.c.digest == sa.bindparam("d"), MENTIONS.c.exchange == sa.bindparam("e")
)


def re_encrypt(engine: sa.Engine, cipher: RecordCipher, actor: str, reason: str | None) -> Iterator[int]:
    """Seal all calls and feedback with the current key; yield how many were, slice by slice."""
    for table, reseal in ((EXCHANGES, reseal_call), (FEEDBACK, reseal_report)):
        after = b""
        while found := _encrypt_slice(engine, table, reseal, after, cipher, actor, reason):
            after, count = found
            yield count
            time.sleep(_PAUSE)


def _encrypt_slice(
    engine: sa.Engine,
    table: sa.Table,
    reseal: _Reseal,
    after: bytes,
    cipher: RecordCipher,
    actor: str,
    reason: str | None,
) -> tuple[bytes, int] | None:
    """Seal some rows after an id; return the last id and how many were not sealed with the current key."""
    query = sa.select(table).where(table.c.id > after).order_by(table.c.id).limit(_SLICE)
    try:
        with engine.begin() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            changed = {row["id"]: sealed for row in rows if (sealed := reseal(row, cipher))}
            for identity, sealed in changed.items():
                connection.execute(sa.update(table).where(table.c.id == identity), sealed)
            if changed:
                note_access(connection, actor, "encrypt", reason, {table.name: len(changed)})
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    return (rows[-1]["id"], len(changed)) if rows else None


def delete_facts(engine: sa.Engine, days: int) -> None:
    """Delete the facts of days that are so long over."""
    first = datetime.fromtimestamp(days_ago(days) / 1_000_000, UTC).date().isoformat()
    try:
        with engine.begin() as connection:
            connection.execute(sa.delete(FACT_MONTHS).where(FACT_MONTHS.c.month < first[:7]))
            connection.execute(sa.delete(FACT_SUMS).where(FACT_SUMS.c.day < first[:7]))
            if connection.execute(sa.delete(FACTS).where(FACTS.c.day < first)).rowcount:
                note_change(connection, [first])
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None


def delete_overrides(engine: sa.Engine, days: int) -> None:
    """Delete the overrides that are heeded no more."""
    try:
        with engine.begin() as connection:
            connection.execute(sa.delete(OVERRIDES).where(OVERRIDES.c.at < days_ago(days)))
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None


def open_retention(settings: Settings) -> "Retention | None":
    """Return what deletes as the settings say; None where all is kept for good."""
    also: list[Callable[[sa.Engine], object]] = []
    also += [partial(delete_facts, days=settings.facts_days)] if settings.facts_days else []
    also += [partial(delete_overrides, days=settings.heed_overrides)] if settings.heed_overrides else []
    has_partitions = settings.may_migrate and not settings.database_url.startswith("sqlite")
    also += [make_partitions] if has_partitions else []
    if not settings.audit_days and not also:
        return None
    return Retention(settings.database_url, settings.audit_days, also=also)


class Retention:
    """Deletes what is older than so many days, now and then, by a thread of its own in the process that answers calls.

    With 0 days no calls are deleted, but what else there is; partitions of PostgreSQL are made ahead. Several processes
    may do it at once: each deletes what the others have not.
    """

    def __init__(
        self,
        url: str,
        days: int,
        first: float = 5.0,
        every: float = 3600.0,
        also: Sequence[Callable[[sa.Engine], object]] = (),
    ) -> None:
        self._url = url
        self._days = days
        self._also = also
        self._first, self._every = first, every
        self._lock = threading.Lock()
        self._is_started = False

    def start(self) -> None:
        """Start, unless it was started before. Not when it is made: the server process forks its workers."""
        if not self._is_started and self._lock.acquire(blocking=False):
            self._is_started = True
            threading.Thread(target=self._work, name="retention", daemon=True).start()

    def _work(self) -> None:
        time.sleep(self._first)
        while True:
            engine = connect(self._url)
            try:
                if self._days:
                    deleted = delete_before(engine, days_ago(self._days), "retention", f"{self._days} days are over")
                    record("info", "calls-deleted", calls=deleted) if deleted else None
                for delete in self._also:
                    delete(engine)
            except StoreError as error:
                record("error", "calls-not-deleted", reason=str(error))
            finally:
                engine.dispose()
            time.sleep(self._every)
