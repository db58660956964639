"""The README is short, its sample is what the first example says, its policy answers as it says, its links lead somewhere."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_hooks.commands.main import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()

#: The rows of the table of answers: the day or the change, and the first line of what `crd explain` says.
ROWS = re.findall(r"^\| (2\d{3}-\d\d-\d\d|the same)(.*?) \| (L1851: .*) \|$", README, re.MULTILINE)


def is_within(part: Any, whole: Any) -> bool:
    """Say whether an excerpt leaves things out of a document, and changes nothing."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and is_within(v, whole[k]) for k, v in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(is_within(one, other) for other in whole) for one in part)
    return bool(part == whole)


def json_after(marker: str) -> Any:
    found = re.search(re.escape(marker) + r".*?-->\n```json\n(.*?)```", README, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_readme_has_at_most_80_lines() -> None:
    assert len(README.splitlines()) <= 80


def test_the_readmes_sample_is_an_excerpt_of_the_first_example() -> None:
    path = re.search(r"<!-- sample: an excerpt of (\S+) -->", README)
    assert path

    assert is_within(json_after("<!-- sample: "), json.loads((ROOT / path[1]).read_text()))


def test_an_excerpt_that_says_something_else_is_found() -> None:
    whole = {"cards": [{"summary": "a", "indicator": "info"}, {"summary": "b"}]}

    assert is_within({"cards": [{"summary": "b"}]}, whole)
    assert not is_within({"cards": [{"summary": "b", "indicator": "info"}]}, whole)
    assert not is_within({"cards": [{"summary": "c"}]}, whole)


def test_the_readmes_call_posts_that_example() -> None:
    posted = re.search(r"--data-binary @(\S+)", README)

    assert posted
    assert (ROOT / posted[1]).is_file()
    assert posted[1].replace("request.json", "response.json") in README


def test_the_first_two_commands_are_demo_and_test() -> None:
    first = re.search(r"```\n(.*?)```", README, re.DOTALL)

    assert first
    assert [line.split()[:2] for line in first[1].splitlines()] == [["make", "demo"], ["make", "test"]]


def test_the_demo_posts_the_readmes_example() -> None:
    assert '"evicore-cmm-204" / "m0076-order-select" / "request.json"' in (ROOT / "scripts" / "demo.py").read_text()


@pytest.fixture(name="acme")
def _acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's policy in a folder of its own, bound by a payer; returns the policy's file."""
    policy = json_after("<!-- policy")
    for name in ("policies", "payers"):
        (tmp_path / name).mkdir()
        shutil.copy(
            ROOT / "cards" / name / f"{'policy' if name == 'policies' else 'payer'}.schema.json", tmp_path / name
        )
        monkeypatch.setenv(f"CRD_{name.upper()}", str(tmp_path / name))
    payer = {"id": "acme", "name": "Acme Health", "reviewed": "2026-11-20", "default": True}
    payer |= {"recognised-by": {"names": ["Acme Health"]}, "policies": [policy["id"]]}
    (tmp_path / "payers" / "acme.json").write_text(json.dumps(payer))
    file = tmp_path / "policies" / policy["id"] / "policy.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(policy))
    return file


def test_the_readmes_policy_has_twelve_lines_and_its_table_three_rows() -> None:
    [text] = re.findall(r"<!-- policy -->\n```json\n(.*?)```", README, re.DOTALL)

    assert len(text.splitlines()) == 12
    assert len(ROWS) == 3


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_readmes_policy_answers_as_the_readme_says(row: tuple[str, str, str], acme: Path) -> None:
    day, change, answer = row
    if day == "the same":
        day = "2026-01-01"
        policy = json.loads(acme.read_text())
        [policy["versions"][day]["covered"]] = re.findall(r'`"covered": "(\S+)"`', change)
        del policy["versions"][day]["pa-needed"]
        acme.write_text(json.dumps(policy))

    done = CliRunner().invoke(main, ["explain", "--code", "L1851", "--payer", "acme", "--on", day])

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == answer


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_index_of_the_documents_names_every_one() -> None:
    index = (ROOT / "docs" / "README.md").read_text()

    named = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert named == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_what_contributing_says_of_places_is_true() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Where does it go?") : text.index("## The engineer's path")]
    places = re.findall(r"`((?:cards|cds_hooks|tests|docs|fhir_examples)(?:/[\w.]+)*)`", section)

    assert section.count("\n- **A new ") == 6
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []
