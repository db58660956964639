"""Reading an order element by element; what is not as FHIR R4 has it becomes a fault of the order, never an error."""

from collections.abc import Callable, Mapping
from typing import Final

from cards.coding import CodeSystems
from cards.elements import Fault, Json, Place, Reading
from cards.order import Order
from cards.references import literal_reference
from cards.service_days import read_service_days

#: What says what is ordered, for each request resource of CRD: the steps to a CodeableConcept,
#: `*` where an element repeats. MedicationRequest and DeviceRequest may refer to a record instead.
_CONCEPTS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "ServiceRequest": (("code",),),
    "MedicationRequest": (("medicationCodeableConcept",),),
    "DeviceRequest": (("codeCodeableConcept",),),
    "NutritionOrder": (("oralDiet", "type*"), ("supplement*", "type"), ("enteralFormula", "baseFormulaType")),
    "CommunicationRequest": (),
    "VisionPrescription": (("lensSpecification*", "product"),),
    "Appointment": (("serviceType*",),),
    "Encounter": (("serviceType",), ("type*",)),
}

#: The resources that CRD answers on.
ORDER_TYPES: Final = tuple(_CONCEPTS)

#: Words beside them that are an order's name, its details or a note.
_WORDS: Final[Mapping[str, tuple[tuple[tuple[str, ...], Place], ...]]] = {
    "NutritionOrder": (
        (("oralDiet", "instruction"), Place.ORDER_DETAIL),
        (("supplement*", "productName"), Place.CODE_TEXT),
        (("supplement*", "instruction"), Place.ORDER_DETAIL),
        (("enteralFormula", "baseFormulaProductName"), Place.CODE_TEXT),
        (("enteralFormula", "administrationInstruction"), Place.ORDER_DETAIL),
    ),
    "CommunicationRequest": ((("payload*", "contentString"), Place.ORDER_DETAIL),),
    "VisionPrescription": ((("lensSpecification*", "note*", "text"), Place.NOTE),),
    "Appointment": ((("description",), Place.CODE_TEXT), (("comment",), Place.NOTE)),
}

#: The other elements whose words and codes count, with the place they count as.
_CONCEPT_LISTS: Final = (
    ("orderDetail", Place.ORDER_DETAIL),
    ("reasonCode", Place.REASON),
    ("bodySite", Place.SITE),
)

#: Elements that say what is ordered, or why, in FHIR R5 and do not exist in R4.
_R5_ELEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ServiceRequest": ("reason",),
    "MedicationRequest": ("medication", "reason"),
    "DeviceRequest": ("code", "reason"),
    "CommunicationRequest": ("reason",),
    "Appointment": ("reason",),
    "Encounter": ("reason",),
}

#: The payload of a CommunicationRequest as R5 has it (CRD: required there).
PAYLOAD_CONTENT: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-CommunicationRequest.payload.content[x]"

#: References that R5 allows and R4 does not (CRD 2.2, Appointment.basedOn).
ALTERNATE_REFERENCE: Final = "http://hl7.org/fhir/StructureDefinition/alternate-reference"


def read_order(resource: Json, code_systems: CodeSystems, resolve: Callable[[str], Json | None] | None = None) -> Order:
    """Read any CRD request resource; what is not as it should be becomes a `Fault` of the order, never an error.

    Only the elements a decision rests on are read, so a fault always means: this could have mattered. `resolve` finds
    what the order refers to for its content or its reason.
    """
    reading = Reading(code_systems, resolve)
    kind = str(resource.get("resourceType"))
    _read_content(reading, resource, kind)
    unread = tuple(reading.missing)
    _read_circumstances(reading, resource, kind)
    _read_what_changes_the_meaning(reading, resource, kind)
    return Order(
        resource_type=kind,
        id=reading.identity(resource.get("id"), f"{kind}.id"),
        status=reading.string(resource.get("status"), f"{kind}.status"),
        do_not_perform=reading.boolean(resource.get("doNotPerform"), f"{kind}.doNotPerform"),
        codings=tuple(reading.codings),
        reasons=tuple(reading.reasons),
        texts=tuple(reading.texts),
        subject=_subject(reading, resource, kind),
        insurance=reading.references(resource["insurance"], f"{kind}.insurance") if "insurance" in resource else (),
        service_days=read_service_days(reading, resource, kind),
        faults=tuple(dict.fromkeys(reading.faults)) if reading.faults else (),
        based_on=_based_on(resource) if kind == "Appointment" else (),
        unread=unread,
        unread_reasons=tuple(reading.missing[len(unread) :]),
    )


def _read_content(reading: Reading, resource: Json, kind: str) -> None:
    """Read what is ordered: the codes and words of the resource, and of the record it refers to for them."""
    for steps in _CONCEPTS.get(kind, ()):
        for value, path in reading.values(resource, steps, kind):
            reading.concept(value, path, Place.CODE_TEXT)
    for steps, place in _WORDS.get(kind, ()):
        for value, path in reading.values(resource, steps, kind):
            reading.text(value, path, place)
    if kind in _SPECIAL:
        _SPECIAL[kind](reading, resource)
    for element in _R5_ELEMENTS.get(kind, ()):
        if element in resource:
            reading.faults.append(Fault(f"{kind}.{element}", "is an element of FHIR R5; this service reads R4"))


