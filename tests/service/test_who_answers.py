"""Who answers, and in whose name: the table of docs/who-answers.md, each cell over HTTP."""

import json
from typing import Any

import pytest

from tests.fhir.servers import RunningServer
from tests.guide.conformance import faults
from tests.service.who_answers import (
    COLUMNS,
    FAILED_ROW,
    MEMBER_ROWS,
    PAGE,
    ROWS,
    Row,
    annotation,
    coverage,
    describe,
    make_call,
    order,
    render,
)

pytest_plugins = ["tests.fhir.fixtures"]


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=[" ".join(column) for column in COLUMNS])
@pytest.mark.parametrize("row", ROWS, ids=[row.known for row in ROWS])
def test_what_is_known_of_the_payer_decides_who_answers(row: Row, column: int, service: Any) -> None:
    """hook-13, hook-16, resp-43, resp-45, CRD-63, found-34."""
    version, hook = COLUMNS[column]

    response = service.post(f"/cds-services/{hook}-crd", make_call(row, version, hook))

    assert describe(response) == row.answers[column]
    if response.status_code == 200:
        assert faults(version, response.json()) == []


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=[" ".join(column) for column in COLUMNS])
@pytest.mark.parametrize("row", MEMBER_ROWS, ids=[row.known for row in MEMBER_ROWS])
def test_what_the_payers_members_say_goes_before_the_ehrs_copy_of_a_coverage(
    row: Row, column: int, asking_service: Any
) -> None:
    """resp-42, resp-44, resp-45; hook-13."""
    version, hook = COLUMNS[column]

    response = asking_service.post(f"/cds-services/{hook}-crd", make_call(row, version, hook))

    assert describe(response) == row.answers[column]
    if response.status_code == 200:
        assert faults(version, response.json()) == []


def test_where_members_cannot_be_asked_it_is_said_that_nobody_can_tell(start_service: Any) -> None:
    """resp-43: nothing was loaded into this database."""
    unloaded = start_service(CRD_MEMBERS="database")

    for (version, hook), expected in zip(COLUMNS, FAILED_ROW.answers, strict=True):
        response = unloaded.post(f"/cds-services/{hook}-crd", make_call(FAILED_ROW, version, hook))
        assert describe(response) == expected
        assert faults(version, response.json()) == []


def test_the_page_says_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m tests.service.who_answers writes it anew"


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=[" ".join(column) for column in COLUMNS])
@pytest.mark.parametrize("row", [row for row in ROWS if "in force" not in row.known and "came" not in row.known])
def test_not_covered_is_said_of_no_order_whose_payer_is_not_known_and_served(
    row: Row, column: int, service: Any
) -> None:
    version, hook = COLUMNS[column]
    known = row.known.startswith(("the payer is known", "several coverages", "the coverage ends"))

    response = service.post(f"/cds-services/{hook}-crd", make_call(row, version, hook))

    for action in response.json().get("systemActions", ()):
        assert known or annotation(action)["covered"] != "not-covered"
        named = [name for name in ("Example Health Plan", "Medicare") if name in json.dumps(annotation(action))]
        assert known or not named or "answers for" in annotation(action)["reason"]["text"]
        assert known or "Example Health Plan" not in action["description"] or "answers for" in action["description"]


WAYS = ("status/401", "status/403", "status/404", "status/500", "silent", "not-json")


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_however_reading_the_payer_fails_the_answer_is_the_same(
    version: str, hook: str, hasty: Any, odd_server: RunningServer
) -> None:
    row = next(row for row in ROWS if "leads nowhere" in row.known)
    answers = {}
    for way in WAYS:
        request = make_call(row, version, hook)
        request |= {"fhirServer": f"{odd_server.base}/{way}", "fhirAuthorization": {"access_token": "t"}}
        response = hasty.post(f"/cds-services/{hook}-crd", request)
        answers[way] = (response.status_code, _without_ids(response.json()))

    assert {status for status, _ in answers.values()} == {200}
    assert all(answer == answers["status/500"] for answer in answers.values())
    if version != "2.1":  # without access, the identifier is missing in the call itself (hook-13)
        response = hasty.post(f"/cds-services/{hook}-crd", make_call(row, version, hook))
        assert (response.status_code, _without_ids(response.json())) == answers["status/500"]


def _without_ids(answer: dict[str, Any]) -> str:
    for action in answer.get("systemActions", ()):
        action["resource"]["extension"][0]["extension"] = [
            part for part in action["resource"]["extension"][0]["extension"] if part["url"] != "coverage-assertion-id"
        ]
    return json.dumps(answer, sort_keys=True)


