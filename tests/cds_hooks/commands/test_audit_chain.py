"""`crd audit verify` says whether what is kept is what was written, and `crd audit anchor` keeps that elsewhere."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from cds_hooks.commands.main import main
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import EXCHANGES, LINKS
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.samples import exchange


@pytest.fixture(name="url")
def _url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/crd.sqlite3"
    monkeypatch.setenv("CRD_DATABASE_URL", url)
    prepare(url)
    writer = Writer(connect(url), RecordCipher())
    for number in range(1, 4):
        writer.write(exchange(number))
    writer.close()
    return url


def run(*arguments: str, status: int = 0) -> Result:
    ended = CliRunner().invoke(main, ["audit", *arguments])
    assert ended.exit_code == status, ended.output
    return ended


def change(url: str, statement: sa.Update | sa.Delete) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(statement)
    engine.dispose()


@pytest.mark.usefixtures("url")
def test_a_store_that_nobody_changed_is_as_it_was_written() -> None:
    assert run("verify").stdout == ("3 calls, 0 reports and 0 accesses, 3 links of 1 chains: all as it was written\n")
    assert json.loads(run("verify", "--json").stdout)["problems"] == []


def test_a_changed_call_is_named_and_the_command_fails(url: str) -> None:
    change(url, sa.update(EXCHANGES).values(status=500))
    told = run("verify", status=1).stdout.splitlines()
    assert told[0].startswith("changed: call ")
    assert told[-1].endswith("3 problems")


@pytest.mark.usefixtures("url")
def test_a_reading_is_linked_too() -> None:
    found = json.loads(run("verify", "--json").stdout)
    [call, *_] = [json.loads(line)["id"] for line in run("find", "--client", "north", "--json").stdout.splitlines()]
    run("show", call, "--reason", "a dispute")
    assert json.loads(run("verify", "--json").stdout)["links"] == found["links"] + 1


def test_an_anchor_is_held_against_the_chains(url: str, tmp_path: Path) -> None:
    kept = tmp_path / "anchor.json"
    kept.write_text(run("anchor").stdout)
    assert "1 anchored links" in run("verify", "--anchor", str(kept)).stdout
    change(url, sa.delete(LINKS).where(LINKS.c.number == 3))
    assert "anchor: " in run("verify", "--anchor", str(kept), status=1).stdout


def test_what_is_no_anchor_is_told_so(url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    ended = CliRunner().invoke(main, ["audit", "verify", "--anchor", str(other)])
    assert ended.exit_code != 0
    assert "is not what `crd audit anchor` prints" in str(ended.output) + str(ended.exception)
    assert url
