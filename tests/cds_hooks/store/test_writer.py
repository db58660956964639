"""When a write returns, it is committed; calls that come together share a commit, and none pays for another's fault."""

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from cds_hooks.store.backlog import Backlog
from cds_hooks.store.calls import CallRecord
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import EXCHANGES
from cds_hooks.store.writer import Writer
from cds_hooks.telemetry.logs import flush
from tests.cds_hooks.store.samples import exchange
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

ROOT = Path(__file__).resolve().parents[3]


class Commits:
    """Counts commits and how many records each wrote."""

    def __init__(self) -> None:
        self.records: list[int] = []

    def __call__(self, _: float, records: int) -> None:
        self.records.append(records)


def new_store(folder: Path) -> str:
    store = f"sqlite:///{folder}/crd.sqlite3"
    prepare(store)
    return store


def kept(store: str) -> set[bytes]:
    engine = connect(store, each_alone=True)
    with engine.connect() as connection:
        found = set(connection.execute(sa.select(EXCHANGES.c.id)).scalars())
    engine.dispose()
    return found


def test_a_write_that_returned_is_there_for_other_processes(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    writer = Writer(connect(store), RecordCipher())
    one = exchange()
    writer.write(one)
    with sqlite3.connect(tmp_path / "crd.sqlite3") as other:
        assert other.execute("SELECT id, status FROM exchanges").fetchall() == [(one.id, 200)]
        assert other.execute("SELECT count(*) FROM mentions").fetchone() == (2,)
    other.close()
    writer.close()


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_calls_that_come_together_share_commits_and_all_are_kept(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if where == "sqlite":
        store = new_store(tmp_path)
    else:
        store = request.getfixturevalue("postgresql").new_database()
        prepare(store)
    commits = Commits()
    writer = Writer(connect(store), RecordCipher(), commits)
    calls = [exchange(number) for number in range(200)]

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(writer.write, calls))
    assert kept(store) == {call.id for call in calls}
    assert sum(commits.records) == 200
    assert len(commits.records) < 150
    assert writer.waiting == 0
    writer.close()


def test_a_caller_that_is_alone_does_not_wait_for_others(tmp_path: Path) -> None:
    writer = Writer(connect(new_store(tmp_path)), RecordCipher())
    started = time.perf_counter()
    writer.write(exchange())
    assert time.perf_counter() - started < 2
    writer.close()


def test_what_the_database_refuses_costs_the_others_nothing(postgresql: PostgreSQL) -> None:
    """PostgreSQL refuses a name that is too long; the calls that were to be committed with it are kept."""
    store = postgresql.new_database()
    prepare(store)
    commits = Commits()
    writer = Writer(connect(store), RecordCipher(), commits)
    calls = [exchange(number) for number in range(20)]
    calls[7] = exchange(7, client="x" * 500)
    failed = []

    def keep(call: CallRecord) -> None:
        try:
            writer.write(call)
        except StoreError:
            failed.append(call.id)

    with (engine := connect(store)).connect() as lock, ThreadPoolExecutor(20) as threads:
        lock.execute(sa.text("LOCK TABLE exchanges"))  # while one commit waits for it, the others come together
        for call in calls:
            threads.submit(keep, call)
        while writer.waiting < 19:
            time.sleep(0.01)
        lock.commit()
    engine.dispose()
    assert failed == [calls[7].id]
    assert kept(store) == {call.id for call in calls} - {calls[7].id}
    assert sum(commits.records) == 19
    writer.close()


def test_nothing_is_taken_for_written_when_something_unforeseen_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(connect(new_store(tmp_path)), RecordCipher())

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("cds_hooks.store.writer.to_rows", fail)
        with pytest.raises(MemoryError):
            writer.write(exchange())
    writer.write(exchange())
    writer.close()


def test_a_store_that_is_locked_for_long_says_so_and_then_works_again(tmp_path: Path) -> None:
    writer = Writer(connect(new_store(tmp_path), patience=0.3), RecordCipher())
    other = sqlite3.connect(tmp_path / "crd.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="SQLITE_BUSY"):
        writer.write(exchange(1))
    other.execute("COMMIT")
    other.close()
    writer.write(exchange(2))
    writer.close()


def test_a_full_database_says_so_and_takes_up_again_when_there_is_room(tmp_path: Path) -> None:
    engine = connect(new_store(tmp_path))
    pages = 40

    @sa.event.listens_for(engine, "connect")
    def _limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    writer = Writer(engine, RecordCipher())
    written = 0
    with pytest.raises(StoreError, match="SQLITE_FULL"):  # noqa: PT012 (until it is full)
        for number in range(2000):
            writer.write(exchange(number))
            written += 1
    pages = 100_000
    writer.write(exchange(5000))
    assert len(kept(f"sqlite:///{tmp_path}/crd.sqlite3")) == written + 1
    writer.close()


def test_postgresql_that_restarts_is_waited_for(postgresql: PostgreSQL) -> None:
    store = postgresql.new_database()
    prepare(store)
    writer = Writer(connect(store), RecordCipher())
    writer.write(exchange(1))
    postgresql.stop()
    threading.Timer(0.3, postgresql.start).start()
    deadline = time.monotonic() + 20
    while True:
        try:
            writer.write(exchange(2))
            break
        except StoreError:
            assert time.monotonic() < deadline
    assert len(kept(store)) == 2
    writer.close()


def test_a_commit_that_is_repeated_writes_its_rows_once(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    writer = Writer(connect(store), RecordCipher())
    one = exchange()
    writer.write(one)
    writer.write(one)
    assert kept(store) == {one.id}
    writer.close()


def test_a_queue_is_written_before_its_process_ends(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    code = "\n".join(
        (
            "from cds_hooks.store.database import connect",
            "from cds_hooks.store.encryption import RecordCipher",
            "from cds_hooks.store.backlog import Backlog",
            "from cds_hooks.store.writer import Writer",
            "from tests.cds_hooks.store.samples import exchange",
            f"writer = Backlog(Writer(connect({store!r}), RecordCipher()))",
            "for number in range(50): writer.write(exchange(number))",
        )
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
    assert len(kept(store)) == 50


def test_a_queue_that_is_full_takes_nothing_more(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    writer = Backlog(Writer(connect(new_store(tmp_path), patience=0.1), RecordCipher()), most_waiting=3)
    other = sqlite3.connect(tmp_path / "crd.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    taken = []
    with pytest.raises(StoreError, match="queue-full"):  # noqa: PT012 (until it is full)
        for number in range(10):
            writer.write(exchange(number))
            taken.append(number)
    assert 3 <= len(taken) <= 6  # those of the commit that fails, and three that wait
    fault = writer.fault()
    assert fault is not None
    assert str(fault) == "SQLITE_BUSY"
    other.execute("COMMIT")
    other.close()
    writer.write(exchange(10))
    writer.close()
    assert len(kept(f"sqlite:///{tmp_path}/crd.sqlite3")) == len(taken) + 1
    flush()
    assert "not-recorded-yet" in capfd.readouterr().err


def test_a_record_that_is_refused_does_not_hold_up_the_queue(
    postgresql: PostgreSQL, capfd: pytest.CaptureFixture[str]
) -> None:
    store = postgresql.new_database()
    prepare(store)
    writer = Backlog(Writer(connect(store), RecordCipher()))
    for number in range(10):
        writer.write(exchange(number, client="x" * 500 if number == 4 else "north"))
    writer.close()
    assert len(kept(store)) == 9
    flush()
    assert "records-lost" in capfd.readouterr().err


def test_a_process_that_is_forked_writes_by_a_thread_of_its_own(tmp_path: Path) -> None:
    """Servers fork their workers when the writer is made."""
    store = new_store(tmp_path)
    code = "\n".join(
        (
            "import os",
            "from cds_hooks.store.database import connect",
            "from cds_hooks.store.encryption import RecordCipher",
            "from cds_hooks.store.writer import Writer",
            "from tests.cds_hooks.store.samples import exchange",
            f"writer = Writer(connect({store!r}), RecordCipher())",
            "child = os.fork()",
            "writer.write(exchange(1 if child else 2))",
            "if child: os.waitpid(child, 0)",
        )
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
    assert len(kept(store)) == 2


def test_a_writer_that_was_closed_opens_again(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    others = set(threading.enumerate())  # other tests' threads may still be on their way out
    writer = Writer(connect(store), RecordCipher())
    for number in range(2):
        writer.write(exchange(number))
        writer.close()
    writer.close()
    assert len(kept(store)) == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "store" and thread not in others]


def test_the_store_is_checked_without_anything_to_write(tmp_path: Path) -> None:
    """Whoever asks does not wait, and nothing is changed by asking."""
    store = new_store(tmp_path)
    writer = Writer(connect(store, patience=0.1), RecordCipher())
    with sqlite3.connect(tmp_path / "crd.sqlite3", isolation_level=None) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        assert writer.fault() is None
        writer.close()
        assert other.execute("PRAGMA data_version").fetchone() == before
    other.close()
    (tmp_path / "crd.sqlite3").unlink()
    writer = Writer(connect(store, patience=0.1), RecordCipher())
    assert writer.fault() is None
    writer.close()
    assert str(writer.fault()) == "SQLITE_ERROR"


def test_what_is_written_while_the_writer_closes_is_written_too(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    writer = Writer(connect(store), RecordCipher())
    with ThreadPoolExecutor(8) as threads:
        written = [threads.submit(writer.write, exchange(number)) for number in range(200)]
        while not all(one.done() for one in written):
            writer.close()
    assert [one.exception() for one in written] == [None] * 200
    assert len(kept(store)) == 200
    writer.close()
