"""Who pays: the Coverage of the patient, and which payer of the directory it names."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems, Coding, fold_uri
from cards.references import find_contained, is_usable_id, literal_reference, record_key

Json = Mapping[str, Any]

#: What a Coverage without an `order` sorts as: after those that say which they are.
_LAST: Final = 1_000_000


class Identifier(NamedTuple):
    """A business identifier; the system is folded as code systems are, the value compares exactly."""

    system: str
    value: str


def identifier(system: str, value: str) -> Identifier:
    """Return the identifier with its system folded to one spelling."""
    return Identifier(fold_uri(system), value.strip())


class CoverageProblem(Enum):
    """What is not known of the coverage of an order, or of its payer; the value says it."""

    NONE = "no coverage of the patient was sent or found"
    NOT_FOUND = "no coverage of the patient was found"
    INACTIVE = "no coverage of the patient is in force on the day of service"
    UNSURE_DAY = "the coverage is not in force on all days that the service may be on; the order says no exact day"
    NOT_THE_ONE_NAMED = "the coverage that the order names was not sent or found"
    GAVE_WAY = "the coverage that the order names was not sent or found, so the one that was sent counts"
    SEVERAL = "several coverages of the patient were sent or found; send only the primary one"
    UNREAD = "the coverage of the patient could not be read"
    NO_PAYER_IDENTIFIER = "no identifier of the coverage's payer was sent or found"
    NO_IDENTIFIER_SYSTEM = "the identifier of the coverage's payer has no system"
    UNSENT_PAYER = "the payer of the coverage was neither sent nor to be read"
    UNREAD_PAYER = "the payer of the coverage could not be read"
    UNKNOWN_PAYER = "the payer of the coverage is not one this service answers for"
    SELF_PAY = "the coverage is the patient's own payment, so no payer is asked"
    OTHER_PATIENT = "the order is for another patient than the call"
    NO_MEMBER = "the payer has no member with the ids that were sent"
    NO_COVERAGE = "the payer knows the member, but no single coverage of it"
    SEVERAL_MEMBERS = "the ids that were sent may be those of several members of the payer"
    NO_MEMBER_ID = "the coverage says no id of the member, so the payer's members could not be asked"
    LOOK_UP_FAILED = "the payer's members could not be asked"


@dataclass(frozen=True, slots=True)
class Coverage:
    """A Coverage, as far as it says who pays.

    `reference` is the form this service writes back to the client; without an id there is none, and the payer is
    known all the same. `starts` and `ends` are the period's dates as written, a year or a month at the least.
    `unread_payors` are payors that did not come along, as literal references; `classes` what Coverage.class says of
    group and plan, `has_bare_identifier` that a payer's identifier has no system, `is_self_pay` that a person pays.
    `source` is the resource it was read from.
    """

    reference: str | None
    starts: str | None
    ends: str | None
    status: str | None
    order: int
    payer_identifiers: frozenset[Identifier]
    payer_names: tuple[str, ...]
    types: tuple[Coding, ...]
    unread_payors: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    has_bare_identifier: bool = False
    is_self_pay: bool = False
    source: Json | None = field(default=None, compare=False, repr=False)

    @property
    def last_day(self) -> date | None:
        """The day the coverage ends on, where its period names one."""
        try:
            return date.fromisoformat(self.ends) if self.ends else None
        except ValueError:
            return None

    def is_active(self, on: date) -> bool:
        """Tell whether the coverage counts on a day; a missing status counts, since clients search for active ones."""
        return self.is_active_within(on, on)

    def is_active_within(self, first: date, last: date) -> bool:
        """Tell whether the coverage counts on any day from `first` to `last`."""
        begun = self.starts is None or self.starts <= last.isoformat()[: len(self.starts)]
        ended = self.ends is not None and self.ends < first.isoformat()[: len(self.ends)]
        return self.status in (None, "active") and begun and not ended


#: A status of a Coverage that is none of the patient's: it was never meant for the record, or is not complete yet.
_NO_RECORD: Final = frozenset({"entered-in-error", "draft"})


def is_of_record(resource: Json) -> bool:
    """Tell whether a Coverage says anything of the patient's insurance: even that it has ended (FHIR R4, status)."""
    return _status(resource) not in _NO_RECORD


#: Returns the resource that a literal reference in some resource names, where it came.
Resolve = Callable[[str], Json | None]


