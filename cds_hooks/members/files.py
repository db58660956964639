"""Reads files of members and authorizations, CSV or NDJSON, line by line; what is wrong with a line is said of it."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from cards.authorization import SIDES
from cds_hooks.errors import StartError
from cds_hooks.members.rows import AuthorizationRow, MemberRow, Row

Fields = Mapping[str, Any]


#: An id that is longer is a mistake in the file.
_LONGEST: Final = 255

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Line(NamedTuple):
    """One line: its number, the row, and why it is set aside; then the row has only ids, and `fields` what stood there.

    `row` is None where not even the ids could be read.
    """

    number: int
    row: Row | None
    reason: str | None = None
    fields: Any = None


class LineError(Exception):
    """What is wrong with a line: a column, and what it must be; never what it holds."""


class Layout(NamedTuple):
    """What a file holds: its columns, those that must be there, and how a row is read, or its ids alone."""

    columns: tuple[str, ...]
    required: tuple[str, ...]
    read: Callable[[Fields, frozenset[str]], Row]
    read_ids: Callable[[Fields], Row]


def read_lines(file: Iterable[bytes], path: Path, layout: Layout, known: frozenset[str]) -> Iterator[Line]:
    """Yield the lines of a file; `known` are the plans or the code systems that it may name.

    StartError where a CSV file has not the columns that it needs.
    """
    is_csv = path.suffix.lower() == ".csv"
    for number, fields in _split_csv(file, path, layout) if is_csv else _split_json(file):
        if isinstance(fields, str):
            yield Line(number, None, fields)
        else:
            yield _read_line(number, fields, layout, known)


def _read_line(number: int, fields: Fields, layout: Layout, known: frozenset[str]) -> Line:
    try:
        return Line(number, layout.read(fields, known))
    except LineError as error:
        reason = str(error)
    try:
        return Line(number, layout.read_ids(fields), reason, fields)
    except LineError:
        return Line(number, None, reason, fields)


def _split_csv(file: Iterable[bytes], path: Path, layout: Layout) -> Iterator[tuple[int, Fields | str]]:
    reader = csv.reader((line.decode(errors="replace") for line in file), strict=True)
    head = [name.strip("\ufeff \t") for name in next(reader, [])]
    missing = [name for name in layout.required if name not in head]
    unknown = [name for name in head if name not in layout.columns]
    if missing or unknown:
        wrong = f"has no column {missing[0]}" if missing else "has a column that is not known"
        raise StartError(f"{path}: {wrong}; the columns are {', '.join(layout.columns)}")
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, "is not CSV"
            continue
        if len(values) != len(head):
            if values:
                yield reader.line_num, f"has {len(values)} values for {len(head)} columns"
            continue
        yield reader.line_num, dict(zip(head, values, strict=True))


def _split_json(file: Iterable[bytes]) -> Iterator[tuple[int, Fields | str]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield number, "is not JSON"
            continue
        yield number, found if isinstance(found, dict) else "is no JSON object"


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise LineError(f"{name}: must be text of at most {_LONGEST} characters")
    return value.strip() or None


def _required(fields: Fields, name: str) -> str:
    value = _text(fields, name)
    if value is None:
        raise LineError(f"{name}: is missing")
    return value


def _day(fields: Fields, name: str) -> str | None:
    value = _text(fields, name)
    if value is None or _is_day(value):
        return value
    raise LineError(f"{name}: must be a day such as 2026-01-31")


@lru_cache(65_536)
def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _days(fields: Fields, first: str, last: str) -> tuple[str | None, str | None]:
    start, end = _day(fields, first), _day(fields, last)
    if start and end and end < start:
        raise LineError(f"{last}: lies before {first}")
    return start, end


def _number(fields: Fields, name: str) -> float | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < 1e9:
        raise LineError(f"{name}: must be a number from 0 on")
    return number


def _list(fields: Fields, name: str) -> Iterable[str]:
    """Return a list: of JSON as it is, of CSV what stands between semicolons."""
    value = fields.get(name)
    items = value.split(";") if isinstance(value, str) else value or ()
    if not isinstance(items, list | tuple) or not all(isinstance(one, str) and len(one) <= _LONGEST for one in items):
        raise LineError(f"{name}: must be a list of texts")
    return [one.strip() for one in items if one.strip()]


def _pairs(fields: Fields, name: str) -> tuple[tuple[str, str], ...]:
    pairs = [one.rpartition("|") for one in _list(fields, name)]
    if not all(value for _, _, value in pairs):
        raise LineError(f"{name}: must be ids such as http://payer.example/card|123")
    return tuple((system, value.strip()) for system, _, value in pairs)


def _read_member(fields: Fields, plans: frozenset[str]) -> MemberRow:
    plan = _text(fields, "plan")
    if plan is not None and plan not in plans:
        raise LineError(f"plan: must be the id of a payer: {', '.join(sorted(plans))}")
    start, end = _days(fields, "covered_from", "covered_to")
    if plan is None and (start or end):
        raise LineError("plan: is missing")
    return MemberRow(
        system=_required(fields, "member_system"),
        value=_required(fields, "member_id"),
        others=_pairs(fields, "other_ids"),
        born=_day(fields, "birth_date"),
        plan=plan,
        line=_text(fields, "line_of_business"),
        start=start,
        end=end,
    )


def _read_member_ids(fields: Fields) -> MemberRow:
    system, value = _required(fields, "member_system"), _required(fields, "member_id")
    return MemberRow(system, value, _pairs(fields, "other_ids"), is_wrong=True)


def _read_authorization(fields: Fields, systems: frozenset[str]) -> AuthorizationRow:
    pairs = _pairs(fields, "codes")
    if not pairs or any(system not in systems for system, _ in pairs):
        raise LineError(f"codes: must be codes such as HCPCS|E0424, of {', '.join(sorted(systems))}")
    side = _text(fields, "side")
    if side is not None and side not in SIDES:
        raise LineError(f"side: must be one of {', '.join(sorted(SIDES))}")
    start, end = _days(fields, "valid_from", "valid_to")
    return AuthorizationRow(
        number=_required(fields, "number"),
        system=_required(fields, "member_system"),
        value=_required(fields, "member_id"),
        codes=tuple(f"{system}|{code}" for system, code in pairs),
        start=start,
        end=end,
        quantity=_number(fields, "quantity"),
        used=_number(fields, "used") or 0.0,
        side=side,
    )


def _read_authorization_ids(fields: Fields) -> AuthorizationRow:
    return AuthorizationRow("", _required(fields, "member_system"), _required(fields, "member_id"), is_wrong=True)


MEMBER_FILE: Final = Layout(
    columns=(
        *("member_system", "member_id", "other_ids", "birth_date"),
        *("plan", "line_of_business", "covered_from", "covered_to"),
    ),
    required=("member_system", "member_id", "plan"),
    read=_read_member,
    read_ids=_read_member_ids,
)

AUTHORIZATION_FILE: Final = Layout(
    columns=(
        *("number", "member_system", "member_id", "codes"),
        *("valid_from", "valid_to", "quantity", "used", "side"),
    ),
    required=("number", "member_system", "member_id", "codes"),
    read=_read_authorization,
    read_ids=_read_authorization_ids,
)
