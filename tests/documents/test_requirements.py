"""The table of requirements: nothing a server must do is forgotten, and the table says what the tests say."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: How many requirements of a server the sources list.
COUNTS = {"CRD 2.0.1": 165, "CDS Hooks 2.0": 120, "CDS Hooks library 1.0.1": 23, "CRD 2.2": 144}

#: What a small repository of its own demands, for the tests of the check itself.
CATALOGUE = {
    "Hooks": [
        {"id": "HK-1", "level": "SHALL", "says": "JSON only"},
        {"id": "HK-2", "level": "SHALL NOT", "says": "no nulls"},
        {"id": "HK-3", "level": "SHALL", "says": "over TLS"},
        {"id": "HK-4", "level": "MAY", "says": "have icons | or none"},
    ],
    "Guide": [{"id": "resp-5", "level": "SHALL", "says": "fewer than <n> cards"}],
}
REASONS = {"HK-3": "Not yet: a gateway does it."}
TEST = '"""Module: HK-3."""\n\n\ndef test_it() -> None:\n    """HK-1 to 2, resp-5: a rule (crd-ci-q3, RFC-9 or order-1 are none)."""\n'


def run(root: Path, *options: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / "requirements"), *options], capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(name="small")
def _small(tmp_path: Path) -> Path:
    """A small repository, with nothing wrong."""
    write(tmp_path / "docs" / "requirements" / "catalogue.json", json.dumps(CATALOGUE))
    write(tmp_path / "docs" / "requirements" / "reasons.json", json.dumps(REASONS))
    write(tmp_path / "tests" / "inner" / "test_rule.py", TEST)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "requirements", tmp_path / "scripts")
    assert run(tmp_path)[0] == 0
    return tmp_path


@pytest.fixture(name="faults")
def _faults(small: Path) -> Callable[..., list[str]]:
    """What the check finds after one file of the small repository is changed and the table written anew."""

    def change(path: str, old: str, new: str) -> list[str]:
        text = (small / path).read_text()
        assert old in text
        (small / path).write_text(text.replace(old, new))
        run(small)
        status, said = run(small, "--check")
        assert status == 1
        return said

    return change


def test_every_shall_has_a_test_or_a_reason_and_the_table_is_up_to_date() -> None:
    status, said = run(ROOT, "--check")

    assert status == 0, "\n".join(said)


def test_the_catalogue_is_complete() -> None:
    catalogue = json.loads((ROOT / "docs" / "requirements" / "catalogue.json").read_text())
    ids = [entry["id"] for entries in catalogue.values() for entry in entries]

    assert {source: len(entries) for source, entries in catalogue.items()} == COUNTS
    assert len(ids) == len(set(ids))
    assert {entry["level"] for entries in catalogue.values() for entry in entries} == {
        "SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY", "DEPRECATED",
    }  # fmt: skip


def test_what_is_held_is_shown_with_a_link_and_what_is_not_with_its_reason(small: Path) -> None:
    table = (small / "docs" / "requirements.md").read_text()

    assert run(small, "--check")[0] == 0
    assert "| all | 4 | 3 | 0 | 1 | 0 |" in table
    assert "| HK-2 | SHALL NOT | no nulls | [test_rule.py::test_it](../tests/inner/test_rule.py) |" in table
    assert "| HK-3 | SHALL | over TLS | Not yet: a gateway does it. |" in table
    assert "fewer than &lt;n> cards" in table
    assert "HK-4" not in table


def test_a_shall_with_neither_test_nor_reason_is_found(faults: Callable[..., list[str]]) -> None:
    said = faults("tests/inner/test_rule.py", "HK-1 to 2", "HK-1")

    assert said == ["HK-2 (SHALL NOT) has neither a test nor a reason: no nulls"]


def test_a_reason_that_a_test_has_overtaken_is_found(faults: Callable[..., list[str]]) -> None:
    said = faults("tests/inner/test_rule.py", "HK-1 to 2", "HK-1 to 3")

    assert said == ["HK-3 has a reason, but also a test: tests/inner/test_rule.py::test_it"]


def test_a_reason_for_nothing_is_found(faults: Callable[..., list[str]]) -> None:
    assert faults("docs/requirements/reasons.json", "{", '{"HK-99": "x", ') == ["HK-99 has a reason, but is no requirement"]  # fmt: skip


def test_an_unknown_id_in_a_docstring_is_found(faults: Callable[..., list[str]]) -> None:
    said = faults("tests/inner/test_rule.py", "resp-5: a rule", "resp-5, HK-77.")

    assert said == ["HK-77 is no requirement of a server: tests/inner/test_rule.py::test_it"]


def test_a_table_out_of_date_is_found(small: Path) -> None:
    (small / "docs" / "requirements.md").write_text("")

    assert run(small, "--check") == (1, ["docs/requirements.md is out of date: run scripts/requirements"])


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("HK-1, 4; resp-5.", "HK-1 HK-4 resp-5"),
        ("HK-1, 2, and 4: x", "HK-1 HK-2 HK-4"),
        ("HK-1 and HK-4 (resp-5)", "HK-1 HK-4 resp-5"),
        ("HK-1 to HK-3 and 4.", "HK-1 HK-2 HK-3 HK-4"),
        ("HK-1, 4 cards", "HK-1"),
        ("HK-1, 2.2 says", "HK-1"),
        ("crd-ci-q3, XHK-1, HK-1-2, order-1", ""),
        ("resp-1, CRD 2.0.1, M0076", ""),
    ],
)
def test_ids_are_read_as_people_write_them(written: str, named: str, small: Path) -> None:
    """A number after an id is an id too where it stands by itself; one that counts something is not."""
    write(small / "tests" / "inner" / "test_rule.py", f'def test_it():\n    """{written}"""\n')

    run(small)

    rows = [line for line in (small / "docs" / "requirements.md").read_text().splitlines() if "::test_it" in line]
    assert {row.split("|")[1].strip() for row in rows} == set(named.split())
