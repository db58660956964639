"""The file of operators: hashes, for its owner's eyes alone; who is not in it is nobody."""

import json
from pathlib import Path

import pytest

from cds_hooks.auth.operators import OPERATOR, READER, Operator, OperatorFile
from cds_hooks.errors import StartError

PASSWORD = "correct horse battery staple"  # noqa: S105 - of nobody


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "operators.json"


def test_a_password_is_kept_as_a_hash_that_only_its_owner_reads(path: Path) -> None:
    OperatorFile(path).set("alice", OPERATOR, PASSWORD)
    [entry] = json.loads(path.read_text())["operators"]
    assert entry["password"].startswith("$argon2id$")
    assert PASSWORD not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_the_right_password_tells_who_it_is_and_no_other_does(path: Path) -> None:
    file = OperatorFile(path)
    file.set("alice", OPERATOR, PASSWORD)
    assert file.verify("alice", PASSWORD) == Operator("alice", OPERATOR)
    for name, password in (("alice", PASSWORD[:-1]), ("Alice", PASSWORD), ("bob", PASSWORD), ("alice", "")):
        assert file.verify(name, password) is None


def test_another_process_sees_what_was_changed(path: Path) -> None:
    serving = OperatorFile(path)
    assert serving.is_empty
    OperatorFile(path).set("alice", READER, PASSWORD)
    assert serving.find("alice") == Operator("alice", READER)
    OperatorFile(path).set("alice", OPERATOR, PASSWORD)
    assert serving.find("alice") == Operator("alice", OPERATOR)
    OperatorFile(path).remove("alice")
    assert serving.find("alice") is None


@pytest.mark.parametrize("name", ["", "a b", "alice\n", "x" * 65, "-a", "Ida (7)"])
def test_a_name_is_a_plain_one(path: Path, name: str) -> None:
    """So that it is never taken for one of a provider, which has a blank."""
    with pytest.raises(StartError, match="a name has"):
        OperatorFile(path).set(name, READER, PASSWORD)


@pytest.mark.parametrize("password", ["", "x" * 14, "x" * 257])
def test_a_password_is_neither_short_nor_endless(path: Path, password: str) -> None:
    with pytest.raises(StartError, match="15 to 256"):
        OperatorFile(path).set("alice", READER, password)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"operators": [{"name": "a"}]}', '{"operator": []}'])
def test_a_file_that_is_none_lets_nobody_in_and_is_named(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(StartError, match=r"operators\.json: cannot be read"):
        OperatorFile(path).verify("alice", PASSWORD)


def test_a_hash_that_is_none_fits_no_password(path: Path) -> None:
    path.write_text('{"operators": [{"name": "alice", "role": "operator", "password": "secret"}]}')
    assert OperatorFile(path).verify("alice", "secret") is None
