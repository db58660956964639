"""When a write returns, it is committed; calls that come together share a commit, and none pays for another's fault."""

import errno
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from cds_hooks.store import write_ahead_log
from cds_hooks.store.calls import CallRecord
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.reading import kept, new_store
from tests.cds_hooks.store.samples import exchange
from tests.databases.servers import PostgreSQL
from tests.waiting import wait_until

pytest_plugins = ["tests.databases.fixtures"]

ROOT = Path(__file__).resolve().parents[3]


class Commits:
    """Counts commits and how many records each wrote."""

    def __init__(self) -> None:
        self.records: list[int] = []

    def __call__(self, _: float, records: int) -> None:
        self.records.append(records)


def test_a_write_that_returned_is_there_for_other_processes(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    writer = Writer(connect(store), RecordCipher())
    one = exchange()
    writer.write(one)
    with sqlite3.connect(tmp_path / "crd.sqlite3") as other:
        assert other.execute("SELECT id, status FROM exchanges").fetchall() == [(one.id, 200)]
        assert other.execute("SELECT count(*) FROM mentions").fetchone() == (3,)
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
    assert time.perf_counter() - started < 10
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
    blocked = "SELECT count(*) FROM pg_locks WHERE relation = 'exchanges'::regclass AND NOT granted"

    def keep(call: CallRecord) -> None:
        try:
            writer.write(call)
        except StoreError:
            failed.append(call.id)

    with (engine := connect(store)).connect() as lock, ThreadPoolExecutor(20) as threads:
        lock.execute(sa.text("LOCK TABLE exchanges"))  # while one commit waits for it, the others come together
        threads.submit(keep, calls[0])
        wait_until(lambda: lock.exec_driver_sql(blocked).scalar())
        for call in calls[1:]:
            threads.submit(keep, call)
        wait_until(lambda: writer.waiting == 19)
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
    deadline = time.monotonic() + 60
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


def test_a_process_that_is_forked_writes_by_a_connection_of_its_own(tmp_path: Path) -> None:
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
    writer = Writer(connect(store), RecordCipher())
    for number in range(2):
        writer.write(exchange(number))
        writer.close()
    writer.close()
    assert len(kept(store)) == 2


def test_the_store_is_checked_without_anything_to_write(tmp_path: Path) -> None:
    """Whoever asks does not wait, and nothing is changed by asking."""
    store = new_store(tmp_path)
    writer = Writer(connect(store, patience=0.1), RecordCipher())
    with sqlite3.connect(tmp_path / "crd.sqlite3", isolation_level=None) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        assert writer.fault() is None
        await_check()
        writer.close()
        assert other.execute("PRAGMA data_version").fetchone() == before
    other.close()
    (tmp_path / "crd.sqlite3").unlink()
    writer = Writer(connect(store, patience=0.1), RecordCipher())
    assert writer.fault() is None
    await_check()
    writer.close()
    assert str(writer.fault()) == "SQLITE_ERROR"


def await_check() -> None:
    """Wait until the check that was begun has ended."""
    for thread in threading.enumerate():
        if thread.name == "store":
            thread.join(60)


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


class SlowDisk:
    """A disk whose flushes take until they are told to end; how many came is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flushes = threading.Semaphore(0)
        self.may_end = threading.Event()
        self._real = write_ahead_log.flush
        monkeypatch.setattr(write_ahead_log, "flush", self._flush)

    def _flush(self, file: int) -> None:
        self.flushes.release()
        assert self.may_end.wait(60)
        self._real(file)


def test_a_write_returns_when_the_disk_has_it_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SlowDisk(monkeypatch)
    writer = Writer(connect(new_store(tmp_path)), RecordCipher())
    with ThreadPoolExecutor(1) as thread:
        written = thread.submit(writer.write, exchange())
        assert disk.flushes.acquire(timeout=60)
        assert not written.done()
        disk.may_end.set()
        written.result(60)
    writer.close()


def test_a_slow_flush_holds_up_no_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It flushes without the lock of the database: others commit meanwhile."""
    store = new_store(tmp_path)
    disk = SlowDisk(monkeypatch)
    writer = Writer(connect(store), RecordCipher())
    other = Writer(connect(store, durable=False), RecordCipher())  # as another process that need not flush
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(writer.write, exchange(1))
        assert disk.flushes.acquire(timeout=60)
        other.write(exchange(2))
        assert not slow.done()
        disk.may_end.set()
        slow.result(60)
    assert len(kept(store)) == 2
    writer.close()
    other.close()


def test_those_who_come_during_a_flush_share_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    disk = SlowDisk(monkeypatch)
    commits = Commits()
    writer = Writer(connect(store), RecordCipher(), commits)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(writer.write, exchange(0))
        assert disk.flushes.acquire(timeout=60)
        others = [threads.submit(writer.write, exchange(number)) for number in range(1, 9)]
        wait_until(lambda: writer.waiting == 8)
        disk.may_end.set()
        for one in (first, *others):
            one.result(60)
    assert commits.records == [1, 8]
    assert len(kept(store)) == 9
    writer.close()


def test_a_flush_that_fails_is_an_error_and_the_next_write_does_not_rest_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the log holds may never reach the disk then: it is begun anew before anything else is committed."""
    log = tmp_path / "crd.sqlite3-wal"
    other = Writer(connect(new_store(tmp_path), durable=False), RecordCipher())  # so that the log stays
    other.write(exchange(0))
    writer = Writer(connect(f"sqlite:///{tmp_path}/crd.sqlite3"), RecordCipher())
    writer.write(exchange(1))

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(write_ahead_log, "flush", fail)
        with pytest.raises(StoreError, match="EIO"):
            writer.write(exchange(2))
        doubtful = log.read_bytes()
    writer.write(exchange(3))
    assert log.stat().st_size < len(doubtful)
    assert log.read_bytes()[:32] != doubtful[:32]  # its header has another salt
    writer.close()
    other.close()


def test_two_processes_that_write_as_fast_as_they_can_both_get_their_turn(tmp_path: Path) -> None:
    """Neither waits for SQLite's lock for longer than a busy machine explains."""
    store = new_store(tmp_path)
    code = "\n".join(
        (
            "import time",
            "from cds_hooks.store.database import connect",
            "from cds_hooks.store.encryption import RecordCipher",
            "from cds_hooks.store.writer import Writer",
            "from tests.cds_hooks.store.samples import exchange",
            f"writer = Writer(connect({store!r}), RecordCipher())",
            "writer.write(exchange(0)); print(flush=True); input()",
            "for number in range(400): writer.write(exchange(number))",
        )
    )
    command = [sys.executable, "-c", code]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    for process in both:
        process.communicate("\n", timeout=120)
    assert [process.returncode for process in both] == [0, 0]
    assert len(kept(store)) == 802
