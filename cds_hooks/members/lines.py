"""Lines of a payer's file, CSV or NDJSON, each with its number and its fields; what is no line is said so.

A line of CSV ends where it ends in the file: a quotation mark without its pair spoils its own line and no other.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from cds_hooks.errors import StartError

Fields = Mapping[str, Any]

#: What files of UTF-16 begin with, as some programs for tables write them.
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")

#: A name that is longer is none of a column.
_LONGEST: Final = 40


class RawLine(NamedTuple):
    """A line: its number, its fields as text or JSON, and what is wrong with it as a whole."""

    number: int
    fields: Fields | None = None
    reason: str | None = None


class Columns(NamedTuple):
    """The columns that a file may have, and those that it must have."""

    known: tuple[str, ...]
    required: tuple[str, ...]

    def name(self, column: str) -> str:
        """Return a column that is not known as it is told of, with the one that is meant."""
        meant = get_close_matches(column, self.known, 1)
        return f"{column[:_LONGEST] or 'without a name'}" + (f" (is {meant[0]} meant?)" if meant else "")


def split_lines(file: Iterable[bytes], path: Path, columns: Columns) -> Iterator[RawLine]:
    """Yield the lines of a file; StartError where it is of another kind, or has not the columns that it needs."""
    kinds: dict[str, Callable[[], Iterator[RawLine]]] = {
        ".csv": lambda: _split_csv(file, path, columns),
        ".ndjson": lambda: _split_json(file, columns),
    }
    if path.suffix.lower() not in kinds:
        raise StartError(f"{path}: must be CSV or NDJSON, and its name end in {' or '.join(kinds)}")
    return kinds[path.suffix.lower()]()


def _split_csv(file: Iterable[bytes], path: Path, columns: Columns) -> Iterator[RawLine]:
    lines = enumerate(file, start=1)
    _, first = next(lines, (1, b""))
    head = _read_head(first, path, columns)
    for number, line in lines:
        values = _split(line)
        if values is None:
            yield RawLine(number, reason="is not CSV")
        elif len(values) == len(head):
            yield RawLine(number, dict(zip(head, values, strict=True)))
        elif values:
            reason = f"has {len(values)} values for {len(head)} columns"
            yield RawLine(number, dict(zip(head, values, strict=False)), reason)


def _split(line: bytes) -> list[str] | None:
    """Return the values of a line; what is not UTF-8 is marked in them as such (U+FFFD)."""
    text = line.decode(errors="replace").rstrip("\r\n")
    if '"' not in text and "\r" not in text:  # as most are, in a third of the time
        return text.split(",") if text else []
    try:
        return next(csv.reader((text,), strict=True), [])
    except csv.Error:
        return None


def _read_head(first: bytes, path: Path, columns: Columns) -> list[str]:
    found = _split(first.removeprefix(b"\xef\xbb\xbf"))
    head = [name.strip() for name in found or ()]
    wrong = _why_no_table(first, head, len(columns.required))
    missing = [name for name in columns.required if name not in head]
    unknown = [name for name in head if name not in columns.known]
    if missing and not wrong:
        similar = get_close_matches(missing[0], unknown, 1, cutoff=0.75)
        wrong = f"has no column {missing[0]}" + (f" (is {similar[0]} meant for it?)" if similar else "")
    if unknown and not wrong:
        wrong = f"has a column that is not known: {columns.name(unknown[0])}"
    twice = [name for name in head if head.count(name) > 1]
    if twice and not wrong:
        wrong = f"has the column {twice[0]} twice"
    if wrong:
        raise StartError(f"{path}: line 1: {wrong}; the columns are {', '.join(columns.known)}")
    return head


def _why_no_table(first: bytes, head: list[str], least: int) -> str | None:
    """Return what spoils the first line of a file, where it is something else than a column."""
    if first.startswith(_UTF_16):
        return "is UTF-16: save the file as CSV in UTF-8"
    if not head:
        return "must name the columns" if not first.strip() else "is not CSV, or ends otherwise than lines do"
    if len(head) < least and any(mark in name for name in head for mark in ";\t"):
        return "has semicolons or tabs between its values: save the file with commas"
    return None


def _split_json(file: Iterable[bytes], columns: Columns) -> Iterator[RawLine]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            yield RawLine(number, reason="is not JSON in UTF-8")
            continue
        if not isinstance(found, dict):
            yield RawLine(number, reason="is no JSON object")
            continue
        unknown = next((name for name in found if name not in columns.known), None)
        wrong = None if unknown is None else f"has a member that is not known: {columns.name(unknown)}"
        yield RawLine(number, found, wrong)
