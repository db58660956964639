"""The CDS services offered, as discovery shows them, and the token rules their prefetch templates must keep."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cds_hooks.errors import StartError

#: The standard data every service asks for; nothing else is needed on every call (CRD: minimum necessary).
STANDARD_PREFETCH: Final[Mapping[str, str]] = {
    "patient": "Patient/{{context.patientId}}",
    "coverage": "Coverage?patient={{context.patientId}}&status=active",
}

#: Context fields that a hook definition allows as prefetch tokens (CDS Hooks library, column "Prefetch Token").
CONTEXT_TOKENS: Final[Mapping[str, frozenset[str]]] = {
    "order-select": frozenset({"userId", "patientId", "encounterId"}),
    "order-sign": frozenset({"userId", "patientId", "encounterId"}),
}

#: Tokens that need no context field (CDS Hooks 2.0, HK-59).
USER_TOKENS: Final = frozenset({"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"})

#: A relative read or search: no scheme, no leading slash.
_TEMPLATE: Final = re.compile(r"^[A-Z][A-Za-z]+(/[^\s?]+|\?[^\s?]+)$|^\{\{[^{}]+\}\}$")
_TOKEN: Final = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS service: a hook and what its discovery entry says. `is_primary` hooks owe coverage information."""

    hook: str
    id: str
    title: str
    description: str
    usage_requirements: str
    prefetch: Mapping[str, str]
    is_primary: bool

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the discovery response (CDS Hooks 2.0, Discovery)."""
        return {
            "hook": self.hook,
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "usageRequirements": self.usage_requirements,
            "prefetch": dict(self.prefetch),
        }


_USAGE: Final = " ".join(
    (
        "Send the patient's active Coverage, with its payer as an identifier, a contained Organization or an",
        "Organization beside it: without a Coverage, orders are answered as for the default payer and no coverage",
        "information is written onto them.",
    )
)

SERVICES: Final = (
    Service(
        hook="order-select",
        id="order-select-crd",
        title="Coverage requirements when an order is selected",
        description="Tells, while orders are being chosen, which of them the patient's plan does not cover, and why.",
        usage_requirements=_USAGE,
        prefetch=STANDARD_PREFETCH,
        is_primary=False,
    ),
    Service(
        hook="order-sign",
        id="order-sign-crd",
        title="Coverage requirements when orders are signed",
        description="Tells for every order to be signed whether the plan covers it, on the order and on a card.",
        usage_requirements=_USAGE,
        prefetch=STANDARD_PREFETCH,
        is_primary=True,
    ),
)


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
