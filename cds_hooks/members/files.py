"""What lines of files of members and authorizations say; what is wrong with a line is said of it, by column."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from cards import CodeSystems, DocumentError
from cards.authorization import SIDES, sides_of
from cards.policy_codes import expand_codes
from cds_hooks.members.lines import Columns, Fields, RawLine, split_lines
from cds_hooks.members.rows import AuthorizationRow, MemberRow, Row

#: What a file may name: the plans, or the code systems.
Known = TypeVar("Known")


#: An id that is longer is a mistake in the file.
_LONGEST: Final = 255

#: What stands in the place of bytes that are not UTF-8.
_NOT_UTF_8: Final = "\ufffd"

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Line(NamedTuple):
    """One line: its number, the row, and why it is set aside; then the row has only ids, and `fields` what stood there.

    `row` is None where not even the ids could be read; `may_be_others`: its values may stand in each other's columns.
    """

    number: int
    row: Row | None
    reason: str | None = None
    fields: Any = None
    may_be_others: bool = False

    @property
    def is_unread(self) -> bool:
        """Tell whether nobody knows for certain whom the line was about."""
        return self.row is None or self.may_be_others


class LineError(Exception):
    """What is wrong with a line: a column, and what it must be; never what it holds."""


class Layout(NamedTuple, Generic[Known]):
    """What a file holds: its columns, and how a row is read, or its ids alone.

    `unread` says what follows from lines of which nobody knows whom they were about.
    """

    columns: Columns
    read: Callable[[Fields, Known], Row]
    read_ids: Callable[[Fields], Row]
    unread: str


def read_lines(file: Iterable[bytes], path: Path, layout: Layout[Known], known: Known) -> Iterator[Line]:
    """Yield the lines of a file; `known` are the plans or the code systems that it may name.

    StartError where the file is of another kind, or a CSV file has not the columns that it needs.
    """
    for raw in split_lines(file, path, layout.columns):
        yield _read_line(raw, layout, known)


def _read_line(raw: RawLine, layout: Layout[Known], known: Known) -> Line:
    reason = raw.reason
    if raw.fields is None:
        return Line(raw.number, None, reason)
    try:
        if not reason:
            return Line(raw.number, layout.read(raw.fields, known))
    except LineError as error:
        reason = str(error)
    try:
        return Line(raw.number, layout.read_ids(raw.fields), reason, raw.fields, may_be_others=bool(raw.reason))
    except LineError:
        return Line(raw.number, None, reason, raw.fields)


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise LineError(f"{name}: must be text of at most {_LONGEST} characters")
    if _NOT_UTF_8 in value:
        raise LineError(f"{name}: is not UTF-8")
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
    if any(_NOT_UTF_8 in one for one in items):
        raise LineError(f"{name}: is not UTF-8")
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


def _read_codes(fields: Fields, systems: CodeSystems) -> tuple[str, ...]:
    """Return the codes as `SYSTEM|CODE`, ranges such as `HCPCS|K0800 to K0802` spelled out."""
    pairs = _split_codes(fields)
    if any(system not in systems.by_name for system, _ in pairs):
        spelled = {name.lower(): name for name in systems.by_name}
        pairs = [(spelled.get(system.lower(), system), code) for system, code in pairs]
    if not pairs or any(system not in systems.by_name for system, _ in pairs):
        raise LineError(f"codes: must be codes such as HCPCS|E0424, of {', '.join(sorted(systems.by_name))}")
    try:
        found = list(expand_codes([f"{system} {code}" for system, code in pairs], "", systems))
    except DocumentError:
        raise LineError("codes: a range must rise, as HCPCS|K0800 to K0802 does") from None
    wrong = next((system for system, code, _ in found if not systems.can_have(systems.coding(system, code))), None)
    if wrong:
        raise LineError(f"codes: a code is none that {wrong} can have")
    return tuple(f"{system}|{code}" for system, code, _ in found)


def _split_codes(fields: Fields) -> list[tuple[str, str]]:
    pairs = (one.rpartition("|") for one in _list(fields, "codes"))
    return [(system.strip(), code.strip()) for system, _, code in pairs if code.strip()]


def _read_authorization(fields: Fields, systems: CodeSystems) -> AuthorizationRow:
    codes = _read_codes(fields, systems)
    side = _text(fields, "side")
    if side is not None and side not in SIDES:
        raise LineError(f"side: must be one of {', '.join(sorted(SIDES))}")
    pairs = [(system, code) for system, _, code in (one.rpartition("|") for one in codes)]
    sides = {side} if side else set()
    if len(sides.union(*(sides_of(code, systems.coding(system, code).code) for system, code in pairs))) > 1:
        raise LineError("side: the codes have modifiers of another side: write a line for each side")
    start, end = _days(fields, "valid_from", "valid_to")
    return AuthorizationRow(
        number=_required(fields, "number"),
        system=_required(fields, "member_system"),
        value=_required(fields, "member_id"),
        codes=codes,
        start=start,
        end=end,
        quantity=_number(fields, "quantity"),
        used=_number(fields, "used") or 0.0,
        side=side,
    )


def _read_authorization_ids(fields: Fields) -> AuthorizationRow:
    return AuthorizationRow("", _required(fields, "member_system"), _required(fields, "member_id"), is_wrong=True)


MEMBER_FILE: Final[Layout[frozenset[str]]] = Layout(
    Columns(
        known=(
            *("member_system", "member_id", "other_ids", "birth_date"),
            *("plan", "line_of_business", "covered_from", "covered_to"),
        ),
        required=("member_system", "member_id", "plan"),
    ),
    read=_read_member,
    read_ids=_read_member_ids,
    unread="until they are mended, nobody is told to be no member",
)

AUTHORIZATION_FILE: Final[Layout[CodeSystems]] = Layout(
    Columns(
        known=(
            *("number", "member_system", "member_id", "codes"),
            *("valid_from", "valid_to", "quantity", "used", "side"),
        ),
        required=("number", "member_system", "member_id", "codes"),
    ),
    read=_read_authorization,
    read_ids=_read_authorization_ids,
    unread="until they are mended, what they authorize satisfies no order",
)