def _read_circumstances(reading: Reading, resource: Json, kind: str) -> None:
    """Read the details, the reasons, the places, the dosage, the notes and the instructions."""
    for element, place in _CONCEPT_LISTS:
        if element in resource:
            for value, path in reading.objects(resource[element], f"{kind}.{element}"):
                reading.concept(value, path, place)
    if "reasonReference" in resource:
        _read_reasons(reading, resource, kind)
    if "dosageInstruction" in resource:
        _read_dosage(reading, resource, kind)
    if "note" in resource:
        for value, path in reading.objects(resource["note"], f"{kind}.note"):
            reading.text(value.get("text"), f"{path}.text", Place.NOTE, value.get("time"))
    if "patientInstruction" in resource:
        reading.text(resource["patientInstruction"], f"{kind}.patientInstruction", Place.INSTRUCTION)


def _read_what_changes_the_meaning(reading: Reading, resource: Json, kind: str) -> None:
    """A modifier that is not understood may turn the order into its opposite (FHIR R4, modifierExtension)."""
    if resource.get("modifierExtension"):
        reading.faults.append(Fault(f"{kind}.modifierExtension", "is not understood here"))
    if resource.get("extension") is not None and not isinstance(resource["extension"], list):
        reading.faults.append(Fault(f"{kind}.extension", "must be an array"))


def _read_medication(reading: Reading, resource: Json) -> None:
    """Read the Medication that is ordered, and its ingredients."""
    if "medicationReference" in resource:
        path = "MedicationRequest.medicationReference.resolve()"
        reading.display(resource["medicationReference"], "MedicationRequest.medicationReference")
        medication = reading.record(resource["medicationReference"], resource)
        if medication:
            reading.concept(medication.get("code"), f"{path}.code", Place.CODE_TEXT)
            for part, part_path in reading.values(medication, ("ingredient*", "itemCodeableConcept"), path):
                reading.concept(part, part_path, Place.ORDER_DETAIL)


def _read_dosage(reading: Reading, resource: Json, kind: str) -> None:
    """Read what dosage instructions say of the place and the way, and to the patient."""
    for dosage, path in reading.objects(resource["dosageInstruction"], f"{kind}.dosageInstruction"):
        reading.text(dosage.get("text"), f"{path}.text", Place.DOSAGE)
        reading.text(dosage.get("patientInstruction"), f"{path}.patientInstruction", Place.INSTRUCTION)
        reading.concept(dosage.get("route"), f"{path}.route", Place.SITE)
        reading.concept(dosage.get("site"), f"{path}.site", Place.SITE)


def _read_device(reading: Reading, resource: Json) -> None:
    """Read the Device that is requested."""
    if "codeReference" in resource:
        path = "DeviceRequest.codeReference.resolve()"
        reading.display(resource["codeReference"], "DeviceRequest.codeReference")
        device = reading.record(resource["codeReference"], resource)
        if device:
            reading.concept(device.get("type"), f"{path}.type", Place.CODE_TEXT)
            for name, name_path in reading.values(device, ("deviceName*", "name"), path):
                reading.text(name, name_path, Place.CODE_TEXT)


def _read_payload(reading: Reading, resource: Json) -> None:
    """Read the coded content of a communication's payload (CRD: an extension from R5)."""
    for extension, path in reading.values(resource, ("payload*", "extension*"), "CommunicationRequest"):
        if extension.get("url") == PAYLOAD_CONTENT:
            reading.concept(extension.get("valueCodeableConcept"), f"{path}.value", Place.CODE_TEXT)


def _read_lenses(reading: Reading, resource: Json) -> None:
    """Read the billing options on a lens (CRD 2.2, billopt-3)."""
    for lens, path in reading.values(resource, ("lensSpecification*",), "VisionPrescription"):
        if "extension" in lens:
            reading.billing_options(lens["extension"], f"{path}.extension")


_SPECIAL: Final = {
    "MedicationRequest": _read_medication,
    "DeviceRequest": _read_device,
    "CommunicationRequest": _read_payload,
    "VisionPrescription": _read_lenses,
}


def _read_reasons(reading: Reading, resource: Json, kind: str) -> None:
    """Read the Conditions (or other records with a code) that the order gives as its reasons."""
    for value, path in reading.objects(resource["reasonReference"], f"{kind}.reasonReference"):
        record = reading.record(value, resource) or {}
        reading.concept(record.get("code"), f"{path}.resolve().code", Place.REASON)
        reading.text(value.get("display"), f"{path}.display", Place.REASON)


def _subject(reading: Reading, resource: Json, kind: str) -> str | None:
    """Return whom the order is for: an Appointment names its patient among the participants.

    What does not say it as FHIR does is a fault: it may name another patient than the call.
    """
    name = "subject" if resource.get("subject") else "patient"
    subject = resource.get(name)
    if subject is None and isinstance(resource.get("participant"), list):
        actors = (literal_reference(p.get("actor")) for p in resource["participant"] if isinstance(p, dict))
        return next((actor for actor in actors if actor and "Patient/" in actor), None)
    if isinstance(subject, dict):
        return reading.string(subject.get("reference"), f"{kind}.{name}.reference")
    if subject:
        reading.faults.append(Fault(f"{kind}.{name}", "must be an object"))
    return None


def _based_on(resource: Json) -> tuple[str, ...]:
    """Return the orders an Appointment is based on, those of R5's alternate references among them."""
    based_on = resource.get("basedOn")
    found = []
    for reference in based_on if isinstance(based_on, list) else ():
        found.append(literal_reference(reference))
        extensions = reference.get("extension") if isinstance(reference, dict) else None
        for extension in extensions if isinstance(extensions, list) else ():
            if isinstance(extension, dict) and extension.get("url") == ALTERNATE_REFERENCE:
                found.append(literal_reference(extension.get("valueReference")))
    return tuple(reference for reference in found if reference)
