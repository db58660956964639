"""Who is insured, as a payer's own directory has it: the member that a Coverage and a Patient point to.

What the EHR sends is a hint: by which ids to look. No name is read, and of a birth date only whether two are the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final, NamedTuple

from cards.coverage import Identifier, identifier

Json = Mapping[str, Any]

#: The code of the type of an identifier that is a member's number (HL7 v2 table 0203).
_MEMBER_NUMBER: Final = "MB"


class CoveragePeriod(NamedTuple):
    """A plan's coverage of a member, from and until a day, both included; None where that side is open.

    `plan` is the id of a payer of the directory of payers, `line` the line of business, as the payer's own code.
    """

    plan: str
    line: str | None = None
    start: date | None = None
    end: date | None = None

    def holds(self, day: date) -> bool:
        """Tell whether the coverage is in force on a day."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Member:
    """A member: the payer's id of it, all ids it is known by, and what covers it.

    `born` tells birth dates apart; `key` is what its source knows it by.
    """

    id: Identifier
    ids: frozenset[Identifier]
    periods: tuple[CoveragePeriod, ...] = ()
    born: str | None = None
    key: str = ""

    @property
    def plans(self) -> frozenset[str]:
        """The plans that cover the member at any time."""
        return frozenset(period.plan for period in self.periods)


class MemberHint(NamedTuple):
    """By what a member is looked for: the payer that the Coverage names, ids, and what tells members apart.

    `numbers` are member numbers with their systems, `subscriber` is an id without a system, which a family may share.
    `is_self`: the patient is the subscriber; None where the Coverage does not say. `sent` are the numbers as written.
    """

    payer: str
    numbers: frozenset[Identifier]
    subscriber: str | None
    birth_date: str | None
    is_self: bool | None
    sent: tuple[tuple[str, str], ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The ids that may be looked up, without their systems, in an order of their own."""
        found = {number.value for number in self.numbers} | ({self.subscriber} if self.subscriber else set())
        return tuple(sorted(found))


def read_hint(payer: str, coverage: Json, patient: Json | None) -> MemberHint:
    """Read what a Coverage, and the Patient where it was sent, say of the member's identity.

    CRD 2.0.1 and US Core (us-core-15): the member's number is a Coverage.identifier of the type MB, or `subscriberId`.
    """
    born = patient.get("birthDate") if patient else None
    sent = tuple(dict.fromkeys((*_numbers(coverage), *(_numbers(patient) if patient else ()))))
    subscriber = coverage.get("subscriberId")
    return MemberHint(
        payer=payer,
        numbers=frozenset(identifier(system, value) for system, value in sent),
        subscriber=subscriber.strip() if isinstance(subscriber, str) and subscriber.strip() else None,
        birth_date=born if isinstance(born, str) and _is_day(born) else None,
        is_self=_is_self(coverage.get("relationship")),
        sent=sent,
    )


def _numbers(resource: Json) -> Iterator[tuple[str, str]]:
    marks = resource.get("identifier")
    for mark in marks if isinstance(marks, list) else ():
        if isinstance(mark, dict) and _MEMBER_NUMBER in _codes(mark.get("type")):
            value, system = mark.get("value"), mark.get("system")
            if isinstance(value, str) and value.strip():
                yield (system if isinstance(system, str) else ""), value.strip()


def _is_self(relationship: Any) -> bool | None:
    codes = _codes(relationship)
    return None if not codes else "self" in codes


def _codes(concept: Any) -> frozenset[str]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    found = (c.get("code") for c in (codings if isinstance(codings, list) else ()) if isinstance(c, dict))
    return frozenset(code for code in found if isinstance(code, str))


def _is_day(text: str) -> bool:
    try:
        return len(text) == len(date.fromisoformat(text).isoformat())
    except ValueError:
        return False


class LookUp(Enum):
    """What came of looking for a member; the value says it in words."""

    FOUND = "found"
    NONE = "the payer has no such member"
    SEVERAL = "several members fit"
    NO_ID = "nothing to look for was sent"
    FAILED = "the look-up failed"


class FoundMember(NamedTuple):
    """What came of looking for a member, and the member where there is one."""

    look_up: LookUp
    member: Member | None = None


def choose_member(candidates: Iterable[Member], hint: MemberHint, born: str | None) -> FoundMember:
    """Return the member that is meant, of those who have one of the ids; `born` is its birth date as members have it.

    A number with its system is one member's. An id alone may be another payer's, or a whole family's: it counts within
    the plan that the Coverage names, or together with the birth date; else nobody can tell. Whom a birth date or a
    number of the same system contradicts is another person.
    """
    if not hint.values:
        return FoundMember(LookUp.NO_ID)
    possible = [one for one in _merge(candidates) if not _is_contradicted(one, hint, born)]
    certain = [one for one in possible if one.ids & hint.numbers]
    found = certain or [one for one in possible if _is_likely(one, hint, born)]
    if len(found) > 1:
        found = [one for one in found if born and one.born == born] or found
    if not found:
        return FoundMember(LookUp.SEVERAL if any(_has_id(one, hint) for one in possible) else LookUp.NONE)
    if len(found) > 1 or _may_be_a_relative(found[0], hint, born, is_certain=bool(certain)):
        return FoundMember(LookUp.SEVERAL)
    return FoundMember(LookUp.FOUND, found[0])


def _merge(candidates: Iterable[Member]) -> list[Member]:
    """Return each member once, with the periods and ids of all rows that it has."""
    rows: dict[Identifier, list[Member]] = {}
    for one in candidates:
        rows.setdefault(one.id, []).append(one)
    return [_merge_rows(same) if len(same) > 1 else same[0] for same in rows.values()]


def _merge_rows(rows: Sequence[Member]) -> Member:
    born = {row.born for row in rows if row.born}
    return Member(
        rows[0].id,
        frozenset(mark for row in rows for mark in row.ids),
        tuple(dict.fromkeys(period for row in rows for period in row.periods)),
        born.pop() if len(born) == 1 else None,
    )


def _is_contradicted(member: Member, hint: MemberHint, born: str | None) -> bool:
    if born and member.born and born != member.born:
        return True
    systems = {mark.system for mark in member.ids if mark.system}
    sent = {number for number in hint.numbers if number.system in systems}
    return bool(sent) and not sent & member.ids


def _is_likely(member: Member, hint: MemberHint, born: str | None) -> bool:
    """Tell whether an id without a system means a member: within the plan that is named, or by the birth date."""
    if not _has_id(member, hint):
        return False
    return hint.payer in member.plans or bool(born and member.born == born)


def _has_id(member: Member, hint: MemberHint) -> bool:
    """Tell whether a member has one of the ids that came without a system."""
    alone = {number.value for number in hint.numbers if not number.system} | {hint.subscriber}
    return any(mark.value in alone for mark in member.ids)


def _may_be_a_relative(member: Member, hint: MemberHint, born: str | None, *, is_certain: bool) -> bool:
    """Tell whether only the subscriber's id was sent, of a patient who is not the subscriber."""
    return not is_certain and hint.is_self is False and not (born and member.born == born)
