"""A token is used once, whichever thread, process or restart it comes to (docs/clients.md, step 8)."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cds_hooks.auth.replay_guard import GRACE, ReplayGuard, ReplayStoreError
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_795_435_200.0
ISSUER = "https://ehr.example.org"


class Clock:
    """A clock that tests set: it runs on, or jumps, which the monotonic one does not."""

    def __init__(self) -> None:
        self.time = NOW
        self.steady = 1000.0

    def __call__(self) -> float:
        return self.time

    def run(self, seconds: float) -> None:
        """Let time go by."""
        self.time += seconds
        self.steady += seconds


def store(folder: Path) -> str:
    return f"sqlite:///{folder}/replay.db"


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="guard")
def _guard(tmp_path: Path, clock: Clock) -> Iterator[ReplayGuard]:
    guard = ReplayGuard(store(tmp_path), now=clock, steady=lambda: clock.steady)
    yield guard
    guard.close()


def rows(folder: Path) -> list[tuple[bytes, float]]:
    with sqlite3.connect(folder / "replay.db") as connection:
        found = connection.execute("SELECT digest, until FROM used_tokens").fetchall()
    connection.close()
    return found


def worker(url: str, count: int, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "tests/auth/replay_worker.py"), url, str(count), str(seed), str(NOW)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out.split()


def test_a_token_is_new_once(guard: ReplayGuard) -> None:
    assert guard.first_use(ISSUER, "j1", NOW + 300)
    assert not guard.first_use(ISSUER, "j1", NOW + 300)


def test_two_issuers_may_use_the_same_id(guard: ReplayGuard) -> None:
    """And no two pairs run into each other."""
    pairs = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("1:a", "b"), ("1", ":ab")]
    assert all(guard.first_use(issuer, jti, NOW + 300) for issuer, jti in pairs)


@pytest.mark.parametrize("jti", ["", "x" * 1_000_000, "\x00", "\ud800", "zażółć", "' OR 1=1 --"])
def test_any_text_is_an_id(guard: ReplayGuard, tmp_path: Path, jti: str) -> None:
    """And is not stored: the table has digests of 32 bytes."""
    assert guard.first_use(ISSUER, jti, NOW + 300)
    assert not guard.first_use(ISSUER, jti, NOW + 300)
    assert [len(digest) for digest, _ in rows(tmp_path)] == [32]


def test_an_id_may_be_used_anew_once_it_has_expired(guard: ReplayGuard, clock: Clock) -> None:
    assert guard.first_use(ISSUER, "j1", NOW + 300)
    clock.time = NOW + 300
    assert not guard.first_use(ISSUER, "j1", NOW + 900)
    clock.time = NOW + 300.5
    assert guard.first_use(ISSUER, "j1", NOW + 900)
    assert not guard.first_use(ISSUER, "j1", NOW + 900)


def test_expired_tokens_are_forgotten_after_a_while(guard: ReplayGuard, clock: Clock, tmp_path: Path) -> None:
    guard.first_use(ISSUER, "old", NOW + 300)
    clock.run(300 + GRACE + 1)
    guard.first_use(ISSUER, "new", clock.time + 300)

    assert [until for _, until in rows(tmp_path)] == [clock.time + 300]


def test_a_clock_that_jumps_ahead_for_a_while_forgets_nothing(guard: ReplayGuard, clock: Clock, tmp_path: Path) -> None:
    guard.first_use(ISSUER, "j1", NOW + 3000)
    clock.time = NOW + 6000
    ReplayGuard(store(tmp_path), now=clock).first_use(ISSUER, "other", NOW + 6300)
    clock.time = NOW

    assert not guard.first_use(ISSUER, "j1", NOW + 3000)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("years", [1, -1])
def test_only_a_clock_that_has_run_evenly_for_an_hour_makes_it_forget(
    guard: ReplayGuard, clock: Clock, tmp_path: Path, restarts: bool, years: int
) -> None:
    """To another year and back: nothing of before is forgotten there, whether or not the service restarts."""
    guard.first_use(ISSUER, "before", NOW + 300)
    clock.run(2 * GRACE)
    guard.first_use(ISSUER, "j1", clock.time + 3000)
    assert len(rows(tmp_path)) == 1  # so it does forget

    clock.time += years * 365 * 86400
    there = ReplayGuard(store(tmp_path), now=clock, steady=lambda: clock.steady) if restarts else guard
    for number in range(9):
        there.first_use(ISSUER, f"there-{number}", clock.time + 300)
        clock.run(300)
    clock.time -= years * 365 * 86400

    assert not there.first_use(ISSUER, "j1", clock.time + 3000)
    there.close()


def test_it_is_remembered_over_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = ReplayGuard(store(tmp_path), now=clock)
    assert first.first_use(ISSUER, "j1", NOW + 300)
    first.close()

    assert not ReplayGuard(store(tmp_path), now=clock).first_use(ISSUER, "j1", NOW + 300)


def test_of_many_threads_one_is_first(guard: ReplayGuard) -> None:
    with ThreadPoolExecutor(16) as threads:
        jobs = [threads.submit(guard.first_use, ISSUER, f"j{n % 50}", NOW + 300) for n in range(800)]

    assert sum(job.result() for job in jobs) == 50


def test_of_many_processes_one_is_first(tmp_path: Path) -> None:
    """They start at once on a store that is not there yet, and use the same tokens in orders of their own."""
    workers = [worker(store(tmp_path), 400, seed) for seed in range(3)]
    accepted = [token for process in workers for token in finish(process)]

    assert len(accepted) == len(set(accepted)) == 400


def test_a_killed_process_leaves_a_store_that_others_go_on_with(tmp_path: Path) -> None:
    """kill -9 in the middle: nothing it accepted is accepted again, and the file is whole."""
    victim = worker(store(tmp_path), 50_000, 1)
    before = [victim.stdout.readline().strip() for _ in range(100)]
    survivor = worker(store(tmp_path), 2000, 2)
    first = survivor.stdout.readline().strip()
    victim.kill()
    before += [first, *(line.strip() for line in victim.stdout if line.endswith("\n"))]
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL  # it was in the middle
    accepted = before + finish(survivor)

    assert len(accepted) == len(set(accepted))
    again = ReplayGuard(store(tmp_path), now=lambda: NOW)
    assert not any(again.first_use(ISSUER, token, NOW + 300) for token in accepted)
    again.close()
    with sqlite3.connect(tmp_path / "replay.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_guard_that_was_only_made_has_nothing_open(tmp_path: Path) -> None:
    """The server process makes one to check its settings, and forks; SQLite must not be carried over a fork."""
    guard = ReplayGuard(store(tmp_path))
    opened = [os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if os.path.lexists(entry.path)]
    assert not [path for path in opened if path.startswith(str(tmp_path))]
    assert guard.first_use(ISSUER, "j1", NOW + 300)
    guard.close()


def test_a_store_that_cannot_be_made_says_so_without_its_url(tmp_path: Path) -> None:
    with pytest.raises(ReplayStoreError, match=r"^No such file or directory$"):
        ReplayGuard(f"sqlite:///{tmp_path}/no-such-folder/replay.db")


def test_a_store_that_fails_later_says_so(guard: ReplayGuard, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "replay.db") as connection:
        connection.execute("DROP TABLE used_tokens")
    connection.close()

    with pytest.raises(ReplayStoreError):
        guard.first_use(ISSUER, "j1", NOW + 300)


def test_a_store_locked_by_another_process_is_waited_for_and_then_given_up(tmp_path: Path, guard: ReplayGuard) -> None:
    lock = sqlite3.connect(tmp_path / "replay.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(ReplayStoreError):
        guard.first_use(ISSUER, "j1", NOW + 300)
    lock.execute("COMMIT")
    lock.close()

    assert guard.first_use(ISSUER, "j1", NOW + 300)


def test_postgresql_does_as_well(postgresql: PostgreSQL) -> None:
    store = postgresql.new_database()
    workers = [worker(store, 300, seed) for seed in range(4)]
    accepted = [token for process in workers for token in finish(process)]

    assert len(accepted) == len(set(accepted)) == 300
    guard = ReplayGuard(store, now=lambda: NOW + 301)
    assert [guard.first_use(ISSUER, "token-1", NOW + 900) for _ in range(2)] == [True, False]
    guard.close()


def test_postgresql_that_has_closed_its_connections_is_asked_on_a_new_one(postgresql: PostgreSQL) -> None:
    """As a restart does: a token is neither refused for it nor let in twice."""
    import psycopg

    store = postgresql.new_database()
    guard = ReplayGuard(store, now=lambda: NOW)
    assert [guard.first_use(ISSUER, f"j{n}", NOW + 300) for n in range(9)] == [True] * 9
    with psycopg.connect(store.replace("+psycopg", ""), autocommit=True) as admin:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        assert len(admin.execute(f"{others} AND pid <> pg_backend_pid()").fetchall()) > 1

    assert [guard.first_use(ISSUER, f"j{n}", NOW + 300) for n in range(7, 16)] == [False] * 2 + [True] * 7
    guard.close()
