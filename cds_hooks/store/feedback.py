"""Feedback as it is kept: each report once, sealed, and tied to the call its card was in."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.calls import CALL, CALL_PART, CARD, digest_of, make_id, open_summary
from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.tables import EXCHANGES, FEEDBACK, MENTIONS

#: Part of what a sealed report is about.
ENTRY: Final = b"entry"

#: A call repeated on the same day has the same ids; so many of the newest are looked at.
_MOST_CALLS: Final = 50


class CardSent(NamedTuple):
    """The call that a card was sent in, the versions of policies the card rests on, and what it is known again by."""

    exchange: bytes
    policies: tuple[str, ...]
    about: str | None = None


def find_card(engine: sa.Engine, cipher: RecordCipher, card: str, client: str) -> CardSent | None:
    """Return where a card was sent to a client; None where it was not, or cannot be known.

    A report names neither patient nor hookInstance (CDS Hooks 2.0, Feedback; HK-148), so the card's id is all there is.
    """
    calls = sa.select(MENTIONS.c.exchange).where(MENTIONS.c.digest == digest_of(CALL, card[:CALL_PART]))
    query = (
        sa.select(EXCHANGES.c.id, EXCHANGES.c.summary)
        .where(EXCHANGES.c.id.in_(calls), EXCHANGES.c.client == client)
        .order_by(EXCHANGES.c.id.desc())
        .limit(_MOST_CALLS)
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    for row in rows:
        try:
            cards = open_summary(row.id, row.summary, cipher).cards
        except SealError:
            continue
        for sent in cards:
            if sent.id == card:
                return CardSent(row.id, sent.policies, sent.about)
    return None


class Report(NamedTuple):
    """A report as sent, the code of the reason for which a card was overridden, and where the card was sent."""

    entry: Mapping[str, Any]
    reason: str | None
    sent: CardSent | None


def to_row(report: Report, at: int, client: str, service: str, cipher: RecordCipher) -> dict[str, Any]:
    """Return the row of one report."""
    identity = make_id(at)
    entry = orjson.dumps(report.entry, option=orjson.OPT_SORT_KEYS)
    identifying = hashlib.blake2b(b"\0".join((client.encode(), service.encode(), entry)), digest_size=16)
    return {
        "id": identity,
        "at": at,
        "client": client,
        "service": service,
        "card": digest_of(CARD, report.entry["card"]),
        "outcome": report.entry["outcome"],
        "reason": report.reason,
        "exchange": report.sent.exchange if report.sent else None,
        "policies": " ".join(report.sent.policies) if report.sent else "",
        "digest": identifying.digest(),
        "entry": cipher.seal([(entry, identity + ENTRY)])[0],
    }


def find_kept(engine: sa.Engine, digests: Collection[bytes]) -> set[bytes]:
    """Return which reports are kept already, by the digests of their rows; StoreError where that cannot be told."""
    query = sa.select(FEEDBACK.c.digest).where(FEEDBACK.c.digest.in_(digests))
    try:
        with engine.connect() as connection:
            return set(connection.execute(query).scalars())
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None


def open_entry(row: Any, cipher: RecordCipher) -> dict[str, Any]:
    """Return a report as it was sent; SealError where it cannot be opened."""
    found: dict[str, Any] = orjson.loads(cipher.open(row.entry, row.id + ENTRY))
    return found


def reseal_report(row: Mapping[str, Any], cipher: RecordCipher) -> dict[str, bytes]:
    """Return the sealed text of a report with the current key; nothing where it is sealed with it."""
    if cipher.is_current(row["entry"]):
        return {}
    return {"entry": cipher.reseal(row["entry"], row["id"] + ENTRY)}
