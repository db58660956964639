"""Templates as a client fills them in; the demo EHR, which shares no code with the service, fills them in alike."""

from typing import Any

import pytest

from cds_hooks.client.prefetch import fill_template
from cds_hooks.hooks.services import SERVICES
from examples.demo_ehr import prefetch as demo_ehr

CONTEXT: dict[str, Any] = {
    "userId": "Practitioner/dr-1",
    "patientId": "pat-1",
    "dispatchedOrders": ["ServiceRequest/a", "DeviceRequest/b", "ServiceRequest/c"],
    "appointments": {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Appointment", "basedOn": [{"reference": "ServiceRequest/a"}]}}],
    },
}

TEMPLATES = {
    "Patient/{{context.patientId}}": "Patient/pat-1",
    "Coverage?patient={{context.patientId}}&status=active": "Coverage?patient=pat-1&status=active",
    "{{context.userId}}": "Practitioner/dr-1",
    "Practitioner/{{userPractitionerId}}": "Practitioner/dr-1",
    "Encounter/{{context.encounterId}}": None,
    "ServiceRequest?_id={{context.dispatchedOrders}}": None,
    "Patient/{{context.draftOrders.entry.resource.id}}": None,
    "ServiceRequest?_id={{context.dispatchedOrders.resolve().ofType(ServiceRequest).id}}": "ServiceRequest?_id=a,c",
    "NutritionOrder?_id={{context.dispatchedOrders.resolve().ofType(NutritionOrder).id}}": None,
    "ServiceRequest?_id={{context.appointments.entry.resource.basedOn.resolve().ofType(ServiceRequest).id}}": (
        "ServiceRequest?_id=a"
    ),
}


@pytest.mark.parametrize("fill", [fill_template, demo_ehr.fill_template], ids=["crd send", "demo EHR"])
@pytest.mark.parametrize(("template", "query"), TEMPLATES.items())
def test_a_template_becomes_a_query_or_is_left_out(template: str, query: str | None, fill: Any) -> None:
    assert fill(template, CONTEXT) == query


def test_a_value_stays_one_value() -> None:
    assert fill_template("Patient/{{context.patientId}}", {"patientId": "a?b&c"}) == "Patient/a%3Fb%26c"


@pytest.mark.parametrize("fill", [fill_template, demo_ehr.fill_template], ids=["crd send", "demo EHR"])
def test_all_that_the_service_announces_can_be_filled(fill: Any) -> None:
    context = CONTEXT | {"encounterId": "enc-1"}
    for service in SERVICES:
        for template in service.templates("2.2").values():
            if "Request" not in template or "ServiceRequest" in template:
                query = fill(template, context)
                assert query is None or "{{" not in query
        assert fill(service.templates("2.0")["coverage"], context)


def test_a_users_token_is_of_the_users_type() -> None:
    assert fill_template("PractitionerRole/{{userPractitionerRoleId}}", CONTEXT) is None
    assert fill_template("Patient/{{userPatientId}}", {"userId": "Patient/p"}) == "Patient/p"
