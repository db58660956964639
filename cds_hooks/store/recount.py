"""Counts facts anew from the calls and the feedback that are kept, a day at a time; what was begun is gone on with."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.calls import Bodies, DecisionSummary, Summary, first_id, open_bodies, open_summary
from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.facts import CALL, OF_CALLS, OF_FEEDBACK, Calendar, Happened, Tally, count_call, replace_facts
from cds_hooks.store.feedback_facts import count_feedback
from cds_hooks.store.left_out import Announced, find_left_out, find_pa_needed
from cds_hooks.store.tables import EXCHANGES, FACT_PROGRESS, FACTS, FEEDBACK

#: As many calls are read at a time.
_PAGE: Final = 1000

#: The name under which the table of progress has the next day to count.
_RUN: Final = "recount"


class Counted(NamedTuple):
    """A day that was counted anew; `is_kept` where its facts stayed, since they know of more calls than are kept."""

    day: str
    calls: int
    is_kept: bool


class Recount:
    """Counts days anew. `reading` is an engine whose statements stand alone; StoreError where the database fails."""

    def __init__(
        self, engine: sa.Engine, reading: sa.Engine, cipher: RecordCipher, zone: str, announced: Announced
    ) -> None:
        self._engine = engine
        self._reading = reading
        self._cipher = cipher
        self._calendar = Calendar(zone)
        self._announced = announced

    def run(self, first: date | None, last: date) -> Iterator[Counted]:
        """Count the days up to the last one, from where the run before was left or else from the oldest kept.

        A day is written whole when it is counted, so that a run may end at any time.
        """
        try:
            day = first or self._next_day()
            while day and day <= last:
                yield self._count(day.isoformat())
                day += timedelta(days=1)
            with self._engine.begin() as connection:
                connection.execute(sa.delete(FACT_PROGRESS).where(FACT_PROGRESS.c.name == _RUN))
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None

    def _next_day(self) -> date | None:
        with self._reading.connect() as connection:
            begun = connection.execute(sa.select(FACT_PROGRESS.c.day).where(FACT_PROGRESS.c.name == _RUN)).scalar()
            if begun:
                return date.fromisoformat(begun)
            firsts = [sa.select(table.c.id).order_by(table.c.id).limit(1) for table in (EXCHANGES, FEEDBACK)]
            oldest = [connection.execute(query).scalar() for query in firsts]
        times = [int.from_bytes(bytes(one)[:6], "big") * 1000 for one in oldest if one]
        return date.fromisoformat(self._calendar.day_of(min(times))) if times else None

    def _count(self, day: str) -> Counted:
        tally, calls = Tally(), 0
        for call in self._calls(day):
            count_call(tally, call, day)
            calls += 1
        reported = count_feedback(self._reading, self._cipher, self._calendar, day)
        with self._engine.begin() as connection:
            is_kept = _known(connection, day) > calls
            if not is_kept:
                replace_facts(connection, day, OF_CALLS, tally)
                replace_facts(connection, day, OF_FEEDBACK, reported)
            following = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            connection.execute(sa.delete(FACT_PROGRESS).where(FACT_PROGRESS.c.name == _RUN))
            connection.execute(sa.insert(FACT_PROGRESS), {"name": _RUN, "day": following})
        return Counted(day, calls, is_kept)

    def _calls(self, day: str) -> Iterator[Happened]:
        """Yield the calls of a day, without their bodies where those need not be looked at."""
        start, end = self._calendar.span_of(day)
        query = sa.select(*_COLUMNS).where(EXCHANGES.c.id < first_id(end)).order_by(EXCHANGES.c.id).limit(_PAGE)
        after = first_id(start)
        while True:
            with self._reading.connect() as connection:
                page = connection.execute(query.where(EXCHANGES.c.id > after)).all()
            if not page:
                return
            for row in page:
                yield Happened(row.at, row.hook, row.client, row.status, row.duration, self._summary(row))
            after = page[-1].id

    def _summary(self, row: Any) -> Summary:
        """Return what is known of a call; what was not noted yet when it was kept is looked for in its bodies."""
        try:
            summary = open_summary(row.id, row.summary, self._cipher)
            if summary.left_out is not None and not any(map(_lacks_pa_needed, summary.decisions)):
                return summary
            with self._reading.connect() as connection:
                sealed = connection.execute(_BODIES, {"id": row.id}).scalar()
            bodies = open_bodies(row.id, sealed, self._cipher) if sealed else Bodies(None, b"")
        except SealError:
            return Summary()
        left_out = summary.left_out
        if left_out is None:
            left_out = find_left_out(bodies.request, self._announced.get(row.hook, ()))
        said = find_pa_needed(bodies.response)
        decisions = tuple([_complete(one, said) if _lacks_pa_needed(one) else one for one in summary.decisions])
        return Summary(decisions=decisions, cards=summary.cards, withheld=summary.withheld, left_out=left_out)


def _lacks_pa_needed(decision: DecisionSummary) -> bool:
    return decision.pa_needed is None and decision.may_be_authorized


def _complete(decision: DecisionSummary, said: Mapping[str, str]) -> DecisionSummary:
    """Return a decision with what the answer said of prior authorization; of what is conditional, that is open."""
    found = said.get(decision.assertion or "") or ("conditional" if decision.covered == "conditional" else "")
    return msgspec.structs.replace(decision, pa_needed=found)


_COLUMNS: Final = [EXCHANGES.c[name] for name in ("id", "at", "hook", "client", "status", "duration", "summary")]
_BODIES: Final = sa.select(EXCHANGES.c.bodies).where(EXCHANGES.c.id == sa.bindparam("id"))


def _known(connection: sa.Connection, day: str) -> int:
    """Return of how many calls of a day the facts know."""
    query = sa.select(sa.func.sum(FACTS.c.count)).where(FACTS.c.kind == CALL, FACTS.c.day == day)
    return int(connection.execute(query).scalar() or 0)
