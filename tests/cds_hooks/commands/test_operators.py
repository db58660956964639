"""`crd operators` says who may log in to the console."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_hooks.auth.operators import OperatorFile
from cds_hooks.commands.main import main

PASSWORD = "correct horse battery staple"  # noqa: S105 - of nobody


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRD_OPERATORS", str(tmp_path / "operators.json"))
    return tmp_path / "operators.json"


def run(*arguments: str, typed: str = "", status: int = 0) -> Result:
    ended = CliRunner().invoke(main, ["operators", *arguments], input=typed)
    assert ended.exit_code == status, ended.output
    return ended


def test_an_operator_is_added_listed_and_removed(path: Path) -> None:
    assert run("add", "alice", "--role", "operator", typed=f"{PASSWORD}\n").output == "alice may log in as operator\n"
    run("add", "rita", typed=f"{PASSWORD}\n")
    assert run("list").output == "alice  operator\nrita  reader\n"
    assert OperatorFile(path).verify("alice", PASSWORD)
    run("remove", "alice")
    assert run("list").output == "rita  reader\n"


def test_what_is_wrong_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "15 to 256 characters" in run("add", "alice", typed="short\n", status=2).output
    assert "there is no operator bob" in run("remove", "bob", status=2).output
    assert not path.exists()
    monkeypatch.delenv("CRD_OPERATORS")
    assert "say in which file" in run("list", status=2).output
