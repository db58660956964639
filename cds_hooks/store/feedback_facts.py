"""Facts of feedback, counted from what is kept of a day: what users did with cards, and which cards came again.

They are counted anew each time, so that a report counts once, however often it is sent, and in whichever process.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from cds_hooks.store.calls import CALL, CALL_PART, CARD, CardSummary, Summary, digest_of, first_id, open_summary
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.facts import FEEDBACK, REPEAT, Calendar, Tally, split_version, whose
from cds_hooks.store.tables import EXCHANGES, MENTIONS
from cds_hooks.store.tables import FEEDBACK as REPORTS

#: As many ids are asked for by one query.
_PAGE: Final = 200

#: Of the reasons of a day so many are told apart; clients may send others than are offered.
_MOST_REASONS: Final = 40
OTHER: Final = "other"


class _Overridden(NamedTuple):
    """A card that was overridden: its id, to whom it had been sent, and when that was first said."""

    card: str
    client: str
    at: int


def count_feedback(engine: sa.Engine, cipher: RecordCipher, calendar: Calendar, day: str) -> Tally:
    """Return the facts of the feedback of a day, and of the cards that came again on it."""
    tally, reasons, overridden = Tally(), set[str](), dict[bytes, _Overridden]()
    for page in _pages(engine, *calendar.span_of(day)):
        sent = _find_cards(engine, cipher, page)
        for row in page:
            card, summary = sent.get((row.exchange, row.card), (None, None))
            who = whose(card, summary.decisions) if card and summary else ("", *split_version(_first(row.policies)))
            reasons.update({row.reason} if row.reason and len(reasons) < _MOST_REASONS else ())
            reason = row.reason if row.reason in reasons else OTHER if row.reason else ""
            hook = row.service.removesuffix("-crd")
            tally.add((FEEDBACK, day, hook, row.client, *who, row.outcome, reason))
            if card and row.outcome == "overridden":
                overridden.setdefault(row.card, _Overridden(card.id, row.client, row.at))
    _count_repeats(tally, engine, cipher, day, list(overridden.values()))
    return tally


def _first(policies: str) -> str:
    return policies.split(" ")[0]


def _pages(engine: sa.Engine, start: int, end: int) -> Iterator[Sequence[Any]]:
    """Yield the reports of a stretch of time, a page at a time, the oldest first."""
    columns = [REPORTS.c[name] for name in ("id", "at", "client", "service", "card", "outcome", "reason")]
    query = sa.select(*columns, REPORTS.c.exchange, REPORTS.c.policies).where(REPORTS.c.id < first_id(end))
    after = first_id(start)
    while True:
        with engine.connect() as connection:
            page = connection.execute(query.where(REPORTS.c.id > after).order_by(REPORTS.c.id).limit(_PAGE)).all()
        if not page:
            return
        yield page
        after = page[-1].id


def _find_cards(
    engine: sa.Engine, cipher: RecordCipher, page: Sequence[Any]
) -> dict[tuple[bytes, bytes], tuple[CardSummary, Summary]]:
    """Return the cards of some reports and the summaries of the calls they were sent in, by call and digest."""
    wanted = {row.exchange for row in page if row.exchange}
    query = sa.select(EXCHANGES.c.id, EXCHANGES.c.summary).where(EXCHANGES.c.id.in_(wanted))
    with engine.connect() as connection:
        rows = connection.execute(query).all() if wanted else []
    opened = ((row.id, _open(row, cipher)) for row in rows)
    return {
        (identity, digest_of(CARD, card.id)): (card, summary)
        for identity, summary in opened
        if summary
        for card in summary.cards
    }


def _open(row: Any, cipher: RecordCipher) -> Summary | None:
    try:
        return open_summary(row.id, row.summary, cipher)
    except SealError:
        return None


def _count_repeats(
    tally: Tally, engine: sa.Engine, cipher: RecordCipher, day: str, overridden: Sequence[_Overridden]
) -> None:
    """Count the calls in which a card came again after it was overridden: a card has the same id all day."""
    for start in range(0, len(overridden), _PAGE):
        some = {one.card: one for one in overridden[start : start + _PAGE]}
        digests = {digest_of(CALL, card[:CALL_PART]) for card in some}
        calls = sa.select(MENTIONS.c.exchange).where(MENTIONS.c.digest.in_(digests))
        columns = [EXCHANGES.c[name] for name in ("id", "at", "hook", "client", "summary")]
        with engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(EXCHANGES.c.id.in_(calls))).all()
        for row in rows:
            summary = _open(row, cipher)
            for card in summary.cards if summary else ():
                before = some.get(card.id)
                if summary and before and before.client == row.client and row.at > before.at:
                    tally.add((REPEAT, day, row.hook, row.client, *whose(card, summary.decisions), "", ""))
