"""An order as the matcher needs it: its codes, its own words, its status, and what of it could not be read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems, Coding

Json = Mapping[str, Any]

#: The request resources of CRD (spec 6.1, 6.2) and the elements of each that say what is ordered.
ORDER_CODE_ELEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ServiceRequest": ("code",),
    "MedicationRequest": ("medicationCodeableConcept",),
    "DeviceRequest": ("codeCodeableConcept",),
    "NutritionOrder": (),
    "CommunicationRequest": (),
    "VisionPrescription": (),
}

#: Statuses of an order that is no longer, or never was, one to be carried out.
VOID_STATUSES: Final = frozenset({"revoked", "entered-in-error", "cancelled", "stopped"})

#: CRD 2.2 `ext-billing-options`: servers SHALL consider it if sent (spec 6.1).
BILLING_OPTIONS: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"


class Place(Enum):
    """Where in an order a text stands; the value says it to a person."""

    CODE_TEXT = "the order's name"
    DISPLAY = "a code's display"
    ORDER_DETAIL = "the order's details"
    NOTE = "the order's note"
    REASON = "the order's reason"
    SITE = "the order's body site"
    DOSAGE = "the order's dosage"


class Fault(NamedTuple):
    """Something in an order that is not as FHIR R4 has it: `path` is a FHIRPath, `problem` names no value."""

    path: str
    problem: str


class OrderCoding(NamedTuple):
    """A complete code (system and code) of the order and its FHIRPath."""

    coding: Coding
    path: str


class OrderText(NamedTuple):
    """Words of the order, as written, and their FHIRPath."""

    place: Place
    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Order:
    """One draft order. `service_date` is the day the service is meant for, where the order says one."""

    resource_type: str
    id: str | None
    status: str | None
    do_not_perform: bool
    codings: tuple[OrderCoding, ...]
    reasons: tuple[Coding, ...]
    texts: tuple[OrderText, ...]
    subject: str | None
    insurance: tuple[str, ...]
    service_date: date | None
    faults: tuple[Fault, ...]

    @property
    def reference(self) -> str:
        """The order as `Type/id`, the form of `selections` and `davinci-crd.associated-resource`."""
        return f"{self.resource_type}/{self.id}"

    @property
    def is_void(self) -> bool:
        """Tell whether the order asks for nothing: not to be performed, revoked or entered in error."""
        return self.do_not_perform or (self.status or "").strip().lower() in VOID_STATUSES

    @property
    def may_be_void(self) -> bool:
        """Tell whether what says that an order is to be carried out could not be read."""
        kind = self.resource_type
        telling = {f"{kind}.status", f"{kind}.doNotPerform", f"{kind}.modifierExtension"}
        return any(fault.path in telling for fault in self.faults)

    @property
    def title(self) -> str:
        """What a person would call the order: its name, else a code's display, else its first code."""
        for place in (Place.CODE_TEXT, Place.DISPLAY):
            for text in self.texts:
                if text.place is place:
                    return text.text
        return self.codings[0].coding.code if self.codings else ""


