"""`make bench-audit`: how long `crd audit` takes to answer a dispute, in a store of many calls.

Makes a store (SQLite) of --rows calls over three years, by a hundred clients, and asks for calls in it: by assertion,
by card, by order, by client and time. A thousand of the calls are looked for and have true records; the others
have records of the same size, and short bodies (--body-bytes), which no search reads. In the end all of it is verified.
"""

import argparse
import itertools
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cds_hooks.store.calls import (
    Bodies,
    CallRecord,
    CardSummary,
    DecisionSummary,
    PolicySummary,
    Summary,
    make_id,
    to_rows,
)
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.hash_chain import BEGINNING, CALL, digest_of_call, join
from cds_hooks.store.search import Archive, Wanted

YEARS = 3
CLIENTS = 100
TRUE = 1000
DAY = 86_400_000_000
#: As many calls share a commit under load.
TOGETHER = 4


def main() -> int:
    """Run the benchmark; exit 1 where an answer takes longer than a second."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--body-bytes", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return _run(Path(folder) / "crd.sqlite3", chosen)


def _run(path: Path, chosen: argparse.Namespace) -> int:
    chance = random.Random(chosen.seed)  # noqa: S311 (samples, not secrets)
    started = time.perf_counter()
    true = _build(path, chosen.rows, chosen.body_bytes, chance)
    size = path.stat().st_size / 1e9
    print(f"{chosen.rows:,} calls in {size:.1f} GB, made in {time.perf_counter() - started:.0f} s")
    url = f"sqlite:///{path}"
    archive = Archive(connect(url), connect(url, each_alone=True), RecordCipher())
    worst = 0.0
    for name, ask in _questions(archive, true, chance).items():
        _forget()
        times = [_time(ask) for _ in range(100)]
        worst = max(worst, *times)
        first, median, last = (seconds * 1e3 for seconds in (times[0], statistics.median(times), max(times)))
        print(f"{name:28} first {first:8.1f} ms   median {median:8.2f} ms   worst {last:8.1f} ms")
    command = [str(Path(sys.executable).parent / "crd"), "audit", "find", "--card", true[0].summary.cards[0].id]
    quiet: dict[str, Any] = {"env": {**os.environ, "CRD_DATABASE_URL": url}, "stdout": subprocess.DEVNULL}
    seconds = _time(lambda: subprocess.run(command, check=True, **quiet))
    print(f"{'the command, from its start':28} {seconds * 1e3:14.1f} ms")
    return 0 if _verify(url, chosen.rows) and worst < 1 else 1


def _verify(url: str, rows: int) -> bool:
    """Have the command compare all calls with their chain, and print how long it took; tell whether all of it fits."""
    command = [str(Path(sys.executable).parent / "crd"), "audit", "verify", "--json"]
    fits, usable = True, os.sched_getaffinity(0)
    for processors in (set(itertools.islice(usable, 1)), usable):
        _forget()
        os.sched_setaffinity(0, processors)
        started = time.perf_counter()
        ran = subprocess.run(command, env={**os.environ, "CRD_DATABASE_URL": url}, stdout=subprocess.PIPE, check=False)
        seconds = time.perf_counter() - started
        os.sched_setaffinity(0, usable)
        name = f"crd audit verify, {len(processors)} CPU"
        print(f"{name:28} {seconds:14.1f} s    {seconds / rows * 1e6:6.1f} µs a call")
        fits = fits and ran.returncode == 0
    return fits


def _questions(archive: Archive, true: list[CallRecord], chance: random.Random) -> dict[str, Callable[[], object]]:
    def about(**wanted: Callable[[CallRecord], Any]) -> Callable[[], object]:
        def ask() -> object:
            call = chance.choice(true)
            found = archive.find(Wanted(**{name: read(call) for name, read in wanted.items()}), 50)
            if call.id not in {one.id for one in found}:
                raise SystemExit(f"not found by {list(wanted)}")
            return found

        return ask

    def order(call: CallRecord) -> str:
        return call.summary.decisions[0].order

    def client(call: CallRecord) -> str:
        return call.client

    minutes = about(client=client, since=lambda call: call.at - 1000, until=lambda call: call.at + DAY // 288)
    return {
        "by assertion": about(assertion=lambda call: call.summary.decisions[0].assertion),
        "by card": about(card=lambda call: call.summary.cards[0].id),
        "by order": about(order=order),
        "by order and client": about(order=order, client=client),
        "by client, five minutes": minutes,
        "a client's last 50": lambda: archive.find(Wanted(client=chance.choice(true).client), 50),
        "one call with its bodies": lambda: archive.show(chance.choice(true).id, "bench", None),
    }


def _build(path: Path, rows: int, body_bytes: int, chance: random.Random) -> list[CallRecord]:
    prepare(f"sqlite:///{path}")
    store = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
        store.execute(f"PRAGMA {pragma}")
    store.execute("CREATE TEMP TABLE unsorted (digest BLOB, exchange BLOB)")
    true: list[CallRecord] = []
    store.execute("BEGIN")
    store.executemany(
        "INSERT INTO exchanges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _rows(rows, body_bytes, chance, true, store),
    )
    store.execute("INSERT INTO mentions SELECT digest, exchange FROM unsorted ORDER BY digest, exchange")
    _link(store)
    store.execute("COMMIT")
    store.close()
    return true


def _link(store: sqlite3.Connection) -> None:
    """Link all calls as one process would have, which committed so many together."""
    reading = store.cursor()
    calls = reading.execute("SELECT * FROM exchanges ORDER BY id")
    chain, previous, cipher = make_id(0), BEGINNING, RecordCipher()
    for number in itertools.count(1):
        rows = calls.fetchmany(TOGETHER)
        if not rows:
            return
        records = {CALL + row[0]: digest_of_call(row, cipher) for row in rows}
        link = join(chain, number, rows[-1][1] + 1000, [*records], [*records.values()], previous)
        previous = link.digest
        store.execute("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)", link)


def _rows(rows: int, body_bytes: int, chance: random.Random, true: list[CallRecord], store: Any) -> Iterator[Any]:
    """Yield the rows of the calls in the order of time; what they mention goes into another table."""
    now = time.time_ns() // 1000
    step = YEARS * 365 * DAY // rows
    summary, bodies = b"\x01" + os.urandom(319), b"\x01" + os.urandom(body_bytes)
    every = max(1, rows // TRUE)
    mentions = []
    for number in range(rows):
        at = now - (rows - number) * step
        client = f"client-{chance.randrange(CLIENTS)}"
        if number % every == 0:
            call = _call(number, at, client)
            true.append(call)
            made = to_rows([call], RecordCipher())
            mentions += [(row["digest"], row["exchange"]) for row in made["mentions"]]
            yield tuple(made["exchanges"][0].values())
        else:
            identity, digests = make_id(at), os.urandom(32)
            mentions += [(digests[:16], identity), (digests[16:], identity)]
            plain = (identity, at, client, "order-sign-crd", "order-sign", "2.0", 200, 900, "0123456789abcdef-1")
            yield (*plain, digests, summary, bodies)
        if len(mentions) > 50_000 or number == rows - 1:
            store.executemany("INSERT INTO unsorted VALUES (?, ?)", mentions)
            mentions.clear()


def _call(number: int, at: int, client: str) -> CallRecord:
    part = f"{os.urandom(4).hex()}-{os.urandom(2).hex()}"
    card, assertion = f"{part}-5000-8000-00000000000c", f"{part}-5000-8000-00000000000a"
    order, policy = f"ServiceRequest/{number}", PolicySummary("evicore-cmm-204@2023-05-31", "definitive", "code M0076")
    decision = DecisionSummary(
        order, "not-covered", "a policy in force", "p", "2026-11-23", "Coverage/1", assertion, (policy,)
    )
    summary = Summary("hook", (decision,), (CardSummary(card, (order,), (policy.version,)),))
    return CallRecord(
        id=make_id(at),
        at=at,
        client=client,
        service="order-sign-crd",
        hook="order-sign",
        version="2.0",
        status=200,
        duration=900,
        request_id="0123456789abcdef-1",
        summary=summary,
        bodies=Bodies(b"{}", b"{}"),
    )


def _forget() -> None:
    """Drop what the system has in memory of files, where it may: the first question is one of a cold start."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        print("(files stay in memory: dropping them takes root)")


def _time(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
