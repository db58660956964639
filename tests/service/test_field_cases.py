"""Calls as they come from the field (tests/cases), each with its right answer over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.guide.conformance import faults
from tests.service.who_answers import annotation

CASES = Path(__file__).resolve().parents[1] / "cases"
VERSIONS = ("2.0", "2.1", "2.2")


def case(name: str, version: str | None = None) -> dict[str, Any]:
    request: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text())
    if version:
        request["extension"] = {"davinci-crd.requestedVersion": version}
    return request


def post(service: Any, request: dict[str, Any]) -> Any:
    return service.post(f"/cds-services/{request['hook']}-crd", request)


def covered(response: Any) -> dict[str, str]:
    """What is written onto each order, by its id."""
    assert response.status_code == 200, response.text
    return {str(a["resource"].get("id")): annotation(a)["covered"] for a in response.json().get("systemActions", ())}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "payer"),
    [
        ("single-order-without-bundle", "Example Health Plan"),
        ("payer-by-full-url", "Medicare"),
        ("insurance-by-full-url", "Medicare"),
        ("contained-coverage", "Medicare"),
        ("appointment-for-contained-order", "Example Health Plan"),
        ("coverage-id-over-64", "Example Health Plan"),
    ],
)
def test_it_is_answered_by_its_payer(name: str, payer: str, version: str, service: Any) -> None:
    """References resolve as FHIR has it: an entry's fullUrl first, contained resources, whatever the server is called."""
    response = post(service, case(name, version))

    assert set(covered(response).values()) == {"not-covered"}
    assert [card["source"]["label"] for card in response.json()["cards"]] == [payer]


def test_an_id_goes_back_as_it_came(service: Any) -> None:
    """FHIR has ids of 64 characters, servers have longer ones."""
    request = case("coverage-id-over-64")
    identity = request["prefetch"]["coverage"]["entry"][0]["resource"]["id"]

    (action,) = post(service, request).json()["systemActions"]

    assert len(identity) > 64
    assert annotation(action)["coverage"] == {"reference": f"Coverage/{identity}"}


@pytest.mark.parametrize("identity", ["order_1", "urn:oid:1.2.3", "a" * 200, "ä"])
def test_ids_that_are_not_fhirs_are_written_onto_and_named(identity: str, service: Any) -> None:
    request = case("single-order-without-bundle")
    request["context"]["draftOrders"]["id"] = identity

    response = post(service, request)

    assert covered(response) == {identity: "not-covered"}
    associated = response.json()["cards"][0]["extension"]["davinci-crd.associated-resource"]
    assert associated == [f"ServiceRequest/{identity}"]


def test_a_coverage_of_the_patients_own_is_answered_in_no_payers_name(service: Any) -> None:
    response = post(service, case("self-pay"))

    assert covered(response) == {"sr-1": "conditional"}
    (action,) = response.json()["systemActions"]
    said = json.dumps([action["description"], annotation(action)])
    assert response.json()["cards"] == []
    assert "Health Plan" not in said
    assert "Medicare" not in said


@pytest.mark.parametrize("version", VERSIONS)
def test_a_contained_id_may_be_written_with_its_hash(version: str, service: Any) -> None:
    (card,) = post(service, case("contained-id-with-hash", version)).json()["cards"]

    assert card["summary"].startswith("Prolotherapy (M0076) is not covered")


def test_of_several_coverages_the_reason_is_true(service: Any) -> None:
    """hook-13: `order` says which is the primary one, and still only that one is to be sent."""
    response = post(service, case("two-coverages-with-order"))

    assert response.status_code == 400
    (issue,) = response.json()["issue"]
    assert issue["diagnostics"] == "several coverages of the patient were sent or found; send only the primary one"


def test_a_payers_identifier_without_a_system_is_told(service: Any) -> None:
    response = post(service, case("payer-identifier-without-system"))

    assert response.status_code == 400
    (issue,) = response.json()["issue"]
    assert issue["diagnostics"] == "the identifier of the coverage's payer has no system"
    assert issue["expression"] == ["Coverage.payor.identifier.system"]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_appointment_to_be_booked_needs_no_id(version: str, service: Any) -> None:
    """A client has none before it saves: the update is of the resource as it was received."""
    request = case("appointment-without-id", version)
    (sent,) = request["context"]["appointments"]["entry"]

    response = post(service, request)

    (action,) = response.json()["systemActions"]
    extension = action["resource"].pop("extension")
    assert len(extension) == 1
    assert action["resource"] == sent["resource"]
    assert response.json()["cards"] == []


def test_of_two_appointments_without_id_a_card_tells_the_truth(service: Any) -> None:
    request = case("appointment-without-id")
    entries = request["context"]["appointments"]["entry"]
    entries.append({"resource": {**entries[0]["resource"], "start": "2026-12-01T09:00:00Z"}})

    response = post(service, request)

    (card,) = response.json()["cards"]
    assert response.json()["systemActions"] == []
    assert card["detail"].startswith("The order has no id of its own, so nothing can be written onto it.")
    assert "coverage could not" not in card["summary"]


def test_a_dispatch_without_a_token_is_told_that_it_has_none(service: Any) -> None:
    """HK-54."""
    response = post(service, case("dispatch-without-token"))

    assert response.status_code == 412
    assert {issue["diagnostics"].partition(": ")[2] for issue in response.json()["issue"]} == {
        "it was not sent, and the call brings no access token for its FHIR server (fhirAuthorization.access_token)"
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_selected_order_is_answered_alike_whatever_stands_beside_it(version: str, service: Any) -> None:
    """CRD-63, hook-13: one that nothing is said of hides nothing."""
    alone = post(service, case("selected-without-coverage", version))
    beside = post(service, case("two-selected-without-coverage", version))

    assert alone.status_code == beside.status_code == (400 if version == "2.1" else 200)
    assert alone.json() == beside.json()


def test_a_supporting_hook_writes_nothing_onto_orders(service: Any, example: Any) -> None:
    """A client that keeps the last answer's actions alone would lose what order-select has written already."""
    for version in VERSIONS:
        request = example("order-select-2.2")
        request["extension"] = {"davinci-crd.requestedVersion": version}

        answer = post(service, request).json()

        assert answer["cards"]
        assert "systemActions" not in answer


def test_a_deployment_may_write_onto_orders_on_supporting_hooks(start_service: Any, example: Any) -> None:
    """CRD-165, resp-27; CRD_ANNOTATE_SUPPORTING_HOOKS. CRD-167, hook-19: no documentation is asked for there."""
    writing = start_service(CRD_ANNOTATE_SUPPORTING_HOOKS="1")

    for version in ("2.1", "2.2"):
        response = post(writing, example(f"order-select-{version}"))
        assert set(covered(response).values()) == {"not-covered"}
        assert faults(version, response.json()) == []


@pytest.mark.parametrize("version", ["2.0", "2.2"])
def test_the_signing_hook_says_all_of_what_selecting_did_not_write(version: str, service: Any) -> None:
    """resp-35, CRD-267: what is written already is not written again; hook-16: the rest is."""
    request = case("signed-after-selected", version)
    for entry in request["context"]["draftOrders"]["entry"]:
        entry["resource"].pop("extension", None)

    assert covered(post(service, request)) == {"draft-svc-m0076": "not-covered", "draft-dme-e0601": "conditional"}
