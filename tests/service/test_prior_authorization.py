"""Authorization that depends on a place or on other orders, through the whole service: what is read for it, and when."""

import json
from typing import Any

import pytest
import requests

from tests.conftest import ROOT
from tests.guide.conformance import faults
from tests.service.test_fetching import COVERAGE, ORDER, ORGANIZATION, SEARCH, SUBJECT, asked, post, sign

pytest_plugins = ["tests.fhir.fixtures"]

CPT = "http://www.ama-assn.org/go/cpt"
PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
MEDICARE = {
    "resourceType": "Organization",
    "id": "org-ehp",
    "active": True,
    "name": "Medicare",
    "identifier": [{"system": "http://example.org/payer-id", "value": "CMS"}],
}


def location(identity: str, place: str) -> dict[str, Any]:
    return {"resourceType": "Location", "id": identity, "type": [{"coding": [{"system": PLACES, "code": place}]}]}


VISIT = {
    "resourceType": "Encounter",
    "id": "visit",
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "period": {"start": "2026-11-23T08:00:00Z"},
    "location": [{"location": {"reference": "Location/hospital"}}],
    **SUBJECT,
}
CHART = (MEDICARE, COVERAGE, location("hospital", "22"), location("office", "11"), VISIT)
STIMULATOR = {**ORDER, "id": "scs-1", "code": {"coding": [{"system": CPT, "code": "63650"}]}}


@pytest.fixture(scope="module", name="reading")
def _reading(start_service: Any) -> Any:
    return start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1")


def needed(response: requests.Response) -> dict[str, list[str]]:
    """What is said of prior authorization, and asked for, on each order."""
    said: dict[str, list[str]] = {}
    for action in response.json()["systemActions"]:
        parts = action["resource"]["extension"][-1]["extension"]
        said[action["resource"]["id"]] = [p["valueCode"] for p in parts if p["url"] in ("pa-needed", "info-needed")]
    return said


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize(("place", "said"), [("hospital", ["auth-needed"]), ("office", ["no-auth"])])
def test_the_location_that_an_order_names_is_read_and_decides(
    place: str, said: list[str], version: str, reading: Any, fhir_server: Any
) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "3"))
    since = len(server.log())
    order = {**STIMULATOR, "locationReference": [{"reference": f"Location/{place}"}]}

    response = post(reading, sign(server, order, version=version))

    assert needed(response) == {"scs-1": said}
    assert faults(version, response.json()) == []
    assert sorted(asked(server, since)) == sorted([SEARCH, f"Location/{place}"])


def test_the_encounter_of_the_call_is_read_where_the_order_does_not_say_the_place(
    reading: Any, fhir_server: Any
) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "4"))
    since = len(server.log())
    request = sign(server, STIMULATOR)
    request["context"]["encounterId"] = "visit"

    assert needed(post(reading, request)) == {"scs-1": ["auth-needed"]}
    assert sorted(asked(server, since)) == sorted([SEARCH, "Encounter/visit", "Location/hospital"])


@pytest.mark.parametrize(
    "order",
    [
        {**ORDER, "locationReference": [{"reference": "Location/office"}]},
        {
            **STIMULATOR,
            "locationCode": [{"coding": [{"system": PLACES, "code": "22"}]}],
            "locationReference": [{"reference": "Location/office"}],
        },
    ],
    ids=["no answer depends on the place", "the order states it"],
)
def test_no_place_is_read_that_nothing_depends_on(order: dict[str, Any], reading: Any, fhir_server: Any) -> None:
    """CRD-42, found-28: minimum necessary."""
    server = fhir_server(*CHART, options=("--delay-ms", "5"))
    since = len(server.log())
    request = sign(server, order)
    request["context"]["encounterId"] = "visit"

    assert post(reading, request).status_code == 200
    assert asked(server, since) == [SEARCH]