def read_order(resource: Json, code_systems: CodeSystems, records: Mapping[str, Json] | None = None) -> Order:
    """Read any CRD request resource; what is not as it should be becomes a `Fault` of the order, never an error.

    Only the elements a decision rests on are read, so a fault always means: this could have mattered. `records`
    are other resources by `Type/id`; a reason that refers to one of them, or to a contained one, is read too.
    """
    reading = _Reading(code_systems)
    kind = str(resource.get("resourceType"))
    for element in ORDER_CODE_ELEMENTS.get(kind, ()):
        if element in resource:
            reading.concept(resource[element], f"{kind}.{element}", Place.CODE_TEXT)
    for element, place in _CONCEPT_LISTS:
        if element in resource:
            for value, path in reading.objects(resource[element], f"{kind}.{element}"):
                reading.concept(value, path, place)
    if "reasonReference" in resource:
        reading.reasons_elsewhere(resource, kind, records or {})
    if "medicationReference" in resource:
        reading.medication(resource, f"{kind}.contained")
    if "dosageInstruction" in resource:
        for value, path in reading.objects(resource["dosageInstruction"], f"{kind}.dosageInstruction"):
            reading.dosage(value, path)
    if resource.get("modifierExtension"):
        # FHIR R4: a modifier that is not understood may turn the order into its opposite.
        reading.faults.append(Fault(f"{kind}.modifierExtension", "is not understood here"))
    if resource.get("extension") is not None and not isinstance(resource["extension"], list):
        reading.faults.append(Fault(f"{kind}.extension", "must be an array"))
    if "note" in resource:
        for value, path in reading.objects(resource["note"], f"{kind}.note"):
            reading.text(value.get("text"), f"{path}.text", Place.NOTE)
    return Order(
        resource_type=kind,
        id=reading.identity(resource.get("id"), f"{kind}.id"),
        status=reading.string(resource.get("status"), f"{kind}.status"),
        do_not_perform=reading.boolean(resource.get("doNotPerform"), f"{kind}.doNotPerform"),
        codings=tuple(reading.codings),
        reasons=tuple(reading.reasons),
        texts=tuple(reading.texts),
        subject=_subject(resource),
        insurance=reading.references(resource["insurance"], f"{kind}.insurance") if "insurance" in resource else (),
        service_date=reading.service_date(resource, kind),
        faults=tuple(reading.faults),
    )


#: The other elements whose words and codes count, with the place they count as.
_CONCEPT_LISTS: Final = (
    ("orderDetail", Place.ORDER_DETAIL),
    ("reasonCode", Place.REASON),
    ("bodySite", Place.SITE),
)


#: Where an order says when, with the member that holds the day.
_OCCURRENCES: Final = (("occurrenceDateTime", None), ("occurrencePeriod", "start"), ("occurrenceTiming", "event"))

#: FHIR R4 type id.
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")

#: The beginning of a FHIR dateTime: a year, a month or a day.
_DATE_TIME: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T.*)?)?)?\Z")


