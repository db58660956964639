"""A database server is lost for good, and its standby takes over: no answer is lost with it (CRD-76)."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from tests.databases.servers import BASEBACKUP, NO_POSTGRESQL, PostgreSQL
from tests.survival.load import Load
from tests.survival.test_killed import kept_answers

pytestmark = pytest.mark.skipif(
    bool(NO_POSTGRESQL) or not BASEBACKUP, reason=f"NO FAILOVER IS TESTED: {NO_POSTGRESQL or 'no pg_basebackup'}"
)

_KILL: Final = 9


@pytest.fixture(name="pair")
def _pair() -> Iterator[tuple[PostgreSQL, PostgreSQL]]:
    """A primary that commits only what its standby has on disk as well, and the standby."""
    import psycopg

    with ExitStack() as stack:  # not in pytest's folder, which another user may not enter
        folders = [Path(stack.enter_context(TemporaryDirectory(prefix="crd-postgresql-"))) for _ in range(2)]
        primary = PostgreSQL(folders[0])
        stack.callback(primary.stop, _KILL)
        primary.new_database()  # it serves now
        standby = PostgreSQL(folders[1], primary)
        stack.callback(standby.stop, _KILL)
        with psycopg.connect(_plain(primary), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            admin.execute("SELECT pg_reload_conf()")
            _wait_for(admin, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
        yield primary, standby


def _plain(server: PostgreSQL) -> str:
    return f"postgresql://crd@127.0.0.1:{server.port}/postgres"


def _wait_for(admin: Any, query: str) -> None:
    ends = time.monotonic() + 60
    while not admin.execute(query).fetchone()[0]:
        assert time.monotonic() < ends, query
        time.sleep(0.05)


def test_a_standby_takes_over_and_has_every_answer(start_service: Any, pair: tuple[PostgreSQL, PostgreSQL]) -> None:
    """Two services that know both servers (docs/operate.md, "A database that fails over"), under load (CRD-76)."""
    import psycopg

    primary, standby = pair
    url = primary.new_database()
    hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in pair)
    database = url.rsplit("/", 1)[1]
    both = f"postgresql+psycopg://crd@/{database}?{hosts}&target_session_attrs=read-write"
    one = start_service(CRD_DATABASE_URL=both, CRD_LOG_LEVEL="warning")
    other = start_service(CRD_DATABASE_URL=both, CRD_LOG_LEVEL="warning")
    with Load(one.base, callers=3) as load, Load(other.base, callers=3, name="other") as more:
        load.wait_for(20)
        more.wait_for(20)
        primary.stop(_KILL)
        ends = time.monotonic() + 60
        while 503 not in load.statuses:
            assert time.monotonic() < ends
            time.sleep(0.05)
        with psycopg.connect(_plain(standby), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("SELECT pg_promote()")
            _wait_for(admin, "SELECT NOT pg_is_in_recovery()")
        load.wait_for(20)
        more.wait_for(20)
    assert set(load.statuses) | set(more.statuses) == {200, 503}
    kept = kept_answers(url.replace(str(primary.port), str(standby.port)))
    assert set(load.answers) | set(more.answers) <= kept
