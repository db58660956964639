"""The glossary's words are the code's words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text()
CODE = "\n".join(path.read_text() for package in ("cards", "cds_hooks") for path in (ROOT / package).rglob("*.py"))
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_word_of_the_glossary_stands_in_the_code(row: list[str]) -> None:
    terms = re.findall(r"`([^`]+)`", row[2])

    assert terms
    assert [term for term in terms if not re.search(rf"\b{re.escape(term)}\b", CODE)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_class_that_the_glossary_names_is_defined(row: list[str]) -> None:
    classes = [term for term in re.findall(r"`([^`]+)`", row[2]) if re.fullmatch(r"[A-Z][A-Za-z]+", term)]

    assert [name for name in classes if not re.search(rf"^class {name}\b", CODE, re.MULTILINE)] == []
