"""Facts: counts of what happened, day by day, that agree with what is kept, and name no patient."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from cds_hooks.store.calls import Bodies, CallRecord, CardSummary, Summary
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.fact_counter import FactCounter
from cds_hooks.store.facts import Calendar, Happened
from cds_hooks.store.feedback import Report, find_card, to_row
from cds_hooks.store.recount import Recount
from cds_hooks.store.retention import delete_before, delete_facts
from cds_hooks.store.tables import FACTS
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.samples import exchange, ids
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

KEY = bytes(range(32))
DAY = date(2026, 11, 23)
NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = 3_600_000_000
PLAN, POLICY, VERSION = "example-health-plan", "evicore-cmm-204", "2023-05-31"


@pytest.fixture(name="url", params=["sqlite", "postgresql"])
def _url(request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL) -> str:
    url = postgresql.new_database() if request.param == "postgresql" else f"sqlite:///{tmp_path}/crd.sqlite3"
    prepare(url)
    return url


class Store:
    """A store with calls and feedback, whose facts are counted as a service does it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cipher = RecordCipher([KEY])
        self.writer = Writer(connect(url), self.cipher)
        self.reading = connect(url, each_alone=True)
        self.counter = FactCounter(url, self.cipher, "UTC", every=3600)

    def keep(self, call: CallRecord) -> None:
        self.writer.write(call)
        self.counter.count_call(Happened(call.at, call.hook, call.client, call.status, call.duration, call.summary))

    def report(self, card: str, at: int, outcome: str = "overridden", reason: str | None = "patient-pays") -> None:
        entry = {"card": card, "outcome": outcome, "outcomeTimestamp": f"2026-11-23T12:00:00.{at}Z"}
        sent = find_card(self.reading, self.cipher, card, "north")
        row = to_row(Report(entry, reason, sent), at, "north", "order-sign-crd", self.cipher)
        self.writer.write({"feedback": [row]})
        self.counter.count_feedback(at)

    def facts(self, *kinds: str) -> dict[tuple[str, ...], int]:
        """Return the counts by kind and what is not empty of the key."""
        query = sa.select(FACTS).order_by(*FACTS.primary_key)
        with self.reading.connect() as connection:
            rows = [row for row in connection.execute(query) if not kinds or row.kind in kinds]
        return {tuple(filter(None, row[:-2])): row[-2] for row in rows}

    def recount(self, last: date = DAY, first: date | None = None) -> list[Any]:
        engine = connect(self.url)
        announced = {"order-sign": ("patient", "coverage")}
        counted = list(Recount(engine, self.reading, self.cipher, "UTC", announced).run(first, last))
        engine.dispose()
        return counted

    def close(self) -> None:
        self.counter.close()
        self.writer.close()
        self.reading.dispose()


@pytest.fixture(name="store")
def _store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


def call(number: int, **changed: Any) -> CallRecord:
    """Return a call of 23 November that brought its Coverage, and not its Patient."""
    made = exchange(number, at=changed.pop("at", NOON + number * 1000), **changed)
    return msgspec.structs.replace(made, summary=msgspec.structs.replace(made.summary, left_out=("patient",)))


def fill(store: Store) -> None:
    """Keep six calls: five answered, of them one slow and one withheld card; one refused."""
    for number in range(3):
        store.keep(call(number))
    store.keep(call(3, duration=5_000_001, client="south"))
    withheld = CardSummary(ids(4)[1], ("ServiceRequest/order-4",), (f"{POLICY}@{VERSION}",))
    kept = call(4, hook="order-select")
    quiet = msgspec.structs.replace(kept.summary, cards=(), withheld=(withheld,))
    store.keep(msgspec.structs.replace(kept, summary=quiet))
    store.keep(call(5, status=400, summary=Summary(error="CoverageProblemError")))


ANSWER = (PLAN, POLICY, VERSION)
TRUTH = {
    ("call", "2026-11-23", "order-sign", "north", "answered", "10"): 3,
    ("call", "2026-11-23", "order-sign", "south", "answered", "10000"): 1,
    ("call", "2026-11-23", "order-select", "north", "answered", "10"): 1,
    ("call", "2026-11-23", "order-sign", "north", "refused", "10"): 1,
    ("answer", "2026-11-23", "order-sign", "north", *ANSWER, "not-covered", "a policy in force"): 3,
    ("answer", "2026-11-23", "order-sign", "south", *ANSWER, "not-covered", "a policy in force"): 1,
    ("answer", "2026-11-23", "order-select", "north", *ANSWER, "not-covered", "a policy in force"): 1,
    ("card", "2026-11-23", "order-sign", "north", *ANSWER, "shown"): 3,
    ("card", "2026-11-23", "order-sign", "south", *ANSWER, "shown"): 1,
    ("card", "2026-11-23", "order-select", "north", *ANSWER, "withheld"): 1,
    ("left-out", "2026-11-23", "order-sign", "north", "patient"): 4,
    ("left-out", "2026-11-23", "order-sign", "south", "patient"): 1,
    ("left-out", "2026-11-23", "order-select", "north", "patient"): 1,
}


def test_calls_answers_cards_and_what_was_left_out_are_counted(store: Store) -> None:
    fill(store)
    assert store.counter.write()
    assert store.facts() == TRUTH


def test_what_is_counted_later_is_added(store: Store) -> None:
    """Also by another process, at the same rows."""
    other = FactCounter(store.url, store.cipher, "UTC", every=3600)
    for counter in (store.counter, other, store.counter):
        made = call(1)
        counter.count_call(Happened(made.at, made.hook, made.client, 200, 1500, made.summary))
        counter.write()
    other.close()

    query = sa.select(FACTS.c.count, FACTS.c.milliseconds).where(FACTS.c.kind == "call")
    with store.reading.connect() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [(3, 3)]


def test_counting_anew_comes_to_the_same(store: Store) -> None:
    fill(store)
    assert [(one.day, one.calls) for one in store.recount()] == [("2026-11-23", 6)]
    assert store.facts() == TRUTH

    store.recount(first=DAY)
    assert store.facts() == TRUTH


def test_of_calls_from_before_the_request_says_what_was_left_out(store: Store) -> None:
    """Records of the versions before do not tell it."""
    for number, prefetch in enumerate((b"{}", b'{"coverage": null, "other": {}}', b'{"patient": 1, "coverage": 1}')):
        body = b'{"hook": "order-sign", "prefetch": ' + prefetch + b"}"
        store.writer.write(exchange(number, at=NOON, bodies=Bodies(body, b"{}")))
    store.recount()

    left_out = {key[-1]: count for key, count in store.facts("left-out").items()}
    assert left_out == {"patient": 2, "coverage": 1}


def test_a_run_that_was_broken_off_is_gone_on_with(store: Store) -> None:
    for days in range(3):
        store.writer.write(call(days, at=NOON - (2 - days) * 24 * HOUR))
    engine = connect(store.url)
    run = Recount(engine, store.reading, store.cipher, "UTC", {}).run(None, DAY)
    assert next(run).day == "2026-11-21"
    run.close()
    engine.dispose()

    assert [one.day for one in store.recount()] == ["2026-11-22", "2026-11-23"]
    assert [one.day for one in store.recount()] == ["2026-11-21", "2026-11-22", "2026-11-23"]


def test_the_facts_of_calls_that_were_deleted_stay(store: Store) -> None:
    fill(store)
    store.counter.write()
    engine = connect(store.url)
    delete_before(engine, NOON + 3000, "tests", None)
    assert [one.is_kept for one in store.recount()] == [True]
    assert store.facts() == TRUTH

    engine.dispose()


def test_facts_are_deleted_after_as_many_days_as_is_set(store: Store) -> None:
    now = time.time_ns() // 1000
    for number, days in enumerate((3, 10)):
        store.keep(call(number, at=now - days * 24 * HOUR))
    store.counter.write()
    engine = connect(store.url)
    left = []
    for days in (20, 5, 1):
        delete_facts(engine, days)
        left.append(len({key[1] for key in store.facts()}))
    engine.dispose()
    assert left == [2, 1, 0]


