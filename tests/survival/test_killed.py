"""No answer without its record, whatever happens to the service or its store (CRD-76, found-11)."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cds_hooks.store.reading import calls, store_of
from tests.conftest import ROOT
from tests.databases.servers import PostgreSQL
from tests.forked_process import run_crd
from tests.survival.load import Load

pytest_plugins = ["tests.databases.fixtures"]


def workers_of(service: Any) -> list[int]:
    """Return the process ids of a service's workers."""
    path = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    found = [int(pid) for pid in path.read_text().split()]
    return [pid for pid in found if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


def kept_answers(url: str) -> set[str]:
    """Return the hookInstance of each call that is kept with its answer."""
    return {call.summary.hook_instance for call in calls(url) if call.status == 200}


def check_file(service: Any) -> None:
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3")
    assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")


@needs_proc
def test_a_killed_worker_loses_no_answer_and_is_replaced(start_service: Any) -> None:
    """kill -9 of one of two workers under load."""
    service = start_service(CRD_WORKERS="2", CRD_LOG_LEVEL="warning")
    with Load(service.base) as load:
        load.wait_for(60)
        before = workers_of(service)
        os.kill(before[0], signal.SIGKILL)
        killed = time.monotonic()
        load.wait_for(60)
        while len(workers_of(service)) < 2 or before[0] in workers_of(service):
            assert time.monotonic() < killed + 60
            time.sleep(0.05)
        load.wait_for(60)
    assert set(load.answers) <= kept_answers(store_of(service))
    assert set(load.statuses) == {200}
    assert load.longest_gap() < 10
    check_file(service)


@needs_proc
def test_a_killed_service_loses_no_answer_and_goes_on_when_it_is_started_again(start_service: Any) -> None:
    """kill -9 of the whole service under load, then a start with the same store."""
    first = start_service(CRD_WORKERS="2", CRD_LOG_LEVEL="warning")
    with Load(first.base) as load:
        load.wait_for(100)
        pids = [first.process.pid, *workers_of(first)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        first.process.wait()
    again = start_service(CRD_WORKERS="2", CRD_LOG_LEVEL="warning", CRD_DATABASE_URL=store_of(first))
    with Load(again.base, name="again") as more:
        more.wait_for(20)
    assert set(load.answers) | set(more.answers) <= kept_answers(store_of(first))
    check_file(first)


def test_a_store_that_fails_for_a_while_costs_answers_but_no_records(start_service: Any) -> None:
    """A database that cannot be written: 503, and all is well when it can be again."""
    service = start_service(CRD_LOG_LEVEL="warning")
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3", isolation_level=None)
    with Load(service.base) as load:
        load.wait_for(20)
        store.execute("BEGIN IMMEDIATE")
        ends = time.monotonic() + 60
        while 503 not in load.statuses:
            assert time.monotonic() < ends
            time.sleep(0.1)
        store.execute("COMMIT")
        load.wait_for(20)
    store.close()
    assert set(load.statuses) == {200, 503}
    assert load.slowest < 10
    assert set(load.answers) <= kept_answers(store_of(service))


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs to mount a small file system, as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_costs_answers_but_no_records(start_service: Any, small_disk: Path) -> None:
    service = start_service(CRD_DATABASE_URL=f"sqlite:///{small_disk}/crd.sqlite3", CRD_LOG_LEVEL="warning")
    with Load(service.base, callers=2) as load:
        load.wait_for(10)
        _fill(small_disk / "filler")
        ends = time.monotonic() + 60
        while 503 not in load.statuses:
            assert time.monotonic() < ends
            time.sleep(0.05)
        (small_disk / "filler").unlink()
        load.wait_for(10)
    assert set(load.statuses) == {200, 503}
    assert set(load.answers) <= kept_answers(f"sqlite:///{small_disk}/crd.sqlite3")
    assert service.logs("SQLITE_FULL", "SQLITE_IOERR")


def _fill(file: Path) -> None:
    """Write until there is no room for another byte."""
    with file.open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)


def test_a_disk_that_is_read_only_stops_the_start_with_one_clear_line(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "CRD_DATABASE_URL": f"sqlite:///{small_disk}/c.sqlite3"}
    ended = run_crd("serve", "--port", "1", environment=environment)
    assert ended.returncode == 2
    assert ended.stderr == "crd: CRD_DATABASE_URL: the store cannot be opened (Read-only file system)\n"


def test_postgresql_that_is_read_only_for_a_while(start_service: Any, postgresql: PostgreSQL) -> None:
    """A failover leaves a server read-only for a moment."""
    import psycopg

    url = postgresql.new_database()
    plain = url.replace("+psycopg", "")
    service = start_service(CRD_DATABASE_URL=url, CRD_LOG_LEVEL="warning")
    with psycopg.connect(plain, autocommit=True) as admin, Load(service.base, callers=3) as load:
        load.wait_for(10)
        admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        admin.execute("SELECT pg_reload_conf()")
        ends = time.monotonic() + 60
        while 503 not in load.statuses:
            assert time.monotonic() < ends
            time.sleep(0.1)
        admin.execute("SET default_transaction_read_only = off")
        admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
        admin.execute("SELECT pg_reload_conf()")
        load.wait_for(10)
    assert set(load.statuses) == {200, 503}
    assert set(load.answers) <= kept_answers(url)


def test_postgresql_restarted_under_load(start_service: Any, postgresql: PostgreSQL) -> None:
    """Two workers; every answer has its record, and answers come again at once."""
    url = postgresql.new_database()
    service = start_service(CRD_DATABASE_URL=url, CRD_WORKERS="2", CRD_LOG_LEVEL="warning")
    with Load(service.base) as load:
        load.wait_for(40)
        postgresql.stop()
        postgresql.start()
        load.wait_for(40)
    assert set(load.statuses) <= {200, 503}
    assert set(load.answers) <= kept_answers(url)


def test_two_versions_side_by_side(start_service: Any) -> None:
    """A rolling restart: the newer version has changed the store already, the older one goes on, and starts again."""
    old = start_service(CRD_LOG_LEVEL="warning")
    url = store_of(old)
    with Load(old.base, callers=3) as load:
        load.wait_for(20)
        store = sqlite3.connect(Path(old.log).parent / "crd.sqlite3", isolation_level=None, timeout=60)
        store.execute("BEGIN IMMEDIATE")
        store.execute("ALTER TABLE exchanges ADD COLUMN of_tomorrow TEXT")
        store.execute("UPDATE alembic_version SET version_num = '9999'")
        store.execute("COMMIT")
        store.close()
        load.wait_for(20)
        another = start_service(CRD_DATABASE_URL=url, CRD_LOG_LEVEL="warning")
        with Load(another.base, callers=3, name="another") as more:
            more.wait_for(20)
            load.wait_for(20)
    assert set(load.statuses) | set(more.statuses) == {200}
    assert set(load.answers) | set(more.answers) <= kept_answers(url)


def test_a_service_told_to_stop_answers_those_who_are_in(start_service: Any) -> None:
    service = start_service(CRD_LOG_LEVEL="warning")
    with Load(service.base) as load:
        load.wait_for(30)
        assert service.stop() == 0
    assert set(load.statuses) == {200}
    assert set(load.answers) <= kept_answers(store_of(service))
    assert not [line for line in Path(service.log).read_text().splitlines() if json.loads(line)["level"] == "error"]
