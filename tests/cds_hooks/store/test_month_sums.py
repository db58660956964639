"""Figures come to the same whether they are read by the sums of months or by days, whatever happens beside that."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.store.database import connect, prepare
from cds_hooks.store.fact_queries import FactReader, Wanted
from cds_hooks.store.facts import ANSWER, CALL, KINDS, OF_CALLS, Tally, add_facts, replace_facts
from cds_hooks.store.month_sums import MonthSums, days_outside, months_between
from cds_hooks.store.retention import delete_facts
from cds_hooks.store.tables import FACT_MONTHS, FACT_SUMS, FACTS
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

FIRST, LAST = date(2026, 5, 17), date(2026, 11, 23)
ALL = Wanted(FIRST.isoformat(), LAST.isoformat())
MONTHS = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]

#: What pages read.
READ = [("day", "what"), ("hook", "client", "what", "why"), ("policy", "payer", "client"), ("day", "client")]


class Store:
    """Facts of half a year, and what reads them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.writing, self.reading = connect(url), connect(url, each_alone=True)
        self.sums = MonthSums(self.writing, self.reading)
        with self.writing.begin() as connection:
            add_facts(connection, some_facts())

    def figures(self, wanted: Wanted, months: list[str]) -> list[dict[Any, int]]:
        reader = FactReader(self.reading, wanted, months)
        counts = [reader.read(kind, *names).by(*names) for kind in KINDS for names in READ]
        took = [{"ms": sum(one.milliseconds for one in reader.read(kind, "hook"))} for kind in KINDS]
        return counts + took

    def change(self, day: str, tally: Tally | None = None) -> None:
        """Count a day anew, as something else."""
        with self.writing.begin() as connection:
            replace_facts(connection, day, OF_CALLS, tally or Tally())

    def close(self) -> None:
        self.writing.dispose()
        self.reading.dispose()


@pytest.fixture(name="store", params=["sqlite", "postgresql"])
def _store(request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL) -> Iterator[Store]:
    url = postgresql.new_database() if request.param == "postgresql" else f"sqlite:///{tmp_path}/crd.sqlite3"
    prepare(url)
    store = Store(url)
    yield store
    store.close()


def some_facts() -> Tally:
    """Return facts of each kind on each day, some of them by the same key as the day before."""
    tally, chance = Tally(), random.Random(7)  # noqa: S311 - samples, not secrets
    for number in range((LAST - FIRST).days + 1):
        day = (FIRST + timedelta(days=number)).isoformat()
        for kind in KINDS:
            for _ in range(3):
                names = [
                    chance.choice(pair) for pair in (("sign", "select"), ("north", "south"), ("a", "b"), ("p", ""))
                ]
                key = (kind, day, *names, "2026", chance.choice(("covered", "answered")), "")
                tally.add(key, chance.randint(1, 9))
                tally.microseconds[key] = 4000
    return tally


@pytest.mark.parametrize(
    "wanted",
    [
        ALL,
        ALL._replace(client="north"),
        ALL._replace(policy="p"),
        ALL._replace(payer="b", client="south"),
        Wanted("2026-10-01", "2026-11-02"),
        Wanted("2026-10-01", "2026-11-23"),
    ],
    ids=str,
)
def test_sums_come_to_the_same_as_days(store: Store, wanted: Wanted) -> None:
    months = store.sums.prepare(wanted.first, wanted.last)

    assert months == list(months_between(wanted.first, wanted.last))
    assert store.figures(wanted, months) == store.figures(wanted, [])


def test_a_month_is_read_by_its_sums_alone(store: Store) -> None:
    """So that what is tested here is not the days once more."""
    store.sums.prepare(ALL.first, ALL.last)
    before = store.figures(ALL, MONTHS)[1]
    with store.writing.begin() as connection:
        connection.execute(sa.delete(FACTS).where(FACTS.c.day.between("2026-06-01", "2026-10-31")))

    assert store.figures(ALL, MONTHS)[1] == before


def test_a_day_that_is_counted_anew_has_its_month_summed_anew(store: Store) -> None:
    store.sums.prepare(ALL.first, ALL.last)
    late = Tally()
    late.add((CALL, "2026-08-31", "sign", "east", "", "", "", "answered", ""), 1000)
    with store.writing.begin() as connection:
        add_facts(connection, late)
    store.change("2026-07-01")

    months = store.sums.prepare(ALL.first, ALL.last)
    assert months == MONTHS
    assert store.figures(ALL, months) == store.figures(ALL, [])


def test_a_month_that_is_changed_while_it_is_added_up_is_read_by_its_days(store: Store) -> None:
    changed: list[str] = []

    def change(*_: Any) -> None:
        """Between reading the facts and writing their sums."""
        if not changed:
            changed.append("2026-06-07")
            other = connect(store.url)
            with other.begin() as connection:
                replace_facts(connection, changed[0], OF_CALLS, Tally())
            other.dispose()

    sa.event.listen(store.writing, "checkout", change)
    months = store.sums.prepare(ALL.first, ALL.last)

    assert months == MONTHS[1:]
    assert store.figures(ALL, months) == store.figures(ALL, [])
    assert store.sums.prepare(ALL.first, ALL.last) == MONTHS


def test_several_services_may_add_up_and_change_the_same_months(store: Store) -> None:
    def work(number: int) -> None:
        other = Store(store.url) if number % 2 else store  # which counts all of the facts once more
        other.sums.prepare(ALL.first, ALL.last)
        if other is not store:
            other.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(6)))
    months = store.sums.prepare(ALL.first, ALL.last)

    assert months == MONTHS
    assert store.figures(ALL, months) == store.figures(ALL, [])


def test_sums_are_deleted_with_their_days(store: Store) -> None:
    store.sums.prepare(ALL.first, ALL.last)
    engine = connect(store.url)
    kept = (datetime.now(UTC).date() - date(2026, 8, 12)).days
    delete_facts(engine, kept)
    engine.dispose()

    months = store.sums.prepare(ALL.first, ALL.last)
    assert months == MONTHS
    assert store.figures(ALL, months) == store.figures(ALL, [])
    assert not FactReader(store.reading, Wanted("2026-06-01", "2026-07-31"), MONTHS[:2]).read(ANSWER, "what")
    with store.reading.connect() as connection:
        days = set(connection.execute(sa.select(FACT_SUMS.c.day)).scalars())
        noted = set(connection.execute(sa.select(FACT_MONTHS.c.month)).scalars())
    assert min(days) >= "2026-06"
    assert "2026-05" not in noted


def test_where_sums_cannot_be_written_days_are_read(store: Store) -> None:
    with store.writing.begin() as connection:
        connection.execute(sa.text("DROP TABLE fact_sums"))

    assert store.sums.prepare(ALL.first, ALL.last) == []


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 500), st.randoms(use_true_random=False))
def test_months_and_what_is_outside_of_them_are_all_days_once(first: date, days: int, chance: random.Random) -> None:
    last = first + timedelta(days=days)
    months = [one for one in months_between(first.isoformat(), last.isoformat()) if chance.random() < 0.8]
    outside = list(days_outside(first.isoformat(), last.isoformat(), months))
    every = [first + timedelta(days=number) for number in range(days + 1)]

    assert [one for one in every if one.isoformat()[:7] not in months] == [
        one for one in every if any(start <= one.isoformat() <= end for start, end in outside)
    ]
    assert all(start <= end for start, end in outside)
    assert all(date.fromisoformat(f"{month}-28") < last - timedelta(days=2) for month in months)
