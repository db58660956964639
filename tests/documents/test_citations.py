"""What the code cites can be read: an id of docs/requirements, a document of the repository, or a public page by name."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = json.loads((ROOT / "docs" / "requirements" / "catalogue.json").read_text())
KNOWN = {entry["id"] for entries in CATALOGUE.values() for entry in entries}
FAMILIES = {re.sub(r"-\d+$", "", identity) for identity in KNOWN}

#: Names of the world outside that look like ids, and FHIR's own constraints.
NAMES = {
    "CMS-1500",
    "ICD-10",
    "UTF-8",
    "UTF-16",
    "AES-256",
    "SHA-256",
    "SHA-1",
    "RFC-3339",
    "ISO-8601",
    "dom-2",
    "crdver-1",
}

_ID = re.compile(r"(?<![\w./-])([A-Za-z]+-\d+)(?![\w-]|\.\d)")
_DOCUMENT = re.compile(r"(?<![\w/.-])[\w/-]+\.md\b")
#: A section of a text that is not here: "spec 8.5", "7.4 step 9", "domain note".
_NOWHERE = re.compile(r"\bspec \d[\d.]*|\b\d\.\d step \d+|\bdomain note\b|§\s?\d+(?:\.\d+)*")

FILES = sorted(path for package in ("cards", "cds_hooks") for path in (ROOT / package).rglob("*.py"))


def prose(source: str) -> Iterator[str]:
    """Yield the docstrings and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def dead_citations(text: str) -> list[str]:
    """Return what a text cites and nobody can read."""
    ids = [one for one in _ID.findall(text) if one not in KNOWN | NAMES]
    ids = [one for one in ids if one.split("-")[0] in FAMILIES or one[0].isupper()]
    documents = [one for one in _DOCUMENT.findall(text) if not (ROOT / one).is_file()]
    return ids + documents + _NOWHERE.findall(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_module_cites_can_be_read(path: Path) -> None:
    assert [dead for text in prose(path.read_text()) for dead in dead_citations(text)] == []


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("only where the client may (X-7).", ["X-7"]),
        ("as HK-9999 wants it", ["HK-9999"]),
        ("what is said, found-99", ["found-99"]),
        ("(crd.md 1.3)", ["crd.md"]),
        ("the stricter (domain note, section 5)", ["domain note"]),
        ("in the order of 7.4 step 9", ["7.4 step 9"]),
        ("the payer (spec 8.5)", ["spec 8.5"]),
        ("CRD-63, resp-43: UTF-8, evicore-cmm-204, M0076-1.2 (docs/threats.md; RFC 9068, section 2.1)", []),
    ],
)
def test_a_citation_that_leads_nowhere_is_found(text: str, dead: list[str]) -> None:
    assert dead_citations(text) == dead
