"""Codes as a payer's list has them, a CSV file, read as the groups of a new policy."""

import csv
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

from cards import CodeSystems, DocumentError
from cards.policy_codes import check_code, expand_codes
from cds_hooks.errors import StartError

#: The columns there can be; code must be there.
_COLUMNS: Final = ("code", "to", "group", "service")

#: The group of codes that name none.
_ONLY_GROUP: Final = "services"

#: A range in one cell, as lists have it: `K0800-K0802`, `K0800 to K0802`. Its ends are whole codes, as no modifier is.
_RANGE: Final = re.compile(
    r"(.*?\b[A-Z]?\d{4}[A-Z0-9]?)(?: *[-\u2013\u2014] *| +to +)([A-Z]?\d{4}[A-Z0-9]?)", re.IGNORECASE
)

#: As many letters of what a file says are repeated.
_LONGEST: Final = 40


class CodeGroup(NamedTuple):
    """A group of codes as a policy writes them: its name, what it is called on cards, `HCPCS K0800 to K0802`."""

    name: str
    service: str
    codes: tuple[str, ...]


class CodeList(NamedTuple):
    """The groups of a list, and the names of its columns that are not read."""

    groups: tuple[CodeGroup, ...]
    unread: tuple[str, ...] = ()


def read_code_list(path: Path, systems: CodeSystems, service: str) -> CodeList:
    """Read a list of codes; `service` names groups that do not say theirs. StartError says what is wrong where."""
    services: dict[str, str] = {}
    codes: dict[str, dict[str, None]] = {}
    lines: dict[tuple[str, str], int] = {}
    unread: list[str] = []
    for line, row in _rows(path, unread):
        where = f"{path}: line {line}"
        name = _name_group(row["group"], where)
        text = _write_code(row["code"], row["to"], systems)
        if text not in codes.setdefault(name, {}):
            for code in _expand(text, where, systems):
                if lines.setdefault(code, line) != line:
                    raise StartError(f"{where}: {code[1]} is there already, on line {lines[code]}")
        codes[name][text] = None
        services[name] = services.get(name) or row["service"]
    if not codes:
        raise StartError(f"{path}: no codes")
    found = (CodeGroup(name, (services[name] or service)[:40], tuple(listed)) for name, listed in codes.items())
    return CodeList(tuple(found), tuple(unread))


def _name_group(written: str, where: str) -> str:
    """Return the name of a group as policies write it: small letters, digits and hyphens."""
    name = re.sub("[^a-z0-9]+", "-", (written or _ONLY_GROUP).lower()).strip("-")
    if not name:
        raise StartError(f"{where}: group: {written[:_LONGEST]} has no letter or digit to be named by")
    return name


def _expand(text: str, where: str, systems: CodeSystems) -> Iterator[tuple[str, str]]:
    try:
        for system, code, path in expand_codes([text], "", systems):
            check_code(system, code, path, systems)
            if systems.coding(system, code).code != code:
                raise DocumentError(
                    path, f"{code} has a modifier, which policies do not tell apart: list the code alone"
                )
            yield system, code
    except DocumentError as error:
        raise StartError(f"{where}: {error.reason}{_hint(text)}") from None


def _hint(text: str) -> str:
    """Return what may have happened to a code on its way into the list."""
    code = text.rpartition(" ")[2]
    if code.isdigit() and len(code) < _DIGITS:
        return f" (was it {code.zfill(_DIGITS)}? Programs for tables drop zeros: make the column text)"
    return " (a range has its first code in this column and its last in the column to)" if "-" in code[4:] else ""


#: As many digits has a CPT code.
_DIGITS: Final = 5


def _rows(path: Path, unread: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a file by column, and put the columns that are not known into `unread`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
            _check_head(names, path)
            unread += [name for name in names if name not in _COLUMNS]
            reader.fieldnames = names
            for row in reader:
                read = {name: (row.get(name) or "").strip() for name in _COLUMNS}
                if any(value.strip() for value in row.get(None, ())):
                    raise StartError(f"{path}: line {reader.line_num}: has more values than there are columns")
                if any(read.values()):
                    yield reader.line_num, read
    except (OSError, ValueError, csv.Error):
        raise StartError(f"{path}: cannot be read as CSV in UTF-8") from None


def _check_head(names: Sequence[str], path: Path) -> None:
    """Raise StartError where the first line does not name the columns, or not apart."""
    columns = ", ".join(_COLUMNS)
    if any(mark in name for name in names for mark in ";\t"):
        raise StartError(f"{path}: line 1: has semicolons or tabs between its values: save the file with commas")
    if "code" not in names:
        similar = get_close_matches("code", names, 1, cutoff=0.5)
        meant = f" (is {similar[0][:_LONGEST]} meant for it?)" if similar else ""
        raise StartError(f"{path}: line 1: must name the columns: {columns}; code is missing{meant}")


def _write_code(code: str, last: str, systems: CodeSystems) -> str:
    """Return a code as policies write it; a bare one of five digits is CPT, any other HCPCS."""
    found = None if last else _RANGE.fullmatch(code)
    if found:
        code, last = found[1], found[2]
    name, _, value = code.rpartition(" ")
    known = {spelling.lower(): spelling for spelling in systems.by_name}
    system = known.get(name.lower(), name) if name else "CPT" if value[:1].isdigit() else "HCPCS"
    return f"{system} {value.upper()} to {last.upper()}" if last and last != value else f"{system} {value.upper()}"
