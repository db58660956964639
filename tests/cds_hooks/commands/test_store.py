"""`crd store`: the tables are made and changed as a step of their own, and services may be kept from doing it."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from cds_hooks.app import check_start
from cds_hooks.commands.main import main
from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings
from cds_hooks.store.database import NEWEST, OLDER, connect
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]


@pytest.fixture(name="url")
def _url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/crd.sqlite3"
    monkeypatch.setenv("CRD_DATABASE_URL", url)
    return url


def run(*arguments: str, status: int = 0) -> Result:
    ended = CliRunner().invoke(main, ["store", *arguments])
    assert ended.exit_code == status, ended.output
    return ended


def make_older(url: str) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :older"), {"older": OLDER[-1]})
    engine.dispose()


def test_migrate_makes_the_tables_and_finds_nothing_to_do_then(url: str) -> None:
    assert "no file" in run("check", status=2).stderr
    for _ in range(2):
        assert run("migrate").stdout == f"the store is as of {NEWEST}\n"
    assert run("check").stdout == f"the store is as of {NEWEST}\n"
    assert Path(url.removeprefix("sqlite:///")).stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("url")
def test_a_service_that_only_checks_does_not_start_before_the_tables_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRD_MIGRATIONS", "command")
    with pytest.raises(StartError, match="there is no file"):
        check_start(read_settings())
    assert not list(tmp_path.iterdir())
    run("migrate")
    check_start(read_settings())


def test_a_service_that_only_checks_does_not_start_with_older_tables(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("migrate")
    make_older(url)
    monkeypatch.setenv("CRD_MIGRATIONS", "command")
    with pytest.raises(StartError, match="of an older version: run `crd store migrate`"):
        check_start(read_settings())
    assert "older version" in run("check", status=2).stderr


def test_two_that_migrate_one_postgresql_at_once_take_turns(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    command = [sys.executable, "-m", "cds_hooks.commands.main", "store", "migrate"]
    started = [
        subprocess.Popen(command, env={"CRD_DATABASE_URL": url}, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0] for process in started] == [f"the store is as of {NEWEST}\n"] * 2
    assert [process.returncode for process in started] == [0, 0]


def test_who_waits_too_long_for_another_that_migrates_gives_up_clearly(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRD_DATABASE_URL", postgresql.new_database())
    engine = connect(read_settings().database_url)
    with engine.begin() as other:
        other.execute(sa.text("SELECT pg_advisory_xact_lock(1129464833)"))
        ended = run("migrate", "--wait", "1", status=2)
    engine.dispose()
    assert ended.stderr == "crd: CRD_DATABASE_URL: 55P03\n"  # lock_not_available
    run("migrate", "--wait", "1")
