"""Hook calls as an EHR sends them, made around one order: an invented patient, a coverage, and what the hook wants."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cards import Payer, PayerDirectory
from cards.fact_elements import performers
from cards.npi import npis
from cds_hooks.hooks.services import SERVICES, Service
from cds_hooks.rules.cases import ANY_PAYER

_SERVICES: Final = {service.hook: service for service in SERVICES}

_PROFILES: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-"
_HL7: Final = "http://terminology.hl7.org/CodeSystem"

PATIENT: Final[Mapping[str, Any]] = {
    "resourceType": "Patient",
    "id": "pat-1",
    "name": [{"family": "Invented", "given": ["Ida"]}],
    "gender": "female",
    "birthDate": "1971-04-02",
}

_SUBJECT: Final = {"reference": "Patient/pat-1"}
_PRACTITIONER: Final = {"reference": "Practitioner/prac-1"}

#: What may be known of the coverage besides a payer of the directory: the value of the form, and how it is called.
SITUATIONS: Final = (
    ("another-payer", "A payer that this service does not answer for"),
    ("self-pay", "The patient pays, without insurance"),
    ("ended", "A coverage that has ended"),
    ("none", "No coverage is sent"),
)

_INVENTED: Final = replace(ANY_PAYER, id="another-payer", name="Invented Insurance Company", is_default=False)


def service_of(hook: str) -> Service:
    """Return the service that answers a hook."""
    return _SERVICES[hook]


def write_call(
    order: Mapping[str, Any], hook: str, version: str, coverage: str, on: str, payers: PayerDirectory, member: str = ""
) -> dict[str, Any]:
    """Return the call of a hook about one order, to be done on a day, under a coverage as the form names it.

    Of a `member` by an id the invented patient is, and then says no birth date.
    """
    placed = _place(order, on)
    context = {"userId": "Practitioner/prac-1", "patientId": "pat-1"}
    patient = {name: value for name, value in PATIENT.items() if not member or name != "birthDate"}
    prefetch: dict[str, Any] = {"patient": patient, "coverage": _coverages(coverage, payers, member)}
    more_context, more_prefetch = _CONTEXTS[hook](placed, version, on)
    return {
        "hook": hook,
        "hookInstance": str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)),
        "context": context | more_context,
        "prefetch": prefetch | more_prefetch,
        "extension": {"davinci-crd.requestedVersion": version},
    }


#: Orders that say their day elsewhere, or nowhere.
_DAYS: Final[Mapping[str, str]] = {"NutritionOrder": "dateTime", "VisionPrescription": "dateWritten"}


def _place(order: Mapping[str, Any], on: str) -> dict[str, Any]:
    """Return an order as it stands in a draft: with an id, status, patient and day, where it has none of its own."""
    kind = str(order.get("resourceType", "ServiceRequest"))
    usual = {"id": "order-1", "meta": {"profile": [f"{_PROFILES}{kind.lower()}"]}, "status": "draft", "intent": "order"}
    known = {"subject": _SUBJECT, "authoredOn": on, "requester": _PRACTITIONER}
    has_day = any(name.startswith("occurrence") for name in order)
    if kind == "MedicationRequest":
        day: dict[str, Any] = (
            {} if "dispenseRequest" in order else {"dispenseRequest": {"validityPeriod": {"start": on}}}
        )
    else:
        day = {} if has_day else {_DAYS.get(kind, "occurrenceDateTime"): on}
    return {"resourceType": kind, **usual, **order, **{k: v for k, v in known.items() if k not in order}, **day}


def _coverages(name: str, payers: PayerDirectory, member: str) -> dict[str, Any]:
    """Return what an EHR sends of the patient's coverage."""
    if name == "none":
        return _bundle("searchset")
    payer = next((one for one in payers.payers if one.id == name), payers.default if name == "ended" else _INVENTED)
    coverage: dict[str, Any] = {
        "resourceType": "Coverage",
        "id": "cov-1",
        "status": "active",
        "beneficiary": _SUBJECT,
        "relationship": {"coding": [{"system": f"{_HL7}/subscriber-relationship", "code": "self"}]},
    }
    if member:
        coverage["subscriberId"] = member
    if name == "ended":
        coverage["period"] = {"start": "2019-01-01", "end": "2019-12-31"}
    if name == "self-pay":
        pays = {"type": {"coding": [{"system": f"{_HL7}/coverage-selfpay", "code": "pay"}]}, "payor": [_SUBJECT]}
        return _bundle("searchset", coverage | pays)
    named = {"contained": [_organization(payer)], "payor": [{"reference": "#payer"}]}
    return _bundle("searchset", coverage | named)


