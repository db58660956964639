"""What is counted of calls, day by day, for Insights: counts and codes, nothing of a patient.

A fact is a row of the table `facts`. Facts of calls are counted while calls are answered (`fact_counter`), those of
feedback from what is kept of it (`feedback_facts`), and all of them anew from what is kept (`recount`).
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from cds_hooks.store.calls import CardSummary, DecisionSummary, Summary
from cds_hooks.store.tables import FACTS

#: The kinds of facts: a call; what came of an order under a coverage, and what was said of prior authorization for it;
#: a card; a key of prefetch that was left out.
CALL: Final = "call"
ANSWER: Final = "answer"
AUTHORIZATION: Final = "authorization"
CARD: Final = "card"
LEFT_OUT: Final = "left-out"

#: What a user did with a card; a card that came again after it had been overridden; a token that was refused.
FEEDBACK: Final = "feedback"
REPEAT: Final = "repeat"
REFUSAL: Final = "refusal"

OF_CALLS: Final = (CALL, ANSWER, AUTHORIZATION, CARD, LEFT_OUT)
OF_FEEDBACK: Final = (FEEDBACK, REPEAT)
KINDS: Final = (*OF_CALLS, *OF_FEEDBACK, REFUSAL)

#: Of cards: shown, or withheld since it was overridden before (CRD_HEED_OVERRIDES).
SHOWN: Final = "shown"
WITHHELD: Final = "withheld"

#: A call counts under the first of these that it did not take longer than, in milliseconds; above all, under MORE.
BOUNDS: Final = (10, 25, 50, 100, 250, 500, 1000, 2000, 3000, 5000, 10_000)
MORE: Final = "more"

_BOUNDS: Final = [bound * 1000 for bound in BOUNDS]
_BOUND_NAMES: Final = [*map(str, BOUNDS), MORE]
_OUTCOMES: Final = {2: "answered", 5: "failed"}
_QUARTER: Final = 900_000_000  # microseconds; no time zone changes its day within a quarter of an hour of the clock

#: kind, day, hook, client, payer, policy, version, what, why: the key of the table.
Key = tuple[str, str, str, str, str, str, str, str, str]


class Happened(NamedTuple):
    """A call that ended, as far as it is counted; `at` and `duration` in microseconds."""

    at: int
    hook: str
    client: str
    status: int
    duration: int
    summary: Summary


class Tally:
    """Counts by key, and the milliseconds that they took together."""

    def __init__(self) -> None:
        self.counts: dict[Key, int] = {}
        self.microseconds: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self.counts)

    def add(self, key: Key, count: int = 1) -> None:
        """Count something."""
        self.counts[key] = self.counts.get(key, 0) + count

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of the table, in the order of its key: processes that write at once wait in that order."""
        taken = self.microseconds
        return [(*key, count, taken.get(key, 0) // 1000) for key, count in sorted(self.counts.items())]


class Calendar:
    """The days of a time zone, as ISO 8601 writes them."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._quarter, self._day = -1, ""

    def day_of(self, at: int) -> str:
        """Return the day of a time in microseconds since 1970."""
        quarter = at // _QUARTER
        if quarter != self._quarter:
            self._day = datetime.fromtimestamp(at // 1_000_000, self._zone).date().isoformat()
            self._quarter = quarter
        return self._day

    def start_of(self, day: date) -> int:
        """Return when a day begins, in microseconds since 1970."""
        return int(datetime.combine(day, time(), self._zone).astimezone(UTC).timestamp()) * 1_000_000

    def span_of(self, day: str) -> tuple[int, int]:
        """Return when a day begins and when the next one does."""
        found = date.fromisoformat(day)
        return self.start_of(found), self.start_of(found + timedelta(days=1))


def count_call(tally: Tally, call: Happened, day: str) -> None:
    """Count a call, what was answered on its orders, its cards, and what it left out of prefetch."""
    hook, client, summary = call.hook, call.client, call.summary
    outcome = "answered" if call.status == 200 else _OUTCOMES.get(call.status // 100, "refused")
    key = (CALL, day, hook, client, "", "", "", outcome, _BOUND_NAMES[bisect_left(_BOUNDS, call.duration)])
    tally.add(key)
    tally.microseconds[key] = tally.microseconds.get(key, 0) + call.duration
    decisions = summary.decisions
    for decision in decisions:
        policy, version = split_version(decision.answered_by)
        about = (day, hook, client, decision.payer, policy, version)
        tally.add((ANSWER, *about, decision.covered, decision.basis))
        if decision.pa_needed:
            tally.add((AUTHORIZATION, *about, decision.pa_needed, ""))
    for card in summary.cards:
        tally.add((CARD, day, hook, client, *whose(card, decisions), SHOWN, ""))
    for card in summary.withheld:
        tally.add((CARD, day, hook, client, *whose(card, decisions), WITHHELD, ""))
    for left_out in summary.left_out or ():
        tally.add((LEFT_OUT, day, hook, client, "", "", "", left_out, ""))


def whose(card: CardSummary, decisions: Iterable[DecisionSummary]) -> tuple[str, str, str]:
    """Return the payer of a card, and the policy and its version that it rests on first."""
    key, payer = card.policies[0] if card.policies else "", None
    for decision in decisions:
        if decision.order in card.orders:
            for policy in decision.policies:
                if policy.version == key:
                    return (decision.payer, *split_version(key))
            payer = payer or decision.payer
    return (payer or "", *split_version(key))


@lru_cache(4096)
def split_version(key: str) -> tuple[str, str]:
    """Return the id of a policy and the day its version begins, of a version's key."""
    policy, _, version = key.partition("@")
    return policy, version


def add_facts(connection: sa.Connection, tally: Tally) -> None:
    """Add what was counted to what is there; the driver takes half the time that SQLAlchemy's own statement does."""
    rows = tally.rows()
    if rows:
        is_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql(_ADD if is_sqlite else _ADD.replace("?", "%s"), rows)
        note_change(connection, {key[1] for key in tally.counts})


def replace_facts(connection: sa.Connection, day: str, kinds: Iterable[str], tally: Tally) -> None:
    """Put what was counted in the place of a day's facts of some kinds."""
    connection.execute(sa.delete(FACTS).where(FACTS.c.day == day, FACTS.c.kind.in_(list(kinds))))
    note_change(connection, [day])
    add_facts(connection, tally)


def note_change(connection: sa.Connection, days: Iterable[str]) -> None:
    """Note that facts of some days are changed in this transaction."""
    for month in sorted({day[:7] for day in days}):
        connection.execute(_NOTE, {"month": month})


_NAMES: Final = [column.name for column in FACTS.columns]
_KEY: Final = [column.name for column in FACTS.primary_key]

_ADD: Final = f"""
    INSERT INTO facts ({", ".join(_NAMES)}) VALUES ({", ".join("?" * len(_NAMES))})
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
    SET count = facts.count + excluded.count, milliseconds = facts.milliseconds + excluded.milliseconds
"""  # noqa: S608 - names of ours

#: Waits for who is adding the month up, and is waited for by them (`month_sums`).
_NOTE: Final = sa.text("""
    INSERT INTO fact_months (month, changes, summed) VALUES (:month, 1, -1)
    ON CONFLICT (month) DO UPDATE SET changes = fact_months.changes + 1
""")
