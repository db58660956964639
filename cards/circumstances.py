"""The circumstances of one order: what it, and the records it refers to, say of the facts that conditions ask.

They are read when a condition asks, and never before: most policies ask for none. Only codes count, no text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

from cards.authorization import sides_of
from cards.coding import CodeSystems, fold_system
from cards.conditions import FACTS, PLACES, Fact, Range
from cards.elements import Json
from cards.fact_elements import amounts, codings, is_on, locations_of, npis_of, performers, years
from cards.order import Order
from cards.references import find_contained, literal_reference

#: The code set that says where a service is furnished (CMS), as it is written, in any spelling of a URL.
PLACE_OF_SERVICE: Final = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"

#: HL7 v3 ActCode, which Encounter.class is from.
_ACT_CODE: Final = fold_system("http://terminology.hl7.org/CodeSystem/v3-ActCode")

#: What says a side beside modifiers of a procedure's code: SNOMED CT qualifiers of a body site.
_SIDES: Final = {"7771000": "left", "24028007": "right", "51440002": "both"}

#: Requests that a `dependency` of coverage information may name in every version of the guide.
_NAMED: Final = frozenset(
    {"Appointment", "CommunicationRequest", "DeviceRequest", "MedicationRequest", "NutritionOrder", "ServiceRequest"}
)


@dataclass(frozen=True, eq=False)
class Circumstances:
    """What conditions can ask of one order; `resources` are the order and those that it is made for.

    `resolve` finds a record that came or was read; `encounter`, `patient` and the `performer` that orders are
    dispatched to are those of the call, as references.
    `place_systems` are spellings, folded, of the place-of-service code set that the payer's file adds. `beside` are the
    other orders of the call. The service begins on a day from `day` to `last_day`; `has_day`: the order says so.
    """

    resources: Sequence[Json]
    code_systems: CodeSystems
    resolve: Callable[[str], Json | None]
    day: date
    last_day: date
    has_day: bool = False
    encounter: str | None = None
    performer: str | None = None
    patient: str | None = None
    place_systems: frozenset[str] = frozenset()
    beside: Callable[[], Sequence[Order]] = tuple
    trusts_encounter: bool = True
    _sought: dict[str, None] = field(default_factory=dict, repr=False)

    def codes(self, fact: Fact) -> frozenset[Any]:
        """Return what is stated of a fact that has codes; nothing where it is not."""
        match fact:
            case Fact.PLACE:
                return self._place if self._place or not self.trusts_encounter else self._place_of_encounter
            case Fact.SETTING:
                return self._setting if self.trusts_encounter else frozenset()
            case Fact.PERFORMER:
                return self._performers
            case Fact.PERFORMED_BY:
                return self._performed_by
            case Fact.ORDERED_BY:
                return self._ordered_by
            case Fact.SIDE:
                return self._side
            case _:
                return frozenset(at.coding for order in self.beside() for at in order.codings)

    def range(self, fact: Fact) -> Range | None:
        """Return what is known of a number."""
        return self._age if fact is Fact.AGE else self._quantity

    def words(self, fact: Fact) -> str:
        """Return what is known of a fact, as an answer that rests on it discloses it; nothing about the patient."""
        known = self.codes(fact) if fact in (Fact.PLACE, Fact.SETTING, Fact.SIDE) else ()
        named = " and ".join(sorted(known))
        return _TOLD[fact].format(named)

    def info_needed(self, fact: Fact) -> str:
        """Return the guide's code for what would settle a fact: an age that is open for its day alone needs that."""
        if fact is Fact.AGE and self._age and self.day != self.last_day:
            return "timeframe"
        return FACTS[fact].info_needed

    def rests_on_encounter(self, facts: Iterable[Fact]) -> bool:
        """Tell whether only an encounter says one of some facts, of which it is not known to be that of the service."""
        if not self.trusts_encounter or self.has_day or self._is_encounter:
            return False
        asked = set(facts)
        return Fact.SETTING in asked or (Fact.PLACE in asked and not self._place)

    def unread(self, facts: Iterable[Fact]) -> list[str]:
        """Return the records, as literal references, that would say some facts and are not had."""
        for fact in facts:
            if fact in _IN_RECORDS:
                self.codes(fact)
        return list(self._sought)

    def named_beside(self, codings: frozenset[Any]) -> tuple[str, ...]:
        """Return the other orders of the call that are for some codes, as references."""
        found = (o.reference for o in self.beside() if codings & {at.coding for at in o.codings} and _can_be_named(o))
        return tuple(dict.fromkeys(found))

    @cached_property
    def _place(self) -> frozenset[str]:
        """The place of service that the order states: its own code, else that of the Location it names."""
        stated = frozenset(code for r in self.resources for code in self._place_codes(r.get("locationCode")))
        return stated or self._place_of_locations(self.resources)

    @cached_property
    def _place_of_encounter(self) -> frozenset[str]:
        return self._place_of_locations(self._encounters)

    def _place_of_locations(self, resources: Iterable[Json]) -> frozenset[str]:
        found = (self._find(reference, r) for r in resources for reference in locations_of(r))
        return frozenset(code for location in found if location for code in self._place_codes(location.get("type")))

    def _place_codes(self, concepts: Any) -> Iterator[str]:
        for system, code in codings(concepts):
            folded = fold_system(system)
            if (folded == _PLACES or folded in self.place_systems) and code in PLACES:
                yield code

    @cached_property
    def _encounters(self) -> tuple[Json, ...]:
        """The encounter of the service: the order itself, that which it names, else that of the call.

        One on other days than the service is not that of the service.
        """
        if self._is_encounter:
            return tuple(self.resources)
        named = [(literal_reference(r.get("encounter")), r) for r in self.resources]
        wanted = [(reference, r) for reference, r in named if reference]
        if not wanted and self.encounter:
            wanted = [(self.encounter, {})]
        found = (self._find(reference, r) for reference, r in wanted)
        return tuple(one for one in found if one and (not self.has_day or is_on(one, self.day)))

    @property
    def _is_encounter(self) -> bool:
        return bool(self.resources) and self.resources[0].get("resourceType") == "Encounter"

    @cached_property
    def _setting(self) -> frozenset[str]:
        classes = ([{"coding": [e.get("class")]}] for e in self._encounters)
        found = (coding for concepts in classes for coding in codings(concepts))
        return frozenset(code.upper() for system, code in found if fold_system(system) == _ACT_CODE and code.isalpha())

    @cached_property
    def _performers(self) -> frozenset[Any]:
        systems = self.code_systems
        found = (coding for r in self.resources for coding in codings(r.get("performerType")))
        return frozenset(reading for system, code in found for reading in systems.readings(system, code))

    @cached_property
    def _performed_by(self) -> frozenset[str]:
        """The NPIs of who performs it: whom the order is dispatched to, else those that it names."""
        if self.performer:
            return self._npis([({"reference": self.performer}, {})])
        return self._npis([(named, r) for r in self.resources for named in performers(r)])

    @cached_property
    def _ordered_by(self) -> frozenset[str]:
        return self._npis([(r["requester"], r) for r in self.resources if "requester" in r])

    def _npis(self, named: Iterable[tuple[Any, Json]]) -> frozenset[str]:
        """Return the NPIs of providers; nothing where one of them has none, so that it may be anybody."""
        found = [npis_of(one, within, self._find) for one, within in named]
        return frozenset().union(*found) if all(found) else frozenset()

    @cached_property
    def _side(self) -> frozenset[str]:
        sites = (code for r in self.resources for _, code in codings(r.get("bodySite")))
        stated = frozenset(_SIDES[code] for code in sites if code in _SIDES)
        return stated or frozenset(side for r in self.resources for side in self._sides_of_modifiers(r))

    def _sides_of_modifiers(self, resource: Json) -> Iterator[str]:
        for name in ("code", "codeCodeableConcept"):
            for system, code in codings(resource.get(name)):
                base = self.code_systems.coding(system, code).code
                yield from sides_of(code, base)

    @cached_property
    def _age(self) -> Range | None:
        """The patient's age in years, as far as the birth date and the day of service tell it."""
        patient = self._find(self.patient, self.resources[0]) if self.patient and self.resources else None
        born = patient.get("birthDate") if patient else None
        found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", born) if isinstance(born, str) else None
        if not found:
            return None
        year, month, day = (int(part) if part else None for part in found.groups())
        first, last = (year, month or 1, day or 1), (year, month or 12, day or 31)
        return years(last, self.day), years(first, self.last_day)

    @cached_property
    def _quantity(self) -> Range | None:
        stated = [amount for r in self.resources for amount in amounts(r)]
        return (min(stated), max(stated)) if stated else None

    def _find(self, reference: str, within: Json) -> Json | None:
        found = find_contained(reference, within) if reference.startswith("#") else self.resolve(reference)
        if found is None and not reference.startswith("#"):
            self._sought[reference] = None
        return found


_PLACES: Final = fold_system(PLACE_OF_SERVICE)

#: Facts that other records say, which may have to be read.
_IN_RECORDS: Final = frozenset({Fact.PLACE, Fact.SETTING, Fact.PERFORMED_BY, Fact.ORDERED_BY})

#: How an answer names the facts that it rests on; of the patient it says nothing.
_TOLD: Final = {
    Fact.PLACE: "place of service {}",
    Fact.SETTING: "encounter class {}",
    Fact.PERFORMER: "the type of performer",
    Fact.PERFORMED_BY: "who performs it",
    Fact.ORDERED_BY: "who orders it",
    Fact.AGE: "the patient's age",
    Fact.QUANTITY: "the quantity",
    Fact.SIDE: "side {}",
    Fact.BESIDE: "what is ordered with it",
}


def _can_be_named(order: Order) -> bool:
    return bool(order.id) and order.resource_type in _NAMED


#: Where nothing is known beside the order's codes.
UNKNOWN: Final = Circumstances((), CodeSystems({}), lambda _: None, date.min, date.min)