@pytest.fixture(scope="module", name="hasty")
def _hasty(start_service: Any) -> Any:
    return start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_TIME_BUDGET="0.5")


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_an_order_under_a_coverage_that_gave_way_says_so(version: str, service: Any) -> None:
    """dev-29: a call brings the primary coverage alone, so a reference to another one gives way to it."""
    row = next(row for row in ROWS if row.known.endswith("and one came"))

    answer = service.post("/cds-services/order-sign-crd", make_call(row, version, "order-sign")).json()

    told = "The coverage that the order names was not sent or found, so the one that was sent counts."
    (action,) = answer["systemActions"]
    assert told in json.dumps(action["resource"])
    assert told in answer["cards"][0]["detail"]
    assert annotation(action)["coverage"] == {"reference": "Coverage/cov-1"}


def test_a_demo_may_show_what_would_hold_for_a_payer_not_served(start_service: Any) -> None:
    """CRD_UNKNOWN_PAYER=default-policy adds a card, and changes nothing on the order."""
    row = next(row for row in ROWS if row.known.endswith("not served here"))
    demo = start_service(CRD_UNKNOWN_PAYER="default-policy")

    signed = demo.post("/cds-services/order-sign-crd", make_call(row, "2.0", "order-sign")).json()
    selected = demo.post("/cds-services/order-select-crd", make_call(row, "2.0", "order-select")).json()

    assert annotation(signed["systemActions"][0])["covered"] == "conditional"
    for answer in (signed, selected):
        assert answer["cards"][0]["summary"].startswith("If this patient is covered by Example Health Plan: ")


def test_the_payer_not_served_is_told_whom_this_service_answers_for(service: Any) -> None:
    row = next(row for row in ROWS if row.known.endswith("not served here"))

    (action,) = service.post("/cds-services/order-sign-crd", make_call(row, "2.0", "order-sign")).json()[
        "systemActions"
    ]

    served = "Example Blue Plan, Example Health Plan, Example Medicare Advantage and Medicare"
    told = f"The payer of this coverage is another one: this service answers for {served} only."
    assert annotation(action)["reason"]["text"] == told


def test_a_payer_is_known_by_the_class_of_its_coverage(service: Any) -> None:
    """Coverage.class, where the payer's file lists it: the payer itself is a reference that leads nowhere."""
    row = next(row for row in ROWS if "leads nowhere" in row.known)
    request = make_call(row, "2.0", "order-sign")
    coverage(request)["class"] = [{"type": {"coding": [{"code": "plan"}]}, "value": "Medicare  part a"}]

    (card,) = service.post("/cds-services/order-sign-crd", request).json()["cards"]

    assert card["source"]["label"] == "Medicare"


def test_an_order_of_a_patient_at_another_server_is_another_patients(service: Any) -> None:
    request = make_call(ROWS[0], "2.2", "order-sign")
    order(request)["subject"] = {"reference": "https://elsewhere.example.org/fhir/Patient/pat-1"}

    response = service.post("/cds-services/order-sign-crd", request)

    assert describe(response) == "400: the order is for another patient than the call"


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_an_order_nobody_speaks_of_hides_nothing_of_another(version: str, hook: str, service: Any) -> None:
    """CRD-63, hook-13: what is said or refused about M0076 is the same beside a device that no policy is about."""
    cpap = {
        "resourceType": "DeviceRequest",
        "id": "cpap",
        "status": "draft",
        "intent": "order",
        "codeCodeableConcept": {"text": "CPAP device"},
        "subject": {"reference": "Patient/pat-1"},
    }
    for row in (row for row in ROWS if not row.known.startswith("the order")):
        request = make_call(row, version, hook)
        alone = service.post(f"/cds-services/{hook}-crd", request)
        request["context"]["draftOrders"]["entry"].append({"resource": cpap})
        request["context"]["selections"].append("DeviceRequest/cpap")
        both = service.post(f"/cds-services/{hook}-crd", request)

        assert both.status_code == alone.status_code, row.known
        said = {a["resource"]["id"]: annotation(a) for a in both.json().get("systemActions", ())}
        for action in alone.json().get("systemActions", ()):
            assert said["prolo-1"]["covered"] == annotation(action)["covered"]
        summaries = [card["summary"] for card in both.json().get("cards", ())]
        assert all(card["summary"] in summaries for card in alone.json().get("cards", ()))
