"""A call that is kept as a FHIR R4 AuditEvent: who asked what of whom, when, and how it ended. No body is in it."""

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from cds_hooks.store.search import Found

_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_HOOKS: Final = "https://cds-hooks.org/hooks"
_EVENT_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_SOURCE_TYPES: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
_ENTITY_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"


def to_audit_event(call: Found, base: str) -> dict[str, Any]:
    """Return the AuditEvent of a call; `base` is the public URL of this service, or empty."""
    return {
        "resourceType": "AuditEvent",
        "id": str(uuid.UUID(bytes=call.id)),
        "type": {"system": _EVENT_TYPES, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": _HOOKS, "code": call.hook}],
        "action": "E",
        "recorded": to_instant(call.at),
        "outcome": _outcome(call.status),
        "outcomeDesc": f"HTTP {call.status}"
        + (f", {call.summary.error}" if call.summary and call.summary.error else ""),
        "agent": [
            {
                "type": {"coding": [{"system": _DICOM, "code": "110153", "display": "Source Role ID"}]},
                "who": {"identifier": {"value": call.client}},
                "requestor": True,
            },
            {
                "type": {"coding": [{"system": _DICOM, "code": "110152", "display": "Destination Role ID"}]},
                "who": {"identifier": {"value": f"{base}/cds-services/{call.service}" if base else call.service}},
                "requestor": False,
            },
        ],
        "source": {
            "observer": {"display": "Coverage Requirements Discovery server"},
            "type": [{"system": _SOURCE_TYPES, "code": "4", "display": "Application Server"}],
        },
        "entity": _entities(call),
    }


def to_instant(at: int) -> str:
    """Return microseconds since 1970 as a FHIR instant in UTC."""
    seconds, rest = divmod(at, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:03d}Z"


def _outcome(status: int) -> str:
    """Return the code of `audit-event-outcome`: success, minor failure (of the request), serious failure (of ours)."""
    return "0" if status < 400 else "4" if status < 500 else "8"


def _entities(call: Found) -> list[dict[str, Any]]:
    summary = call.summary
    details = [("X-Request-ID", call.request_id)]
    if summary and summary.hook_instance:
        details.append(("hookInstance", summary.hook_instance))
    if call.version:
        details.append(("davinci-crd.version", call.version))
    entities: list[dict[str, Any]] = [
        {
            "type": {"system": _ENTITY_TYPES, "code": "2", "display": "System Object"},
            "name": f"CDS Hooks call of {call.service}",
            "detail": [{"type": name, "valueString": value} for name, value in details],
        }
    ]
    for decision in summary.decisions if summary else ():
        said = [("covered", decision.covered), ("basis", decision.basis), ("payer", decision.payer)]
        name = "policy-if-covered" if decision.supposed else "policy"
        said += [(name, policy.version) for policy in decision.policies]
        said += [("coverage-assertion-id", decision.assertion)] if decision.assertion else []
        entities.append(
            {
                "what": {"identifier": {"value": decision.order}},
                "type": {"system": _ENTITY_TYPES, "code": "2", "display": "System Object"},
                "detail": [{"type": name, "valueString": value} for name, value in said],
            }
        )
    entities += [
        {
            "what": {"identifier": {"value": card.id}},
            "type": {"system": _ENTITY_TYPES, "code": "2", "display": "System Object"},
            "name": "card",
        }
        for card in (summary.cards if summary else ())
    ]
    return entities
