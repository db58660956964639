"""The CDS services offered, as discovery shows them, and the token rules their prefetch templates must keep."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cards import WIRE_VERSIONS
from cds_hooks.errors import StartError
from cds_hooks.hooks.configuration import OF_MEMBERS, OPTIONS

#: What every service asks for; nothing else is needed on every call (CRD-41, minimum necessary).
STANDARD_PREFETCH: Final[Mapping[str, str]] = {
    "patient": "Patient/{{context.patientId}}",
    "coverage": "Coverage?patient={{context.patientId}}&status=active",
}

#: On the encounter hooks the Encounter is what is judged, and its id is always there.
_ENCOUNTER: Final[Mapping[str, str]] = {**STANDARD_PREFETCH, "encounter": "Encounter/{{context.encounterId}}"}

_DISPATCHED: Final = "{}?_id={{{{context.dispatchedOrders.resolve().ofType({}).id}}}}"

#: What CRD 2.2 adds for hooks that only refer to orders, in its own expressions (found-29). CDS Hooks 2.0 allows no
#: such tokens (HK-57), so they are announced only where the deployment's clients speak 2.2.
PREFETCH_2_2: Final[Mapping[str, Mapping[str, str]]] = {
    "order-dispatch": {
        key: _DISPATCHED.format(kind, kind)
        for key, kind in (
            ("communicationRequests", "CommunicationRequest"),
            ("deviceRequests", "DeviceRequest"),
            ("medicationRequests", "MedicationRequest"),
            ("nutritionOrders", "NutritionOrder"),
            ("serviceRequests", "ServiceRequest"),
            ("visionPrescriptions", "VisionPrescription"),
        )
    },
    "appointment-book": {
        "serviceRequests": "".join(
            (
                "ServiceRequest?_id={{context.appointments.entry.resource.basedOn.resolve()",
                ".ofType(ServiceRequest).id}}",
            )
        )
    },
}

_SESSION: Final = frozenset({"userId", "patientId", "encounterId"})

#: Context fields that a hook definition allows as prefetch tokens (CDS Hooks library, column "Prefetch Token").
CONTEXT_TOKENS: Final[Mapping[str, frozenset[str]]] = {
    "order-select": _SESSION,
    "order-sign": _SESSION,
    "order-dispatch": frozenset({"patientId", "dispatchedOrders", "performer"}),
    "appointment-book": _SESSION,
    "encounter-start": _SESSION,
    "encounter-discharge": _SESSION,
}

#: Tokens that need no context field (CDS Hooks 2.0, HK-59).
USER_TOKENS: Final = frozenset({"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"})

#: A relative read or search: no scheme, no leading slash.
_TEMPLATE: Final = re.compile(r"^[A-Z][A-Za-z]+(/[^\s?]+|\?[^\s?]+)$|^\{\{[^{}]+\}\}$")
_TOKEN: Final = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS service: a hook and what its discovery entry says.

    `is_primary` hooks owe coverage information; on hooks with `proposes` whoever places the order is still at it, and
    may be offered a change of it.
    """

    hook: str
    id: str
    title: str
    description: str
    prefetch: Mapping[str, str]
    is_primary: bool
    proposes: bool = False

    def templates(self, version: str) -> Mapping[str, str]:
        """Return the prefetch templates announced where clients speak a version of CRD."""
        return {**self.prefetch, **PREFETCH_2_2.get(self.hook, {})} if version == "2.2" else self.prefetch

    def to_json(self, default_version: str, *, asks_members: bool = False) -> dict[str, Any]:
        """Return the entry of the discovery response (CDS Hooks 2.0, Discovery; CRD 2.2 dev-1, dev-2)."""
        options = (*OPTIONS, OF_MEMBERS) if asks_members else OPTIONS
        return {
            "hook": self.hook,
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "usageRequirements": _USAGE,
            "prefetch": dict(self.templates(default_version)),
            "extension": {
                # "2.0" is in the guide's prose; the expression of crdver-1 forgets that a minor version can be 0.
                "davinci-crd.version": list(WIRE_VERSIONS),
                "davinci-crd.configuration-options": [option.to_json() for option in options],
            },
        }


