"""Conditions on what an order says of its circumstances: a closed vocabulary of facts, and no expression language.

A fact may be known or not, so a condition holds, does not hold, or is open (None). What is open is asked for with the
guide's own code (info-needed).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from cards.coding import CodeSystems, Coding
from cards.errors import DocumentError
from cards.npi import is_npi

Json = Mapping[str, Any]


class Fact(StrEnum):
    """What a condition can ask, as policies write it (docs/policy-format.md)."""

    PLACE = "place-of-service"
    SETTING = "setting"
    PERFORMER = "performer-type"
    PERFORMED_BY = "performed-by"
    ORDERED_BY = "ordered-by"
    AGE = "age"
    QUANTITY = "quantity"
    SIDE = "laterality"
    BESIDE = "ordered-with"


class FactKind(NamedTuple):
    """A fact in words, the `info-needed` code for its absence, and what to do about that."""

    words: str
    info_needed: str
    advice: str


FACTS: Final[Mapping[Fact, FactKind]] = {
    Fact.PLACE: FactKind("the place of service", "location", "State the place of service on the order, as a code."),
    Fact.SETTING: FactKind(
        "the setting of the encounter",
        "location",
        "Name the encounter of the service on the order.",
    ),
    Fact.PERFORMER: FactKind("who performs it", "performer", "State on the order what kind of performer is meant."),
    Fact.PERFORMED_BY: FactKind("who performs it", "performer", "Name who performs it on the order, with an NPI."),
    Fact.ORDERED_BY: FactKind("who orders it", "OTH", "Name the requester on the order, with an NPI."),
    Fact.AGE: FactKind(
        "the patient's age on the day of service", "OTH", "Send the Patient's birth date with the call."
    ),
    Fact.QUANTITY: FactKind("the quantity", "OTH", "State the quantity on the order."),
    Fact.SIDE: FactKind("the side of the body", "detail-code", "State the side of the body on the order, as a code."),
    Fact.BESIDE: FactKind("what is ordered with it", "OTH", "Order it together with what it is for."),
}

#: The codes of CMS's place-of-service code set that are assigned; any other says nothing of the place.
PLACES: Final = frozenset(
    f"{number:02}"
    for number in (*range(1, 28), *range(31, 35), 41, 42, *range(49, 59), *range(60, 63), 65, 66, 71, 72, 81, 99)
)

#: What an encounter's class can be: HL7 v3 ActEncounterCode.
SETTINGS: Final = frozenset({"AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR"})

#: Facts whose codes are these and no others, and what they are called.
_CLOSED: Final[Mapping[Fact, tuple[frozenset[str], str]]] = {
    Fact.PLACE: (PLACES, "an assigned place-of-service code of CMS"),
    Fact.SETTING: (SETTINGS, f"a class of an encounter (known: {', '.join(sorted(SETTINGS))})"),
}

#: Facts that are NPIs of lists which the policy has.
_PROVIDERS: Final = frozenset({Fact.PERFORMED_BY, Fact.ORDERED_BY})

#: Facts that are ranges of numbers; all others are codes.
_NUMBERS: Final = frozenset({Fact.AGE, Fact.QUANTITY})

#: The least and the most that a number may be.
Range = tuple[float, float]


class Facts(Protocol):
    """What is known of the circumstances of one order."""

    def codes(self, fact: Fact) -> frozenset[Any]:
        """Return what is stated of a fact; nothing where it is not."""

    def range(self, fact: Fact) -> Range | None:
        """Return what is known of a number; None where nothing is."""

    def words(self, fact: Fact) -> str:
        """Return what is known of a fact in words that may be shown."""

    def info_needed(self, fact: Fact) -> str:
        """Return the guide's code for what would settle a fact."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: a fact, and the codes or the range that it is to be in."""

    fact: Fact
    codes: frozenset[Any] = frozenset()
    range: Range = (float("-inf"), float("inf"))

    def holds(self, facts: Facts) -> bool | None:
        """Tell whether the condition holds; None where what is known leaves it open."""
        if self.fact in _NUMBERS:
            return self._holds_of(facts.range(self.fact))
        stated = facts.codes(self.fact)
        if self.fact is Fact.BESIDE:  # the orders of a call are known
            return not stated.isdisjoint(self.codes)
        if not stated:
            return None
        if stated <= self.codes:
            return True
        return False if stated.isdisjoint(self.codes) else None

    def _holds_of(self, known: Range | None) -> bool | None:
        if known is None:
            return None
        low, high = self.range
        if low <= known[0] and known[1] <= high:
            return True
        return False if known[1] < low or known[0] > high else None


