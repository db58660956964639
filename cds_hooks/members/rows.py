"""A member and an authorization as they are kept: one text each, sealed, with the ids that it is found by."""

from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from cards import Authorization, CodeSystems, Member, identifier
from cards.authorization import read_codes
from cards.member import CoveragePeriod


class MemberRow(msgspec.Struct, array_like=True, frozen=True):
    """One line of a file of members. `born` is a digest once it is kept; `is_wrong`: only the ids could be read."""

    system: str
    value: str
    others: tuple[tuple[str, str], ...] = ()
    born: str | None = None
    plan: str | None = None
    line: str | None = None
    start: str | None = None
    end: str | None = None
    is_wrong: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that it is found by."""
        return (self.value, *(value for _, value in self.others))


class AuthorizationRow(msgspec.Struct, array_like=True, frozen=True):
    """One line of a file of authorizations; `codes` are `SYSTEM|CODE` as written."""

    number: str
    system: str
    value: str
    codes: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    quantity: float | None = None
    used: float = 0.0
    side: str | None = None
    is_wrong: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that it is found by."""
        return (self.value,)


Row = MemberRow | AuthorizationRow

encode: Final = msgspec.msgpack.Encoder().encode
decode_member: Final = msgspec.msgpack.Decoder(MemberRow).decode
decode_authorization: Final = msgspec.msgpack.Decoder(AuthorizationRow).decode


def to_member(row: MemberRow) -> Member:
    """Return the member that a row is of, with what the row says of its coverage."""
    mark = identifier(row.system, row.value)
    ids = frozenset((mark, *(identifier(system, value) for system, value in row.others)))
    period = CoveragePeriod(row.plan, row.line, _day(row.start), _day(row.end)) if row.plan else None
    return Member(mark, ids, (period,) if period else (), row.born)


def to_authorization(row: AuthorizationRow, code_systems: CodeSystems) -> Authorization:
    """Return an authorization with its codes as orders' codes are spelled."""
    codes, side = read_codes(split_codes(row.codes), row.side, code_systems)
    return Authorization(
        number=row.number,
        member=identifier(row.system, row.value),
        codes=codes,
        start=_day(row.start),
        end=_day(row.end),
        quantity=row.quantity,
        used=row.used,
        side=side,
    )


def split_codes(written: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield the system and the code of each `SYSTEM|CODE`."""
    for one in written:
        system, _, code = one.rpartition("|")
        yield system, code


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
