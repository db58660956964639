"""The table of threats: each attack is tried by a test that exists, or the row says why none does."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "threats.md").read_text()

#: A test file is named by as much of its path as tells it from all others.
FILES = [path.relative_to(ROOT / "tests").as_posix() for path in (ROOT / "tests").rglob("test_*.py")]

NAMED = re.compile(r"`(?:([\w/]+\.py): )?(test_\w+)`")

HEAD = ["attack", "what stops it", "test", "what remains"]

Row = dict[str, str]


def rows(document: str) -> Iterator[Row]:
    """Yield the rows of all tables of attacks."""
    is_inside = False
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if cells == HEAD:
            is_inside = True
        elif not cells:
            is_inside = False
        elif is_inside and not set(line) <= set("|- "):
            yield dict(zip(HEAD, [*cells, ""][:4], strict=True))


def faults(row: Row) -> list[str]:
    """Return what is wrong with a row."""
    cell = row["test"]
    named = NAMED.findall(cell)
    found = [f"no reason: {row['attack']}"] if not named and not re.fullmatch(r"no test: \S.{9,}", cell) else []
    found += [f"nothing stops it: {row['attack']}"] if not row["what stops it"] else []
    file = ""
    for path, name in named:
        file = path or file
        places = [one for one in FILES if f"/{one}".endswith(f"/{file}")] if file else []
        if len(places) != 1:
            found.append(f"no such file, or several: {file or name}")
        elif not re.search(rf"^def {name}\(", (ROOT / "tests" / places[0]).read_text(), re.MULTILINE):
            found.append(f"no such test: {file}: {name}")
    return found


@pytest.mark.parametrize("row", list(rows(DOCUMENT)), ids=lambda row: row["attack"][:50])
def test_an_attack_has_a_test_that_exists_or_a_reason(row: Row) -> None:
    assert faults(row) == []


def test_all_tests_in_the_document_stand_in_a_row() -> None:
    """Else a row may be written so that it is not seen to be one."""
    seen = sum(len(NAMED.findall(row["test"])) for row in rows(DOCUMENT))

    assert seen == len(NAMED.findall(DOCUMENT)) > 100


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("`auth/test_access.py: test_a_token_is_good_for_one_call`", ""),
        ("`store/test_encryption.py: test_it_is_smaller`, `test_keys_are_read_from_a_file`", ""),
        ("no test: it is the client that must check", ""),
        ("`auth/test_access.py: test_a_token_is_good_for_ever`", "no such test"),
        ("`auth/test_access.py: test_a_token_is_good`", "no such test"),
        ("`auth/test_access.py: test_a_token_is_good_for_one_call`, `test_it_is_smaller`", "no such test"),
        ("`test_nothing.py: test_it`", "no such file"),
        ("`test_a_token_is_good_for_one_call`", "no such file"),
        ("", "no reason"),
        ("no test:", "no reason"),
        ("to do", "no reason"),
    ],
)
def test_a_row_that_names_no_test_is_found(cell: str, fault: str) -> None:
    [row] = rows(f"| {' | '.join(HEAD)} |\n| --- | --- | --- | --- |\n| a | b | {cell} | |")

    assert bool(faults(row)) == bool(fault)
    assert all(found.startswith(fault) for found in faults(row))