class Named(NamedTuple):
    """What conditions can name: the code systems, the codes of the policy's groups, its lists of providers by NPI."""

    systems: CodeSystems
    groups: Mapping[str, Iterable[Any]] = {}
    providers: Mapping[str, Iterable[Any]] = {}


def read_conditions(entry: Json, path: str, named: Named) -> tuple[Condition, ...]:
    """Read the `if` of an answer, which has passed policy.schema.json: all of its conditions are to hold."""
    return tuple(_read_condition(Fact(name), value, f"{path}.{name}", named) for name, value in entry.items())


def _read_condition(fact: Fact, value: Any, path: str, named: Named) -> Condition:
    if fact in _NUMBERS:
        low, high = value.get("at-least", float("-inf")), value.get("at-most", float("inf"))
        if low > high:
            raise DocumentError(path, f"at-least {low} is more than at-most {high}: this can never be")
        return Condition(fact, range=(low, high))
    if fact is Fact.BESIDE:
        return Condition(fact, _join("group", value, path, named.groups))
    if fact in _PROVIDERS:
        return Condition(fact, _join("list of providers", value, path, named.providers))
    if fact is Fact.PERFORMER:
        return Condition(fact, frozenset(read_code(code, path, named.systems) for code in value))
    known, kind = _CLOSED.get(fact, (None, ""))
    for number, code in enumerate(value):
        if known is not None and code not in known:
            raise DocumentError(f"{path}[{number}]", f"{code} is not {kind}: no order can say it")
    return Condition(fact, frozenset(value))


def _join(kind: str, names: Iterable[str], path: str, known: Mapping[str, Iterable[Any]]) -> frozenset[Any]:
    """Return what is in any of some groups or lists of the policy; DocumentError where it has none of that name."""
    for name in names:
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            raise DocumentError(path, f"no {kind} {name} in this policy (known: {told})")
    return frozenset(one for name in names for one in known[name])


def read_code(text: str, path: str, systems: CodeSystems) -> Coding:
    """Read `SYSTEM CODE` as policies write it; the last word is the code, for SNOMED CT has a space in its name."""
    name, _, code = text.rpartition(" ")
    if name not in systems.by_name:
        known = ", ".join(sorted(systems.by_name))
        told = f"{text}: {name or 'a code system'} is not in the vocabulary (known: {known}){systems.nearest(name)}"
        raise DocumentError(path, told)
    return systems.coding(name, code)


def read_providers(document: Json) -> Mapping[str, frozenset[str]]:
    """Read the lists of providers of a policy; DocumentError where one holds no NPIs."""
    lists = document.get("providers", {})
    for name, listed in lists.items():
        for number, npi in enumerate(listed):
            if not is_npi(npi):
                raise DocumentError(f"$.providers['{name}'][{number}]", "is no NPI: its check digit is another")
    return {name: frozenset(listed) for name, listed in lists.items()}


def refuse_idle_providers(document: Json) -> None:
    """Raise DocumentError for a list of providers that no condition names."""
    if idle := document.get("providers", {}).keys() - set(_named_lists(document)):
        raise DocumentError(f"$.providers['{min(idle)}']", "no condition names this list: it decides nothing")


def _named_lists(value: Any) -> Iterator[str]:
    """Yield the lists of providers that conditions name, wherever in a document they stand."""
    for name, held in value.items() if isinstance(value, dict) else enumerate(value):
        if name in _PROVIDERS:
            yield from held
        elif isinstance(held, dict | list):
            yield from _named_lists(held)