def read_coverage(resource: Json, code_systems: CodeSystems | None = None, resolve: Resolve | None = None) -> Coverage:
    """Read a Coverage with what is known of its payor.

    `resolve` finds what a reference in the Coverage names; the payor may also be contained, or stand in the reference
    itself as an identifier or a display.
    """
    payors = [_read_payor(payor, resource, resolve) for payor in _objects(resource.get("payor"))]
    identifiers = [entry for payor in payors for entry in payor.identifiers]
    order, identity = resource.get("order"), resource.get("id")
    period = resource.get("period")
    return Coverage(
        reference=f"Coverage/{identity}" if isinstance(identity, str) and is_usable_id(identity) else None,
        starts=_day(period, "start"),
        ends=_day(period, "end"),
        status=_status(resource),
        order=order if type(order) is int else _LAST,
        payer_identifiers=frozenset([identifier(system, value) for system, value in identifiers if system]),
        payer_names=tuple([name for payor in payors for name in payor.names]),
        types=_types(resource.get("type"), code_systems) if code_systems else (),
        unread_payors=tuple([payor.unread for payor in payors if payor.unread]),
        classes=tuple(_classes(resource.get("class"))),
        has_bare_identifier=any(not system for system, _ in identifiers),
        is_self_pay=(bool(payors) and all(payor.is_person for payor in payors)) or _is_self_pay(resource.get("type")),
        source=resource,
    )


def _status(resource: Json) -> str | None:
    status = resource.get("status")
    return None if status is None else str(status).strip().lower()


class _Payor(NamedTuple):
    """What one payor of a Coverage says of itself; a system that an identifier lacks is empty."""

    identifiers: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    unread: str | None
    is_person: bool


#: The resource types of a payor that is no organization.
_PERSONS: Final = frozenset({"Patient", "RelatedPerson"})

#: FHIR's own code system for those who pay for themselves.
_SELF_PAY: Final = "http://terminology.hl7.org/CodeSystem/coverage-selfpay"


def _read_payor(payor: Json, coverage: Json, resolve: Resolve | None) -> _Payor:
    reference = literal_reference(payor)
    found = _resolve(reference, coverage, resolve) if reference else None
    kind = (found or {}).get("resourceType") or record_key(reference or "").partition("/")[0]
    said_type = payor.get("type")
    is_person = (isinstance(kind, str) and kind in _PERSONS) or (isinstance(said_type, str) and said_type in _PERSONS)
    organization = found if found and found.get("resourceType") == "Organization" else {}
    alias = organization.get("alias")
    said = (payor.get("display"), organization.get("name"), *(alias if isinstance(alias, list) else ()))
    marks = (payor.get("identifier"), *_objects(organization.get("identifier")))
    return _Payor(
        identifiers=tuple([pair for mark in marks if (pair := _read_identifier(mark))]),
        names=tuple([name for name in said if isinstance(name, str)]),
        unread=reference if not organization and not is_person else None,
        is_person=is_person,
    )


def _read_identifier(value: Any) -> tuple[str, str] | None:
    """Return system and value of an Identifier; the system is empty where there is none."""
    found = value.get("value") if isinstance(value, dict) else None
    system = value.get("system") if isinstance(value, dict) else None
    if not isinstance(found, str) or not found.strip():
        return None
    return (system if isinstance(system, str) else "", found)


def _is_self_pay(concept: Any) -> bool:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return any(coding.get("system") == _SELF_PAY for coding in _objects(codings))


def _classes(value: Any) -> Iterator[str]:
    """Yield what Coverage.class says: the value and the name of each group, plan and the like."""
    for entry in _objects(value):
        yield from (text for text in (entry.get("value"), entry.get("name")) if isinstance(text, str))


def _day(period: Any, member: str) -> str | None:
    value = period.get(member) if isinstance(period, dict) else None
    return value[:10] if isinstance(value, str) and value[:4].isdigit() else None


def _types(concept: Any, code_systems: CodeSystems) -> tuple[Coding, ...]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return tuple(
        code_systems.coding(coding["system"], coding["code"])
        for coding in _objects(codings)
        if isinstance(coding.get("system"), str) and isinstance(coding.get("code"), str)
    )


def _resolve(reference: str, coverage: Json, resolve: Resolve | None) -> Json | None:
    if resolve:
        return resolve(reference)
    return find_contained(reference, coverage) if reference.startswith("#") else None


def _objects(value: Any) -> list[Json]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
