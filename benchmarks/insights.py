"""`python -m benchmarks.insights`: what facts cost a call, and how long Insights takes over ten million calls.

Counts --calls calls of --days days by a hundred clients, in memory as a service does it, and writes them in slices as
it would; then makes the sums of the months that are over, and asks for the figures of the page, for each of its
periods. All is processor time: of this process, with SQLite within it, or with --postgresql also of a PostgreSQL server
that is started for it. What is older than a period is not looked at: 3,330,000 calls of 364 days take as long as ten
million of three years.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks import postgresql
from benchmarks.processes import family_seconds
from cds_hooks.app import read_settings
from cds_hooks.console.insights.insights import days_before, read_figures
from cds_hooks.console.insights.insights_pages import PERIODS
from cds_hooks.rules.reload import read_rules
from cds_hooks.store.calls import CardSummary, DecisionSummary, PolicySummary, Summary
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.fact_counter import FactCounter
from cds_hooks.store.fact_queries import FactReader, Wanted
from cds_hooks.store.facts import Happened
from cds_hooks.store.month_sums import MonthSums, months_between

CLIENTS = 100
HOOKS = ("order-sign", "order-sign", "order-sign", "order-select", "order-dispatch", "appointment-book")
PAYERS = tuple(f"payer-{number}" for number in range(12))
POLICIES = tuple(f"policy-{number}@2024-01-01" for number in range(30))
VERDICTS = ("not-covered", "covered", "conditional")
ASKED = ("no-auth", "auth-needed", "conditional")
LAST = date(2026, 11, 23)

#: As many calls are counted between two writes: half a minute of a worker with three hundred calls a second.
SLICE = 9000

#: Seconds that the page may take for its usual period, and for a year.
MOST = {28: 1.0, 364: 1.0}


def main() -> int:
    """Run the benchmark; exit 1 where a page takes too long."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=10_000_000)
    options.add_argument("--days", type=int, default=3 * 365)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--postgresql", action="store_true", help="in PostgreSQL, not in SQLite")
    chosen = options.parse_args()
    with ExitStack() as stack:
        if chosen.postgresql:
            plan = stack.enter_context(postgresql.plan("PostgreSQL", {}))
            if plan is None:
                return 1
            url, servers = plan.variables["CRD_DATABASE_URL"], plan.others
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd()))
            url, servers = f"sqlite:///{folder}/crd.sqlite3", ()

        def spent() -> float:
            return time.process_time() + sum(map(family_seconds, servers))

        prepare(url)
        _count(url, chosen.calls, chosen.days, random.Random(chosen.seed), spent)  # noqa: S311 (samples, not secrets)
        return _ask(url, spent)


#: Returns the processor seconds so far of all that works on it.
Spent = Callable[[], float]


def _count(url: str, calls: int, days: int, chance: random.Random, spent: Spent) -> None:
    counter = FactCounter(url, RecordCipher(), "UTC", every=10_000)
    notes = adding = writing = 0.0
    for happened in _slices(calls, days, chance):
        start = time.process_time()
        for one in happened:
            counter.count_call(Happened(*one))
        noted = time.process_time()
        counter.add_up()
        adding, notes = adding + time.process_time() - noted, notes + noted - start
        added = spent()
        counter.write()
        writing += spent() - added
    counter.close()
    of = 1e6 / calls
    print(f"{calls:,} calls; of processor time a call: {notes * of:.1f} µs for its note, in the call;", end=" ")
    print(f"beside the calls {adding * of:.1f} µs to add it up and {writing * of:.1f} µs to write it")


def _slices(calls: int, days: int, chance: random.Random) -> Iterator[list[Happened]]:
    """Yield calls in the order of time: each client has twenty kinds of its own."""
    kinds = [_kind(chance, number % CLIENTS) for number in range(CLIENTS * 20)]
    start = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) - timedelta(days=days - 1)
    first, step = int(start.timestamp()) * 1_000_000, days * 86_400_000_000 // calls
    for begin in range(0, calls, SLICE):
        numbers = range(begin, min(begin + SLICE, calls))
        yield [chance.choice(kinds)._replace(at=first + number * step) for number in numbers]


def _kind(chance: random.Random, client: int) -> Happened:
    order, payer, policy = "ServiceRequest/order-1", chance.choice(PAYERS), chance.choice(POLICIES)
    basis, verdict = "a policy in force", chance.choice(VERDICTS)
    spoke, asked = (PolicySummary(policy, "stated", "x"),), None if verdict == "not-covered" else chance.choice(ASKED)
    told = DecisionSummary(order, verdict, basis, payer, "2026-11-23", policies=spoke, pa_needed=asked)
    left_out = ("coverage",) if client % 3 == 0 else ()
    summary = Summary("hook", (told,), (CardSummary("card", (order,), (policy,)),), left_out=left_out)
    return Happened(0, chance.choice(HOOKS), f"client-{client:03}", 200, int(chance.expovariate(1 / 4000)), summary)


def _size(connection: sa.Connection, url: str) -> float:
    """Return the size of a store in MB, after what it does by itself from time to time: collecting statistics."""
    if url.startswith("sqlite"):
        return Path(url.removeprefix("sqlite:///")).stat().st_size / 1e6
    connection.exec_driver_sql("VACUUM (ANALYZE) facts")
    return float(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()) / 1e6


def _ask(url: str, spent: Spent) -> int:
    engine, settings = connect(url, each_alone=True), read_settings(database_url=url)
    rules, late = read_rules(settings), False
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM facts").scalar()
        print(f"{rows:,} facts in {_size(connection, url):.0f} MB")
    writing = connect(url)
    sums, started = MonthSums(writing, engine), spent()
    all_of = list(months_between(*days_before(LAST, 364)))
    while sums.prepare(*days_before(LAST, 364)) != all_of:
        pass
    print(f"{len(all_of)} months summed in {spent() - started:.1f} s")
    for days, words in PERIODS:
        for how, client in (("all", None), ("one client", "client-007")):
            wanted = Wanted(*days_before(LAST, days), client=client)
            times = []
            for _ in range(5):
                started = spent()
                months = sums.prepare(wanted.first, wanted.last)
                read_figures(FactReader(engine, wanted, months), wanted, rules)
                times.append(spent() - started)
            late = late or min(times) > MOST.get(days, 10.0)
            print(f"{words:10} {how:10} median {statistics.median(times) * 1e3:8.0f} ms")
    engine.dispose()
    writing.dispose()
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
