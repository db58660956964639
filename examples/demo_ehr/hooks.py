"""What is asked: the context of each hook, and the call around it.

CDS Hooks library: https://cds-hooks.hl7.org/hooks/order-select/STU1/order-select/ and its neighbours. Drafts are in the
context itself; an order that is sent or booked was signed before, so the context only refers to it.
"""

import uuid
from typing import Any

from examples.demo_ehr.fhir_server import LIFETIME, reference_of
from examples.demo_ehr.orders import concept_of
from examples.demo_ehr.patients import CLINICIAN, PERFORMER, Resource

Context = dict[str, Any]


def order_select(patient: str, order: Resource) -> Context:
    """An order is being written."""
    return order_sign(patient, order) | {"selections": [reference_of(order)]}


def order_sign(patient: str, order: Resource) -> Context:
    """An order is about to be signed."""
    return {"userId": CLINICIAN, "patientId": patient, "draftOrders": _collect(order)}


def order_dispatch(patient: str, order: Resource) -> Context:
    """A signed order is sent to whoever shall perform it."""
    task = {
        "resourceType": "Task",
        "id": f"{order['id']}-task",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": reference_of(order)},
        "for": {"reference": f"Patient/{patient}"},
        "owner": {"reference": PERFORMER},
    }
    dispatched = {"dispatchedOrders": [reference_of(order)], "fulfillmentTasks": [task]}
    return {"patientId": patient, "performer": PERFORMER, **dispatched}


def appointment_book(patient: str, appointment: Resource) -> Context:
    """An appointment is about to be booked."""
    return {"userId": CLINICIAN, "patientId": patient, "appointments": _collect(appointment)}


def propose_appointment(patient: str, order: Resource, day: str) -> Resource:
    """Return an appointment for what an order asks for."""
    return {
        "resourceType": "Appointment",
        "id": f"{order['id']}-appointment",
        "status": "proposed",
        "serviceType": [order["code"]],
        "basedOn": [{"reference": reference_of(order)}],
        "start": f"{day}T09:00:00Z",
        "end": f"{day}T09:30:00Z",
        "participant": [
            {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
            {"actor": {"reference": CLINICIAN}, "status": "needs-action"},
        ],
    }


def encounter(patient: str, encounter_id: str) -> Context:
    """A visit begins (`encounter-start`), or a stay ends (`encounter-discharge`): the context only refers to it."""
    return {"userId": CLINICIAN, "patientId": patient, "encounterId": encounter_id}


def plan_encounter(patient: str, order: Resource) -> Resource:
    """Return a visit for what an order asks for."""
    is_request = order["resourceType"] == "ServiceRequest"
    return {
        "resourceType": "Encounter",
        "id": f"{order['id']}-encounter",
        "status": "planned",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory"},
        "serviceType": concept_of(order),
        "subject": {"reference": f"Patient/{patient}"},
        **({"basedOn": [{"reference": reference_of(order)}]} if is_request else {}),  # nothing else may stand there
    }


def _collect(resource: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}


def make_call(hook: str, context: Context, fhir: str, token: str, prefetch: dict[str, Any], version: str) -> Context:
    """Return the body of a call. Without a token the service could read nothing that prefetch leaves out."""
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),  # noqa: TID251 - an id that nobody can guess is what is wanted here
        "fhirServer": fhir,
        "fhirAuthorization": {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "scope": "patient/*.read",
            "subject": "crd-service",
            "patient": context["patientId"],
        },
        "context": context,
        **({"prefetch": prefetch} if prefetch else {}),
        "extension": {"davinci-crd.requestedVersion": version},
    }