def test_a_day_is_one_of_the_deployment() -> None:
    late = int(datetime(2026, 11, 23, 3, tzinfo=UTC).timestamp()) * 1_000_000
    calendar = Calendar("America/New_York")
    assert calendar.day_of(late) == "2026-11-22"
    assert calendar.day_of(late + 3 * HOUR) == "2026-11-23"
    start, end = calendar.span_of("2026-11-01")  # clocks are set back
    assert end - start == 25 * HOUR


def test_feedback_counts_once_by_its_cards_policy_and_payer(store: Store) -> None:
    fill(store)
    card = ids(0)[1]
    store.report(card, NOON + HOUR)
    store.report(card, NOON + HOUR)  # the same report, sent again
    store.report(ids(1)[1], NOON + 2 * HOUR, "accepted", None)
    store.report("a card of nobody", NOON + HOUR, reason="coverage-wrong")
    store.counter.look_again()

    where = ("feedback", "2026-11-23", "order-sign", "north")
    assert store.facts("feedback") == {
        (*where, *ANSWER, "overridden", "patient-pays"): 1,
        (*where, *ANSWER, "accepted"): 1,
        (*where, "overridden", "coverage-wrong"): 1,
    }


def test_a_card_that_comes_again_after_it_was_overridden_is_a_repeat(store: Store) -> None:
    fill(store)
    store.report(ids(0)[1], NOON + HOUR)
    store.keep(call(0, at=NOON + 2 * HOUR))
    store.keep(call(0, at=NOON + 3 * HOUR, hook="order-select"))
    store.keep(call(1, at=NOON + 3 * HOUR))  # another patient's
    store.keep(call(0, at=NOON + 3 * HOUR, client="south"))  # nobody there has overridden it
    for _ in range(2):
        store.counter.look_again()

    assert store.facts("repeat") == {
        ("repeat", "2026-11-23", "order-sign", "north", *ANSWER): 1,
        ("repeat", "2026-11-23", "order-select", "north", *ANSWER): 1,
    }


def test_of_reasons_that_clients_make_up_only_some_are_told_apart(store: Store) -> None:
    for number in range(50):
        store.report(f"card {number}", NOON + number, reason=f"reason-{number}")
    store.counter.look_again()

    found = store.facts("feedback")
    assert len(found) == 41
    assert found["feedback", "2026-11-23", "order-sign", "north", "overridden", "other"] == 10


def test_refused_tokens_are_counted_by_cause_and_stay(store: Store) -> None:
    for cause in ("expired", "expired", "replayed"):
        store.counter.count_token(NOON, cause, "north" if cause == "replayed" else None)
    store.counter.write()
    store.recount(first=DAY)
    assert store.facts() == {
        ("refusal", "2026-11-23", "expired"): 2,
        ("refusal", "2026-11-23", "north", "replayed"): 1,
    }


def test_no_fact_names_a_patient_an_order_or_an_id(store: Store) -> None:
    fill(store)
    store.report(ids(0)[1], NOON + HOUR)
    store.counter.write()
    store.counter.look_again()
    told = " ".join(word for key in store.facts() for word in key)
    for secret in ("order-0", "ServiceRequest", ids(0)[0], ids(0)[1], "cov-1", "hook-0", "request-0"):
        assert secret not in told


def test_what_cannot_be_written_is_written_with_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crd.sqlite3"
    counter = FactCounter(url, RecordCipher(), "UTC", every=3600)
    made = call(1)
    counter.count_call(Happened(made.at, made.hook, made.client, 200, 1500, made.summary))
    assert not counter.write()  # there are no tables yet
    prepare(url)
    assert counter.write()
    counter.close()
    store = Store(url)
    assert sum(store.facts("call").values()) == 1
    store.close()
