"""Prior authorizations that a payer has given, and whether one covers an order on its day."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from cards.coding import CodeSystems, Coding
from cards.coverage import Identifier
from cards.coverage_terms import Detail

#: Sides of the body, as orders state them (cards/circumstances.py).
SIDES: Final = frozenset({"left", "right", "both"})

#: Modifiers of a procedure's code that say a side.
_MODIFIERS: Final = {"LT": "left", "RT": "right", "50": "both"}


def sides_of(code: str, base: str) -> frozenset[str]:
    """Return the sides that the modifiers of a code say; `base` is the code without them."""
    written = code.strip().upper()
    rest = written.removeprefix(base)
    pairs = re.findall("[0-9A-Z]{2}", rest) if rest != written else ()
    return frozenset(_MODIFIERS[pair] for pair in pairs if pair in _MODIFIERS)


def read_codes(
    written: Iterable[tuple[str, str]], side: str | None, code_systems: CodeSystems
) -> tuple[frozenset[Coding], str | None]:
    """Return the codes of an authorization, each a system and a code, and the side that it is for.

    A modifier says the side where nothing else does. A code of another side than the authorization is left out: what
    was authorized for one side is nothing for the other.
    """
    read = [(coding := code_systems.coding(*one), sides_of(one[1], coding.code)) for one in written]
    told = {one for _, sides in read for one in sides}
    found = side or (next(iter(told)) if len(told) == 1 else None)
    return frozenset(coding for coding, sides in read if not sides or sides == {found}), found


@dataclass(frozen=True, slots=True)
class Authorization:
    """A prior authorization: its number, for which member, codes and days (both included), how much and which side.

    `quantity` is what was authorized and `used` what of it is gone; None means without a limit, or on any side. `taken`
    is what other orders of the same call take of it.
    """

    number: str
    member: Identifier
    codes: frozenset[Coding]
    start: date | None = None
    end: date | None = None
    quantity: float | None = None
    used: float = 0.0
    side: str | None = None
    taken: float = 0.0

    @property
    def left(self) -> float | None:
        """What is left of the quantity; None without a limit."""
        return None if self.quantity is None else self.quantity - self.used - self.taken


class OrderFacts(NamedTuple):
    """What an authorization is compared with: the codes that ask for one, the days, and what the order states.

    Each of `codes` must be covered. `quantity` is the most the order asks for, None where it does not say; `side` is
    None where it says none, or several.
    """

    codes: frozenset[Coding]
    day: date
    until: date
    quantity: float | None = None
    side: str | None = None


class OnFile(NamedTuple):
    """What is on file for an order: the authorization that covers it, else in sentences why those for its code do not.

    `takes` is what the order takes of it: one, where it does not say how much. `has_failed`: nobody knows, since the
    look-up failed.
    """

    satisfied_by: Authorization | None = None
    looked_at: tuple[str, ...] = ()
    has_failed: bool = False
    takes: float = 0.0

    @property
    def limits(self) -> tuple[Detail, ...]:
        """The limits of the authorization, within which the answer holds (CRD-262, resp-30)."""
        one = self.satisfied_by
        return tuple(_limits(one)) if one else ()


#: Nobody could tell what is on file.
UNTOLD: Final = OnFile(has_failed=True)

#: So many authorizations are told of that do not cover an order, those that end last.
_MOST_TOLD: Final = 3


def find_authorization(held: Sequence[Authorization], members: frozenset[Identifier], facts: OrderFacts) -> OnFile:
    """Return what of some authorizations is for an order of a member, who has these ids.

    One of another member is not looked at, whatever came: its number is nobody else's to know.
    """
    if not facts.codes:
        return OnFile()
    mine = sorted((one for one in held if one.member in members), key=_latest_first)
    about = [one for one in mine if facts.codes & one.codes]
    reasons = [(one, _why_not(one, facts)) for one in about]
    fitting = next((one for one, why in reasons if why is None), None)
    if fitting:
        return OnFile(fitting, takes=facts.quantity or 1)
    told = [f"Authorization {one.number} was looked at: {why}." for one, why in reasons]
    return OnFile(looked_at=tuple(told[:_MOST_TOLD]))


def _latest_first(one: Authorization) -> tuple[int, str]:
    return -(one.end or date.max).toordinal(), one.number


def _why_not(one: Authorization, facts: OrderFacts) -> str | None:
    """Return why an authorization for a code of the order does not cover it; None where it does."""
    if not facts.codes <= one.codes:
        return "it is not for all codes of this order that need one"
    if one.start and facts.day < one.start:
        return f"it is valid from {one.start} on"
    if one.end and one.end < facts.until:
        return f"it ended on {one.end}" if one.end < facts.day else f"it ends on {one.end}, and the order says no day"
    if one.left is not None and one.left < max(facts.quantity or 0, 1e-9):
        return _why_not_enough(one, one.left)
    if one.side and one.side != "both" and one.side != facts.side:
        return f"it is for the {one.side} side" + ("" if facts.side else ", and the order says no side")
    return None


def _why_not_enough(one: Authorization, left: float) -> str:
    beside = " beside other orders of this call" if one.taken else ""
    if left > 0:
        return f"{left:g} are left of it{beside}, and the order asks for more"
    return "what is left of it goes to other orders of this call" if left + one.taken > 0 else "it is used up"


def _limits(one: Authorization) -> list[Detail]:
    period = {"start": one.start, "end": one.end}
    told = {name: day.isoformat() for name, day in period.items() if day}
    limits = [Detail("allowed-period", {"valuePeriod": told})] if told else []
    if one.left is not None:
        left = int(one.left) if one.left == int(one.left) else one.left
        limits.append(Detail("allowed-quantity", {"valueQuantity": {"value": left}}, "left of the authorization"))
    return limits
