"""Prefetch templates are checked at start against the token rules of CDS Hooks 2.0."""

import pytest

from cds_hooks.hooks.services import SERVICES, check_templates, template_fault


def test_the_services_templates_keep_the_rules() -> None:
    check_templates(SERVICES)


@pytest.mark.parametrize(
    "template",
    [
        "Patient/{{context.patientId}}",
        "{{context.userId}}",
        "Coverage?patient={{context.patientId}}&status=active",
        "Encounter/{{context.encounterId}}",
        "Practitioner/{{userPractitionerId}}",
    ],
)
def test_a_legal_template_passes(template: str) -> None:
    """HK-55 to 59."""
    assert template_fault(template, "order-sign") is None


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("Coverage?patient={{context.patient}}", "patient"),  # the misprint of CRD 2.0.1
        ("ServiceRequest?_id={{context.draftOrders.ServiceRequest.id}}", "root-level"),  # HK-57
        ("ServiceRequest?_id={{context.selections}}", "selections"),  # LIB-16
        ("Patient/{{Patient.id}}", "neither"),
        ("Patient/{{context.patientId}", "braces"),
        ("Patient/{context.patientId}}", "braces"),
        ("/Patient/{{context.patientId}}", "relative"),
        ("https://ehr.example.org/Patient/1", "relative"),
        ("Patient/{{user}}", "neither"),
        ("", "relative"),
    ],
)
def test_an_illegal_template_is_refused(template: str, says: str) -> None:
    """HK-55 to 57; HK-59."""
    assert says in (template_fault(template, "order-sign") or "")