class _Reading:
    """Collects codes, texts and faults while an order is read."""

    __slots__ = ("_code_systems", "codings", "faults", "reasons", "texts")

    def __init__(self, code_systems: CodeSystems) -> None:
        self._code_systems = code_systems
        self.codings: list[OrderCoding] = []
        self.reasons: list[Coding] = []
        self.texts: list[OrderText] = []
        self.faults: list[Fault] = []

    def objects(self, value: Any, path: str) -> Sequence[tuple[Json, str]]:
        """Return the objects of a repeating element; one object instead of a list is read, and is a fault."""
        if isinstance(value, list):
            found = [(item, f"{path}[{index}]") for index, item in enumerate(value) if isinstance(item, dict)]
            if len(found) != len(value):
                self.faults.append(Fault(path, "must hold objects only"))
            return found
        if value is not None:
            self.faults.append(Fault(path, "must be an array"))
        return [(value, path)] if isinstance(value, dict) else []

    def string(self, value: Any, path: str) -> str | None:
        """Return a string, or nothing and a fault."""
        if value is None or isinstance(value, str):
            return value
        self.faults.append(Fault(path, "must be a string"))
        return None

    def identity(self, value: Any, path: str) -> str | None:
        """Return a resource's id; one that is none cannot be referred to, and is a fault."""
        text = self.string(value, path)
        if text is not None and not _ID.match(text):
            self.faults.append(Fault(path, "does not have the form of an id"))
            return None
        return text

    def boolean(self, value: Any, path: str) -> bool:
        """Return a boolean; what is none is false, and a fault."""
        if value is not None and not isinstance(value, bool):
            self.faults.append(Fault(path, "must be true or false"))
        return value is True

    def references(self, value: Any, path: str) -> tuple[str, ...]:
        """Return the literal references of a repeating Reference."""
        references = (item.get("reference") for item, _ in self.objects(value, path))
        return tuple(reference for reference in references if isinstance(reference, str))

    def service_date(self, resource: Json, kind: str) -> date | None:
        """Return the day the service is meant for: of a dateTime, a Period's start or a Timing's first event."""
        for element, member in _OCCURRENCES:
            value, path = resource.get(element), f"{kind}.{element}"
            if member and isinstance(value, dict):
                value = value.get(member)
                value = value[0] if isinstance(value, list) and value else value
            if value is None or value == []:
                continue
            if isinstance(value, str) and _DATE_TIME.match(value):
                try:
                    return date.fromisoformat(value[:10]) if len(value) >= len("2026-11-23") else None
                except ValueError:
                    pass
            self.faults.append(Fault(path, "must be a date that there is"))
        return None

    def text(self, value: Any, path: str, place: Place) -> None:
        """Keep a text of the order if there is one."""
        words = self.string(value, path)
        if words and not words.isspace():
            self.texts.append(OrderText(place, words, path))

    def concept(self, value: Any, path: str, place: Place) -> None:
        """Read a CodeableConcept: its text, every coding, and the billing options on it."""
        if not isinstance(value, dict):
            self._not_a_concept(value, path, place)
            return
        if "text" in value:
            self.text(value["text"], f"{path}.text", place)
        if "coding" in value:
            for coding, coding_path in self.objects(value["coding"], f"{path}.coding"):
                self._coding(coding, coding_path, place)
        if place is Place.CODE_TEXT and "extension" in value:
            self._billing_options(value["extension"], f"{path}.extension")

    def _not_a_concept(self, value: Any, path: str, place: Place) -> None:
        if value is None:
            return
        self.faults.append(Fault(path, "must be an object"))
        if isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    self.concept(item, f"{path}[{index}]", place)

    def _coding(self, value: Json, path: str, place: Place) -> None:
        system, code = value.get("system"), value.get("code")
        if not isinstance(system, str) or not isinstance(code, str):
            system, code = self.string(system, f"{path}.system"), self.string(code, f"{path}.code")
        # A coding with no system is not a code: only its words count.
        if system and code and not system.isspace() and not code.isspace():
            coding = self._code_systems.coding(system, code)
            if place is Place.REASON:
                self.reasons.append(coding)
            elif place is not Place.SITE:
                self.codings.append(OrderCoding(coding, path))
        if "display" in value:
            display = Place.DISPLAY if place is Place.CODE_TEXT else place
            self.text(value["display"], f"{path}.display", display)

    def medication(self, resource: Json, path: str) -> None:
        """Read the contained Medication of an order: what it is, and its ingredients."""
        reference = resource["medicationReference"]
        wanted = reference.get("reference") if isinstance(reference, dict) else None
        for contained, contained_path in self.objects(resource.get("contained"), path):
            if isinstance(wanted, str) and wanted == f"#{contained.get('id')}":
                self.concept(contained.get("code"), f"{contained_path}.code", Place.CODE_TEXT)
                for part, part_path in self.objects(contained.get("ingredient"), f"{contained_path}.ingredient"):
                    self.concept(part.get("itemCodeableConcept"), f"{part_path}.item", Place.ORDER_DETAIL)

    def reasons_elsewhere(self, resource: Json, kind: str, records: Mapping[str, Json]) -> None:
        """Read the Conditions (or other records with a code) that the order gives as its reasons."""
        contained = resource.get("contained")
        beside = {f"#{c.get('id')}": c for c in contained if isinstance(c, dict)} if isinstance(contained, list) else {}
        for value, path in self.objects(resource["reasonReference"], f"{kind}.reasonReference"):
            reference = value.get("reference")
            if isinstance(reference, str):
                record = beside.get(reference) or records.get("/".join(reference.split("/")[-2:])) or {}
                self.concept(record.get("code"), f"{path}.resolve().code", Place.REASON)
            self.text(value.get("display"), f"{path}.display", Place.REASON)

    def dosage(self, value: Json, path: str) -> None:
        """Read what a dosage instruction says of the place and the way."""
        self.text(value.get("text"), f"{path}.text", Place.DOSAGE)
        self.concept(value.get("route"), f"{path}.route", Place.SITE)
        self.concept(value.get("site"), f"{path}.site", Place.SITE)

    def _billing_options(self, value: Any, path: str) -> None:
        for extension, extension_path in self.objects(value, path):
            if extension.get("url") == BILLING_OPTIONS:
                concept = extension.get("valueCodeableConcept")
                self.concept(concept, f"{extension_path}.value", Place.ORDER_DETAIL)


def _subject(resource: Json) -> str | None:
    subject = resource.get("subject") or resource.get("patient")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return reference if isinstance(reference, str) else None
