"""The elements of orders and encounters that say facts about them; what is not as FHIR R4 has it says none."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from cards.npi import npis
from cards.references import literal_reference

Json = Mapping[str, Any]


def is_on(encounter: Json, day: date) -> bool:
    """Tell whether a day lies within an encounter; of one without an end only its first day is known to."""
    period = encounter.get("period")
    start, end = (period.get("start"), period.get("end")) if isinstance(period, dict) else (None, None)
    if not isinstance(start, str):
        return False
    last = end if isinstance(end, str) else start
    return start[:10] <= day.isoformat() <= last[:10]


def years(born: tuple[Any, ...], on: date) -> int:
    return int(on.year - born[0] - ((on.month, on.day) < (born[1], born[2])))


def codings(concepts: Any) -> Iterator[tuple[str, str]]:
    """Yield the complete codings of a CodeableConcept or a list of them."""
    for concept in concepts if isinstance(concepts, list) else [concepts]:
        codings = concept.get("coding") if isinstance(concept, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            system, code = (coding.get("system"), coding.get("code")) if isinstance(coding, dict) else (None, None)
            if isinstance(system, str) and isinstance(code, str):
                yield system, code.strip()


def locations_of(resource: Json) -> Iterator[str]:
    """Yield the Locations that an order, an Appointment or an Encounter names."""
    listed = (resource.get(name) for name in ("locationReference", "location", "participant"))
    for item in (one for items in listed if isinstance(items, list) for one in items if isinstance(one, dict)):
        for value in (item, item.get("location"), item.get("actor")):
            reference = literal_reference(value)
            if reference and (value is not item.get("actor") or "Location/" in reference):
                yield reference


def amounts(resource: Json) -> Iterator[float]:
    dispense = resource.get("dispenseRequest")
    holders = (resource.get("quantityQuantity"), dispense.get("quantity") if isinstance(dispense, dict) else None)
    for quantity in holders:
        value = quantity.get("value") if isinstance(quantity, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield float(value)


#: What leads from a role to whose role it is, and to where; the first that is there counts.
_OF_ROLE: Final = ("practitioner", "organization")


def npis_of(named: Any, within: Json, find: Callable[[str, Json], Json | None]) -> frozenset[str]:
    """Return the NPIs of a provider that a Reference in a resource names; `find` returns the record it leads to.

    A role is that of its practitioner; only one without is that of its organization.
    """
    if stated := npis(named):
        return stated
    reference = literal_reference(named)
    record = (find(reference, within) if reference else None) or {}
    if reference and record.get("resourceType") == "PractitionerRole":
        whose = next((record[name] for name in _OF_ROLE if name in record), None)
        if stated := npis(whose):
            return stated
        whom = literal_reference(whose)
        record = (find(whom, within if reference.startswith("#") else record) if whom else None) or {}
    return npis(record) if record.get("resourceType") in ("Practitioner", "Organization") else frozenset()


def performers(resource: Json) -> Iterator[Any]:
    """Yield the References to who is to carry out an order: of a ServiceRequest several, of others one."""
    held = resource.get("performer")
    yield from held if isinstance(held, list) else [held] if held is not None else []