def test_a_place_that_cannot_be_read_is_asked_for(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "6"))
    order = {**STIMULATOR, "locationReference": [{"reference": "Location/gone"}]}

    assert needed(post(reading, sign(server, order))) == {"scs-1": ["conditional", "location"]}


NPI = "http://hl7.org/fhir/sid/us-npi"
EXEMPT = {"resourceType": "Practitioner", "id": "exempt", "identifier": [{"system": NPI, "value": "2000000002"}]}
ROLE = {"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/exempt"}}
CLINIC = {"resourceType": "Organization", "id": "clinic", "identifier": [{"system": NPI, "value": "2000000028"}]}
SCAN = {**ORDER, "id": "ct-1", "code": {"coding": [{"system": CPT, "code": "71260"}]}}
ECHO = {**ORDER, "id": "echo-1", "code": {"coding": [{"system": CPT, "code": "93350"}]}}
PROVIDERS = (ORGANIZATION, COVERAGE, EXEMPT, ROLE, CLINIC, ECHO)


def test_who_orders_is_read_where_an_answer_depends_on_a_gold_card(reading: Any, fhir_server: Any) -> None:
    """CRD-42, found-28: and never where none does, nor who performs it."""
    server = fhir_server(*PROVIDERS, options=("--delay-ms", "7"))
    since = len(server.log())
    named = {"requester": {"reference": "PractitionerRole/role"}, "performer": [{"reference": "Organization/clinic"}]}

    assert needed(post(reading, sign(server, {**SCAN, **named}))) == {"ct-1": ["no-auth"]}
    assert sorted(asked(server, since)) == sorted([SEARCH, "PractitionerRole/role", "Practitioner/exempt"])

    since = len(server.log())
    assert post(reading, sign(server, {**ORDER, **named})).status_code == 200
    assert asked(server, since) == [SEARCH]


@pytest.mark.parametrize(
    ("performer", "said"),
    [
        ("Organization/clinic", ["no-auth"]),
        ("PractitionerRole/role", ["auth-needed"]),
        ("Practitioner/gone", ["conditional", "performer"]),
    ],
)
def test_whom_an_order_is_dispatched_to_is_in_the_network_or_not(
    performer: str, said: list[str], reading: Any, fhir_server: Any
) -> None:
    """CRD-207, hook-33: the performer of the dispatch counts, whomever the order names."""
    server = fhir_server(*PROVIDERS, options=("--delay-ms", "8"))
    request = sign(server, ECHO)
    dispatched = {"dispatchedOrders": ["ServiceRequest/echo-1"], "performer": performer, "patientId": "pat-1"}

    response = post(reading, {**request, "hook": "order-dispatch", "context": dispatched})

    assert needed(response) == {"echo-1": said}


def test_on_order_select_the_orders_that_are_not_selected_count_as_ordered_with_it(service: Any) -> None:
    """Spec 1.1: only the selected are answered on, and other drafts are looked at."""
    request = json.loads((ROOT / "fhir_examples/example-coverage-guide/every-answer-2.2/request.json").read_text())
    request["hook"] = "order-select"
    request["context"]["selections"] = ["DeviceRequest/seat-1"]

    cards = service.post("/cds-services/order-select-crd", request).json()["cards"]

    assert [card["summary"] for card in cards] == [
        "Walker attachment (E0156) is covered: with the walker that it is for"
    ]


def test_a_form_that_a_policy_asks_for_is_there_as_a_questionnaire(service: Any) -> None:
    response = requests.get(f"{service.base}/fhir/Questionnaire/home-oxygen", timeout=60)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/fhir+json"
    assert response.json()["url"] == "http://example.org/crd/Questionnaire/home-oxygen"


def test_a_form_that_is_not_there_is_not_found(service: Any) -> None:
    response = requests.get(f"{service.base}/fhir/Questionnaire/gone", timeout=60)

    assert response.status_code == 404
    assert response.json()["resourceType"] == "OperationOutcome"
