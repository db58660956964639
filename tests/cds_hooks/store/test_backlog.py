"""What is queued is written behind those who have it: tried again while the store fails, and before the process ends."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cds_hooks.store.backlog import Backlog
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.writer import Writer
from cds_hooks.telemetry.logs import flush
from tests.cds_hooks.store.reading import kept, new_store
from tests.cds_hooks.store.samples import exchange
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

ROOT = Path(__file__).resolve().parents[3]


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


def test_a_queue_that_was_closed_opens_again(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    others = set(threading.enumerate())  # other tests' threads may still be on their way out
    queued = Backlog(Writer(connect(store), RecordCipher()))
    for number in range(2):
        queued.write(exchange(number))
        queued.close()
    queued.close()
    assert len(kept(store)) == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "store" and thread not in others]


def test_what_is_queued_while_the_queue_closes_is_written_too(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    queued = Backlog(Writer(connect(store), RecordCipher()))
    with ThreadPoolExecutor(8) as threads:
        written = [threads.submit(queued.write, exchange(number)) for number in range(200)]
        while not all(one.done() for one in written):
            queued.close()
    queued.close()
    assert len(kept(store)) == 200
