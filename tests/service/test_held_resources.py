"""Silence is an answer: whatever stands among the orders of a call is answered, or named (hook-16, CRD-63)."""

import copy
import json
from typing import Any

import pytest

from tests.service.test_field_cases import case, covered, post

M0076 = {
    "coding": [{"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076"}],
    "text": "Prolotherapy",
}


def order(identity: str = "o", **members: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/p1"}
    return {"resourceType": "ServiceRequest", "id": identity, "status": "draft", "intent": "order", "code": M0076, "subject": subject, **members}  # fmt: skip


def sign(held: Any) -> dict[str, Any]:
    request = case("single-order-without-bundle")
    request["context"]["draftOrders"] = held
    return request


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


SHAPES = {
    "an order by itself": order(),
    "an order in an entry without a Bundle": {"entry": [{"resource": order()}]},
    "an array": [order()],
    "an array of entries": [{"resource": order()}],
    "a Bundle in a member": {"resource": bundle(order())},
    "a Bundle in a Bundle": bundle(bundle(order())),
    "a Bundle in an array": [bundle(order())],
    "Parameters": {"resourceType": "Parameters", "parameter": [{"name": "order", "resource": order()}]},
    "a part of Parameters": {"resourceType": "Parameters", "parameter": [{"name": "x", "part": [{"name": "order", "resource": order()}]}]},
    "Parameters in a Bundle": bundle({"resourceType": "Parameters", "parameter": [{"name": "order", "resource": bundle(order())}]}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_an_order_is_answered_in_whatever_shape_it_is_put(shape: str, service: Any) -> None:
    response = post(service, sign(SHAPES[shape]))

    assert covered(response) == {"o": "not-covered"}
    assert len(response.json()["cards"]) == 1


def test_nested_orders_keep_their_own_bytes(service: Any) -> None:
    """resp-37: 1.10 stays 1.10."""
    held = bundle(bundle(order(quantityQuantity={"value": 1.5})))
    body = json.dumps(sign(held)).replace("1.5", "1.50").encode()

    response = service.post("/cds-services/order-sign-crd", body)

    assert '"value": 1.50' in response.text or '"value":1.50' in response.text


GROUPS = {
    "CarePlan": {"resourceType": "CarePlan", "id": "g", "status": "draft", "intent": "plan", "subject": {"reference": "Patient/p1"}, "activity": [{"reference": {"reference": "#o"}}]},
    "RequestGroup": {"resourceType": "RequestGroup", "id": "g", "status": "draft", "intent": "plan", "action": [{"action": [{"resource": {"reference": "#o"}}]}]},
}  # fmt: skip


@pytest.mark.parametrize("kind", GROUPS)
def test_the_orders_contained_in_a_group_are_answered(kind: str, service: Any) -> None:
    """What is contained cannot be updated by itself, so cards say it."""
    group = {**GROUPS[kind], "contained": [order(), order("mri", code={"text": "MRI of the knee"})]}

    response = post(service, sign(bundle(group)))

    answer, untold = response.json()["cards"]
    assert answer["summary"].startswith("Prolotherapy (M0076) is not covered")
    assert "MRI of the knee" in untold["detail"]
    assert "The order has no id of its own" in untold["detail"]


@pytest.mark.parametrize("kind", GROUPS)
def test_the_orders_that_a_group_refers_to_are_answered(kind: str, service: Any) -> None:
    group = json.loads(json.dumps(GROUPS[kind]).replace("#o", "ServiceRequest/o"))

    assert covered(post(service, sign(bundle(group, order())))) == {"o": "not-covered"}


@pytest.mark.parametrize(
    "kind", ["Task", "MedicationDispense", "SupplyRequest", "CarePlan", "RequestGroup", "Procedure", "Claim", "NoType"]
)
def test_what_is_no_request_of_crd_is_named(kind: str, service: Any) -> None:
    """On a primary hook 200 with nothing says that nothing is required."""
    response = post(service, sign(bundle({"resourceType": kind, "id": "x", "status": "draft"}, order())))

    assert covered(response) == {"o": "not-covered"}
    assert any("context.draftOrders.entry[0].resource" in card["detail"] for card in response.json()["cards"])


def test_a_record_beside_the_orders_is_no_order(service: Any) -> None:
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "Ibuprofen"}}

    response = post(service, sign(bundle(medication, order())))

    assert covered(response) == {"o": "not-covered"}
    assert len(response.json()["cards"]) == 1


@pytest.mark.parametrize("held", [{"orders": []}, {"ServiceRequest": order()}])
def test_what_is_no_shape_at_all_is_refused_with_its_place(held: Any, service: Any) -> None:
    response = post(service, sign(held))

    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == ["context.draftOrders"]


R5 = {
    "ServiceRequest.code": order(code={"concept": M0076}),
    "MedicationRequest.medication": {"resourceType": "MedicationRequest", "id": "o", "status": "draft", "intent": "order", "medication": {"concept": M0076}, "subject": {"reference": "Patient/p1"}},
    "DeviceRequest.code": {"resourceType": "DeviceRequest", "id": "o", "status": "draft", "intent": "order", "code": {"concept": M0076}, "subject": {"reference": "Patient/p1"}},
}  # fmt: skip


@pytest.mark.parametrize("path", R5)
def test_what_is_written_as_in_r5_is_told_as_a_fault(path: str, service: Any) -> None:
    response = post(service, sign(bundle(R5[path])))

    assert covered(response) == {"o": "conditional"}
    assert path in response.text


def test_an_order_among_appointments_is_answered(service: Any) -> None:
    request = case("appointment-for-contained-order", "2.1")
    request["context"]["appointments"]["entry"].append({"resource": order("beside")})

    assert covered(post(service, request)) == {"ap1": "not-covered", "beside": "not-covered"}


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_an_order_that_an_appointment_beside_it_is_made_for_is_answered_once(version: str, service: Any) -> None:
    request = case("appointment-for-contained-order", version)
    (entry,) = request["context"]["appointments"]["entry"]
    entry["resource"] = {k: v for k, v in entry["resource"].items() if k != "contained"}
    entry["resource"]["basedOn"] = [{"reference": "ServiceRequest/o"}]
    request["context"]["appointments"]["entry"].append({"resource": order()})

    assert covered(post(service, request)) == {"ap1" if version == "2.1" else "o": "not-covered"}


# --- selections -------------------------------------------------------------------------------------------------------


def select(*selections: str, full_url: str | None = None) -> dict[str, Any]:
    request = sign(bundle(order(), order("mri", code={"text": "MRI"})))
    if full_url:
        request["context"]["draftOrders"]["entry"][0]["fullUrl"] = full_url
    return {**request, "hook": "order-select", "context": {**request["context"], "selections": list(selections)}}


@pytest.mark.parametrize(
    ("selection", "full_url"),
    [
        ("ServiceRequest/o", None),
        ("ServiceRequest/o/_history/3", None),
        ("/ServiceRequest/o", None),
        (" ServiceRequest/o ", None),
        ("o", None),
        ("urn:uuid:o", None),
        ("https://ehr.example.org/fhir/ServiceRequest/o", None),
        ("https://ehr.example.org/fhir/ServiceRequest/o/_history/1", None),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
        ("URN:UUID:0C3151BD-1CBF-4D64-B04D-CD9187A4C6E0", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
    ],
)
def test_a_selection_is_understood_in_every_form_of_a_reference(
    selection: str, full_url: str | None, service: Any
) -> None:
    """CRD-210, hook-34."""
    (card,) = post(service, select(selection, full_url=full_url)).json()["cards"]

    assert card["summary"].startswith("Prolotherapy (M0076) is not covered")


def test_a_selection_that_names_no_order_is_told(service: Any) -> None:
    answer, lost = post(service, select("ServiceRequest/o", "ServiceRequest/gone")).json()["cards"]

    assert answer["summary"].startswith("Prolotherapy (M0076) is not covered")
    assert "context.selections[1]" in lost["detail"]


def test_selections_that_all_name_no_order_are_refused_with_their_places(service: Any) -> None:
    response = post(service, select("ServiceRequest/gone", "DeviceRequest/o"))

    assert response.status_code == 400
    assert [issue["expression"] for issue in response.json()["issue"]] == [
        ["context.selections[0]"],
        ["context.selections[1]"],
    ]


def test_an_admissions_order_set_is_one_call(service: Any) -> None:
    """CRD_MAX_ORDERS is 500 by default, however they are nested."""
    orders = [order(f"o{number}", code={"text": f"Nursing order {number}"}) for number in range(499)]
    accepted = post(service, sign(bundle(bundle(*orders), order())))
    refused = post(service, sign(bundle(bundle(*orders), order(), order("one-more"))))

    assert len(covered(accepted)) == 500
    assert refused.status_code == 413


@pytest.mark.parametrize("version", ["2.0", "2.2"])
def test_a_draft_that_a_group_refers_to_is_answered_once(version: str, service: Any) -> None:
    request = sign(bundle(copy.deepcopy(GROUPS["CarePlan"]) | {"activity": [{"reference": {"reference": "ServiceRequest/o"}}]}, order()))  # fmt: skip
    request["extension"] = {"davinci-crd.requestedVersion": version}

    assert covered(post(service, request)) == {"o": "not-covered"}