def _organization(payer: Payer) -> dict[str, Any]:
    organization: dict[str, Any] = {"resourceType": "Organization", "id": "payer", "active": True, "name": payer.name}
    marks = [{"system": _as_uri(mark.system), "value": mark.value} for mark in sorted(payer.identifiers)]
    return organization | ({"identifier": marks[:1]} if marks else {})


def _as_uri(system: str) -> str:
    """Return a folded system as a URI: folding takes the scheme of a URL away."""
    return system if ":" in system.partition("/")[0] else f"http://{system}"


def _bundle(kind: str, *resources: Mapping[str, Any]) -> dict[str, Any]:
    total = {"total": len(resources)} if kind == "searchset" else {}
    return {"resourceType": "Bundle", "type": kind, **total, "entry": [{"resource": dict(one)} for one in resources]}


#: Members of context, and of prefetch, that a hook has besides the usual ones.
Asked = tuple[dict[str, Any], dict[str, Any]]


def _sign(order: dict[str, Any], _version: str, _on: str) -> Asked:
    return {"draftOrders": _bundle("collection", order)}, {}


def _select(order: dict[str, Any], _version: str, _on: str) -> Asked:
    return {"selections": [_reference(order)], "draftOrders": _bundle("collection", order)}, {}


def _reference(order: Mapping[str, Any]) -> str:
    return f"{order['resourceType']}/{order['id']}"


def _dispatch(order: dict[str, Any], version: str, _on: str) -> Asked:
    key = f"{order['resourceType'][:1].lower()}{order['resourceType'][1:]}s"
    reference = _reference(order)
    named: dict[str, Any] = {"order": reference} if version == "2.0" else {"dispatchedOrders": [reference]}
    sent = {key: _bundle("searchset", order | {"status": "active"})}
    return {"performer": "Organization/clinic-1", **named}, sent | _clinic(order)


def _clinic(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return whom an order is dispatched to, where it says by NPI who is to perform it."""
    performer: Any = next(performers(order), None)
    if not npis(performer):
        return {}
    clinic = {"resourceType": "Organization", "id": "clinic-1", "active": True, "name": "Invented Clinic"}
    return {"performer": {**clinic, "identifier": [performer["identifier"]]}}


#: What an order says, and an Appointment cannot.
_ONLY_ORDERS_SAY: Final = ("locationCode", "performer")


def _book(order: dict[str, Any], version: str, on: str) -> Asked:
    """Return an appointment: in CRD 2.0 it says itself what it is for, later it is based on an order.

    It is based on one in 2.0, too, where that says what no Appointment can.
    """
    appointment: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": "appointment-1",
        "status": "proposed",
        "start": f"{on}T09:00:00Z",
        "end": f"{on}T09:30:00Z",
        "participant": [{"actor": _SUBJECT, "status": "accepted"}, {"actor": _PRACTITIONER, "status": "needs-action"}],
    }
    if version == "2.0" and order["resourceType"] == "ServiceRequest":
        appointment |= {"serviceType": [order.get("code", {})]}
        appointment |= {"reasonCode": order["reasonCode"]} if "reasonCode" in order else {}
        appointment |= {"comment": order["note"][0].get("text", "")} if order.get("note") else {}
        if not any(name in order for name in _ONLY_ORDERS_SAY) and order["requester"] == _PRACTITIONER:
            return {"appointments": _bundle("collection", appointment)}, {}
    based = appointment | {"basedOn": [{"reference": _reference(order)}]}
    sent = _bundle("searchset", order | {"status": "active"})
    return {"appointments": _bundle("collection", based)}, {"serviceRequests": sent}


def _meet(order: dict[str, Any], _version: str, on: str) -> Asked:
    encounter: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": "encounter-1",
        "status": "in-progress",
        "class": {"system": f"{_HL7}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
        "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "185345009"}], "text": "Office visit"}],
        "serviceType": order.get("code", {}),
        "subject": _SUBJECT,
        "period": {"start": on},
    }
    encounter |= {"reasonCode": order["reasonCode"]} if "reasonCode" in order else {}
    return {"encounterId": "encounter-1"}, {"encounter": encounter}


_CONTEXTS: Final = {
    "order-select": _select,
    "order-sign": _sign,
    "order-dispatch": _dispatch,
    "appointment-book": _book,
    "encounter-start": _meet,
    "encounter-discharge": _meet,
}