_USAGE: Final = " ".join(
    (
        "Send the patient's active Coverage, with its payer as an identifier, a contained Organization or an",
        "Organization beside it. What is not sent is read from the FHIR server with the given token: Coverage and",
        "Organization (who pays); the orders of order-dispatch, the ServiceRequest an Appointment is based on, the",
        "Encounter, and the Medication or Device an order refers to (what is ordered); a Condition given as the reason",
        "of an order that its own codes leave open; a Location or Encounter that an answer depends on. Nothing else.",
    )
)


#: Hooks whose orders are the caller's own drafts. What order-dispatch and appointment-book are about was signed before,
#: often by another; what is proposed for an encounter can only be a note (CRD, "Propose Alternate Request").
_PROPOSING: Final = frozenset({"order-select", "order-sign"})


def _service(hook: str, title: str, description: str, *, primary: bool) -> Service:
    prefetch = _ENCOUNTER if hook.startswith("encounter-") else STANDARD_PREFETCH
    return Service(hook, f"{hook}-crd", title, description, prefetch, primary, hook in _PROPOSING)


#: The hooks that CRD requires of clients (CRD-152, hook-4): three that owe an answer, three that may give one.
SERVICES: Final = (
    _service(
        "order-select",
        "Coverage requirements when an order is selected",
        "Tells, while orders are being chosen, which of them the patient's plan does not cover, and why.",
        primary=False,
    ),
    _service(
        "order-sign",
        "Coverage requirements when orders are signed",
        "Tells for every order to be signed whether the plan covers it, on the order and on a card.",
        primary=True,
    ),
    _service(
        "order-dispatch",
        "Coverage requirements when orders are sent to a performer",
        "Tells for every dispatched order whether the plan covers it, on the order and on a card.",
        primary=True,
    ),
    _service(
        "appointment-book",
        "Coverage requirements when an appointment is booked",
        "Tells whether the plan covers what an appointment is for, on the appointment or its order, and on a card.",
        primary=True,
    ),
    _service(
        "encounter-start",
        "Coverage requirements when an encounter starts",
        "Tells whether the plan does not cover what an encounter is for, where the encounter says so.",
        primary=False,
    ),
    _service(
        "encounter-discharge",
        "Coverage requirements when a patient is discharged",
        "Tells whether the plan does not cover what an encounter was for, where the encounter says so.",
        primary=False,
    ),
)

#: The ids of all services, as registrations name them.
SERVICE_IDS: Final = frozenset(service.id for service in SERVICES)


def check_templates(services: tuple[Service, ...]) -> None:
    """Raise StartError for a prefetch template that breaks the token rules of CDS Hooks 2.0 (HK-55 to 59)."""
    for service in services:
        for key, template in service.prefetch.items():
            fault = template_fault(template, service.hook)
            if fault:
                raise StartError(f"service {service.id}: prefetch template {key}: {template}: {fault}")


def template_fault(template: str, hook: str) -> str | None:
    """Return what is wrong with a prefetch template of a hook, or None."""
    if template.count("{{") != template.count("}}") or _TOKEN.sub("", template).strip("{}") != _TOKEN.sub("", template):
        return "braces do not pair"
    if not _TEMPLATE.match(_TOKEN.sub("{{x}}", template)):
        return "not a relative FHIR read or search"
    for token in _TOKEN.findall(template):
        if token in USER_TOKENS:
            continue
        root, dot, field = token.partition(".")
        if root != "context" or not dot:
            return f"token {token} is neither a context field nor a user token"
        if field not in CONTEXT_TOKENS[hook]:
            return f"token {token} is not a root-level field that {hook} allows as a token"
    return None
