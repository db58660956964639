"""The order that a clinician writes: from the form to FHIR, and back after something changed it."""

import re
from datetime import date
from typing import Any, Final, NamedTuple

from examples.demo_ehr.catalogue import HCPCS, Catalogue, Orderable
from examples.demo_ehr.patients import CLINICIAN, Resource

COVERAGE_INFORMATION: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

PLACES: Final = (
    ("11", "Office"),
    ("12", "Home"),
    ("19", "Hospital outpatient, off campus"),
    ("22", "Hospital outpatient, on campus"),
    ("24", "Ambulatory surgical center"),
)
_PLACE_SYSTEM: Final = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"

#: HCPCS codes of what is handed over rather than done: equipment, orthotics, prosthetics.
_DEVICE: Final = re.compile(r"[EKL]\d{4}")

#: HCPCS codes of drugs that are given, not swallowed.
_DRUG: Final = re.compile(r"J\d{4}")

#: Where an order of each kind says what is ordered.
_CONCEPTS: Final = {
    "ServiceRequest": "code",
    "DeviceRequest": "codeCodeableConcept",
    "MedicationRequest": "medicationCodeableConcept",
}

#: What of an order the form says; the rest stays as it is.
_OF_FORM: Final = (*_CONCEPTS.values(), "note", "reasonCode", "locationCode", "occurrenceDateTime", "dispenseRequest")


class OrderForm(NamedTuple):
    """What a person wrote; `codes` may be several, separated by commas."""

    codes: str = ""
    text: str = ""
    note: str = ""
    reason: str = ""
    place: str = ""
    day: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing says what is ordered."""
        return not (self.codes or self.text or self.note)


class FormError(ValueError):
    """What of a form cannot be ordered, in a sentence."""


def write_order(form: OrderForm, catalogue: Catalogue, patient: str, order_id: str, before: Resource) -> Resource:
    """Return the draft that a form describes; FormError where it describes none.

    What the payer wrote onto the order `before` stays only where nothing about the order has changed.
    """
    orderables = [_find(written, catalogue) for written in form.codes.split(",") if written.strip()]
    if form.is_empty:
        raise FormError("Choose a code, or say in words what is ordered.")
    try:
        date.fromisoformat(form.day)
    except ValueError:
        raise FormError("The day is to be a date.") from None
    described = _describe(form, orderables, before)
    if before and described == {name: before[name] for name in ("resourceType", *_OF_FORM) if name in before}:
        return before
    kind = described.pop("resourceType")
    return {
        "resourceType": kind,
        "id": order_id,
        "meta": {"profile": [f"http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-{kind.lower()}"]},
        "status": "draft",
        "intent": "order",
        **described,
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": form.day,
        "requester": {"reference": CLINICIAN},
    }


def _find(written: str, catalogue: Catalogue) -> Orderable:
    found = catalogue.find(written)
    if found is None:
        raise FormError(f"“{written.strip()}” is no code. Put it in your own words instead.")
    return found


def _describe(form: OrderForm, orderables: list[Orderable], before: Resource) -> Resource:
    """Return what of an order the form says. A coding that stands there already keeps all that it says."""
    known = {(coding.get("system"), coding.get("code")): coding for coding in concept_of(before).get("coding", ())}
    coding = [known.get((one.system, one.code)) or _coding(one) for one in orderables]
    concept = {**({"coding": coding} if coding else {}), **({"text": form.text} if form.text else {})}
    kind = _kind_of(orderables)
    order: Resource = {"resourceType": kind, _CONCEPTS[kind]: concept}
    if form.note:
        order["note"] = [{"text": form.note}]
    if form.reason:
        order["reasonCode"] = [{"text": form.reason}]
    if form.place and kind == "ServiceRequest":
        order["locationCode"] = [{"coding": [{"system": _PLACE_SYSTEM, "code": form.place}]}]
    if kind == "MedicationRequest":  # which has no day of its own but the one it may be dispensed from
        return order | {"dispenseRequest": {"validityPeriod": {"start": form.day}}}
    return order | {"occurrenceDateTime": form.day}


def _kind_of(orderables: list[Orderable]) -> str:
    """Return the kind of order that codes stand for: of a drug, of a device, else of something that is done."""
    codes = [one.code for one in orderables if one.system == HCPCS]
    if any(_DRUG.fullmatch(code) for code in codes):
        return "MedicationRequest"
    return "DeviceRequest" if any(_DEVICE.fullmatch(code) for code in codes) else "ServiceRequest"


def _coding(one: Orderable) -> dict[str, str]:
    return {"system": one.system, "code": one.code, **({"display": one.display} if one.display else {})}


def fill_form(order: Resource, catalogue: Catalogue) -> OrderForm:
    """Return the form that shows an order."""
    place: Any = next(iter(order.get("locationCode", ())), {})
    dispensed_from: Any = order.get("dispenseRequest", {}).get("validityPeriod", {})
    return OrderForm(
        codes=", ".join(_written(coding, catalogue) for coding in concept_of(order).get("coding", ())),
        text=concept_of(order).get("text", ""),
        note=next((one["text"] for one in order.get("note", ())), ""),
        reason=next((one.get("text", "") for one in order.get("reasonCode", ())), ""),
        place=next((one["code"] for one in place.get("coding", ())), ""),
        day=order.get("occurrenceDateTime") or dispensed_from.get("start", ""),
    )


def _written(coding: dict[str, str], catalogue: Catalogue) -> str:
    known = catalogue.find(coding["code"])
    return known.written if known and known.system == coding.get("system") else coding["code"]


def concept_of(order: Resource) -> dict[str, Any]:
    """Return what is ordered."""
    concept: dict[str, Any] = next((order[name] for name in _CONCEPTS.values() if order.get(name)), {})
    return concept


def title_of(order: Resource) -> str:
    """Return what is ordered, in a few words."""
    concept = concept_of(order)
    codes = [coding.get("display") or coding.get("code", "") for coding in concept.get("coding", ())]
    return str(concept.get("text") or ", ".join(codes) or "an order described by its note")
