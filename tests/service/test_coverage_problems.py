"""Which coverage an order is judged under, and what is done where that cannot be told (hook-13; crd.md 1.4, 8.5)."""

import copy
from typing import Any

import pytest

from tests.guide.conformance import faults


def coverage_of(request: dict[str, Any]) -> dict[str, Any]:
    return request["prefetch"]["coverage"]["entry"][0]["resource"]


def organization_of(request: dict[str, Any]) -> dict[str, Any]:
    return request["prefetch"]["coverage"]["entry"][1]["resource"]


def add_coverage(request: dict[str, Any]) -> None:
    entry = copy.deepcopy(request["prefetch"]["coverage"]["entry"][0])
    entry["resource"]["id"] = "cov-2"
    request["prefetch"]["coverage"]["entry"].append(entry)


NOT_SENT = "no coverage of the patient was sent or found"
NOT_FOUND = "no coverage of the patient was found"
NO_IDENTIFIER = "no identifier of the coverage's payer was sent or found"

#: What is wrong, what the call is refused with, and the versions that refuse it.
PROBLEMS = {
    "no coverage at all": (lambda r: r["prefetch"].pop("coverage"), NOT_SENT, "2.1 2.2"),
    "null": (lambda r: r["prefetch"].update(coverage=None), NOT_FOUND, "2.1"),
    "an empty searchset": (lambda r: r["prefetch"].update(coverage={"resourceType": "Bundle", "type": "searchset"}), NOT_FOUND, "2.1"),
    "two coverages": (add_coverage, "several coverages of the patient were sent or found; send only the primary one", "2.1 2.2"),
    "a payer without identifier": (lambda r: organization_of(r).pop("identifier"), NO_IDENTIFIER, "2.1 2.2"),
    "an unknown payer": (lambda r: (organization_of(r)["identifier"][0].update(value="nobody"), organization_of(r).update(name="Nobody")), "the payer of the coverage is not one this service answers for", "2.1 2.2"),
    "a payer that was not sent": (lambda r: r["prefetch"]["coverage"]["entry"].pop(), NO_IDENTIFIER, "2.1"),
    "a coverage that was entered in error": (lambda r: coverage_of(r).update(status="entered-in-error"), NOT_SENT, "2.1 2.2"),
    "a coverage that is a draft": (lambda r: coverage_of(r).update(status=" Draft"), NOT_SENT, "2.1 2.2"),
    "another patient's, as a string": (lambda r: coverage_of(r).update(beneficiary="Patient/other"), NOT_SENT, "2.1 2.2"),
    "another patient's coverage": (lambda r: coverage_of(r)["beneficiary"].update(reference="Patient/other"), NOT_SENT, "2.1 2.2"),
}  # fmt: skip


@pytest.mark.parametrize(
    "hook", ["order-sign", "order-select", "order-dispatch", "appointment-book", "encounter-start"]
)
@pytest.mark.parametrize(
    ("problem", "version"), [(name, version) for name, found in PROBLEMS.items() for version in found[2].split()]
)
def test_a_coverage_problem_is_400_with_its_reason(
    problem: str, version: str, hook: str, service: Any, example: Any
) -> None:
    """hook-13, hook-10: SHALL 400 where not one Coverage of a payer served here is accessible."""
    request = example(f"{hook}-{version}")
    change, says, _ = PROBLEMS[problem]
    change(request)

    response = service.post(f"/cds-services/{hook}-crd", request)

    assert response.status_code == 400
    assert response.json()["resourceType"] == "OperationOutcome"
    assert [issue["diagnostics"] for issue in response.json()["issue"]] == [says]
    assert response.json()["issue"][0]["expression"][0].startswith("Coverage")


@pytest.mark.parametrize("problem", ["no coverage at all", "null", "an empty searchset", "another patient's coverage"])
def test_in_2_0_it_is_cards_without_coverage_information(problem: str, service: Any, example: Any) -> None:
    """Nothing is defined in 2.0.1; the extension's `coverage` is 1..1, so nothing can be written."""
    request = example("m0076-order-sign")
    mri = copy.deepcopy(request["context"]["draftOrders"]["entry"][0]["resource"])
    mri.update(id="mri", code={"text": "MRI of the knee"})
    request["context"]["draftOrders"]["entry"].append({"resource": mri})
    change, says, _ = PROBLEMS[problem]
    change(request)

    response = service.post("/cds-services/order-sign-crd", request)

    assert response.status_code == 200
    assert response.json()["systemActions"] == []
    policy, unknown = response.json()["cards"]
    assert says[1:] in policy["detail"]
    assert says[1:] in unknown["detail"]
    assert "MRI of the knee" in unknown["detail"]
    assert unknown["extension"]["davinci-crd.associated-resource"] == ["ServiceRequest/mri"]
    assert faults("2.0", response.json()) == []


INACTIVE = {
    "a cancelled coverage": lambda r: coverage_of(r).update(status="cancelled"),
    "a coverage that has ended": lambda r: coverage_of(r).update(period={"end": "2026-01-01"}),
    "a coverage that has not begun": lambda r: coverage_of(r).update(period={"start": "2027-01"}),
}


@pytest.mark.parametrize(
    ("version", "covered", "codes"),
    [("2.0", "conditional", []), ("2.1", "not-covered", []), ("2.2", "not-covered", ["no-active-coverage"])],
)
@pytest.mark.parametrize("hook", ["order-sign", "order-dispatch", "appointment-book"])
@pytest.mark.parametrize("problem", INACTIVE)
def test_a_coverage_that_is_not_in_force_is_said_on_the_order(
    problem: str, hook: str, version: str, covered: str, codes: list[str], service: Any, example: Any
) -> None:
    """resp-45: no active coverage; the payer is still the payer of the coverage, and none in its place."""
    request = example(f"{hook}-{version}" if (hook, version) != ("order-sign", "2.0") else "m0076-order-sign")
    INACTIVE[problem](request)

    answer = service.post(f"/cds-services/{hook}-crd", request).json()

    for action in answer["systemActions"]:
        parts = {part["url"]: part for part in action["resource"]["extension"][-1]["extension"]}
        reason = parts["reason"]["valueCodeableConcept"]
        assert parts["covered"]["valueCode"] == covered
        assert [coding["code"] for coding in reason.get("coding", ())] == codes
        assert reason["text"].startswith(
            "No active coverage: the coverage by Example Health Plan is not in force on 20"
        )
    assert answer["systemActions"]
    assert all("no active coverage" in card["summary"] for card in answer["cards"])
    assert faults(version, answer) == []


def test_in_2_0_coverages_of_equal_rank_are_both_answered_for(service: Any, example: Any) -> None:
    """CRD-264, resp-32: a repetition for each coverage, with ids of their own (spec 8.5)."""
    request = example("m0076-order-sign")
    add_coverage(request)

    response = service.post("/cds-services/order-sign-crd", request).json()

    (action,) = response["systemActions"]
    parts = [{p["url"]: p for p in e["extension"]} for e in action["resource"]["extension"]]
    assert [p["coverage"]["valueReference"]["reference"] for p in parts] == ["Coverage/cov-1", "Coverage/cov-2"]
    assert len({p["coverage-assertion-id"]["valueString"] for p in parts}) == 2
    assert len(response["cards"]) == 1
    assert faults("2.0", response) == []


def test_an_order_that_names_its_coverage_settles_which_one(service: Any, example: Any) -> None:
    request = example("order-sign-2.2")
    add_coverage(request)
    for entry in request["context"]["draftOrders"]["entry"]:
        entry["resource"]["insurance"] = [{"reference": "Coverage/cov-2"}]

    response = service.post("/cds-services/order-sign-crd", request)

    assert response.status_code == 200
    said = [e for a in response.json()["systemActions"] for e in a["resource"]["extension"]]
    assert {e["extension"][0]["valueReference"]["reference"] for e in said} == {"Coverage/cov-2"}


def test_a_void_order_needs_no_coverage(service: Any, example: Any) -> None:
    request = example("order-sign-2.2")
    del request["prefetch"]["coverage"]
    for entry in request["context"]["draftOrders"]["entry"]:
        entry["resource"]["status"] = "revoked"

    assert service.post("/cds-services/order-sign-crd", request).json() == {"cards": [], "systemActions": []}


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_coverage_that_came_twice_is_one(version: str, service: Any, example: Any) -> None:
    """clients.md: records are found whatever their key, and crd-request-generator sends the Coverage under two."""
    request = example("order-sign-2.2")
    request["extension"]["davinci-crd.requestedVersion"] = version
    request["prefetch"]["other"] = copy.deepcopy(request["prefetch"]["coverage"])
    request["context"]["draftOrders"]["entry"][0]["resource"]["insurance"] = [{"reference": "Coverage/cov-1"}] * 2

    response = service.post("/cds-services/order-sign-crd", request)

    assert response.status_code == 200
    assert [len(action["resource"]["extension"]) for action in response.json()["systemActions"]] == [1, 1]


BAD_ORDERS = {
    "under a coverage at another server": {
        "insurance": [{"reference": "https://elsewhere.example.org/Coverage/cov-1"}]
    },
    "of another patient": {"subject": {"reference": "Patient/other"}},
    "of a group": {"subject": {"reference": "Group/other"}},
    "of a device": {"subject": {"reference": "Device/other"}},
    "of a location, by its version": {"subject": {"reference": "Location/other/_history/1"}},
    "of a patient at another server": {"subject": {"reference": "https://elsewhere.example.org/fhir/Patient/pat-1"}},
}


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("bad", BAD_ORDERS)
def test_one_order_without_a_coverage_does_not_refuse_the_others(
    bad: str, version: str, service: Any, example: Any
) -> None:
    """CRD-63, found-34: what can be said is said, and a card tells of the rest."""
    request = example("order-sign-2.2")
    request["extension"]["davinci-crd.requestedVersion"] = version
    request["context"]["draftOrders"]["entry"][1]["resource"].update(BAD_ORDERS[bad])

    response = service.post("/cds-services/order-sign-crd", request)

    assert response.status_code == 200
    assert [action["resource"]["id"] for action in response.json()["systemActions"]] == ["prolo-1"]
    assert "Coverage could not be identified: no determination for these orders" in [
        card["summary"] for card in response.json()["cards"]
    ]
    assert faults(version, response.json()) == []


def test_another_patients_order_is_not_judged_and_says_why(service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    request["context"]["draftOrders"]["entry"][0]["resource"]["subject"]["reference"] = "Patient/other"

    (card,) = service.post("/cds-services/order-sign-crd", request).json()["cards"]

    assert card["detail"].startswith("The order is for another patient than the call.")


def test_a_coverage_without_an_id_is_told_of(service: Any, example: Any) -> None:
    """hook-16: nothing can be written onto the order, and silence would say that there is nothing to say."""
    request = example("order-sign-2.2")
    del coverage_of(request)["id"]

    response = service.post("/cds-services/order-sign-crd", request)

    assert response.json()["systemActions"] == []
    assert "The coverage has no id to refer to." in response.text


def test_an_assertion_says_until_when_it_holds(service: Any, example: Any) -> None:
    """resp-30, CRD-262: the guide's expiry-date, from 2.1 on, is the coverage's last day where that is known."""
    for version, expiry in (("2.0", None), ("2.1", "2026-12-31"), ("2.2", "2026-12-31")):
        request = example("order-sign-2.2")
        request["extension"]["davinci-crd.requestedVersion"] = version
        coverage_of(request)["period"] = {"start": "2026-01-01", "end": "2026-12-31"}

        action = service.post("/cds-services/order-sign-crd", request).json()["systemActions"][0]
        parts = {p["url"]: p for p in action["resource"]["extension"][0]["extension"]}

        assert parts.get("expiry-date", {}).get("valueDate") == expiry


@pytest.mark.parametrize("status", ["draft", "entered-in-error"])
def test_a_coverage_that_is_none_is_none_also_where_an_order_names_it(status: str, service: Any, example: Any) -> None:
    """FHIR R4, Coverage.status: "not covered" would rest on a record that was never meant to be there."""
    request = example("order-sign-2.2")
    coverage_of(request)["status"] = status
    for entry in request["context"]["draftOrders"]["entry"]:
        entry["resource"]["insurance"] = [{"reference": f"Coverage/{coverage_of(request)['id']}"}]

    response = service.post("/cds-services/order-sign-crd", request)

    assert response.status_code == 400
    assert "not-covered" not in response.text


@pytest.mark.parametrize("subject", ["Patient/other", [{"reference": "Patient/other"}], {"reference": {}}])
def test_an_order_whose_subject_cannot_be_read_is_not_judged_as_this_patients(
    subject: Any, service: Any, example: Any
) -> None:
    """It may be another patient's: conditional, with the place of what could not be read."""
    request = example("m0076-order-sign")
    request["context"]["draftOrders"]["entry"][0]["resource"]["subject"] = subject

    [action] = service.post("/cds-services/order-sign-crd", request).json()["systemActions"]

    said = {part["url"]: part for part in action["resource"]["extension"][-1]["extension"]}
    assert said["covered"]["valueCode"] == "conditional"
    assert "ServiceRequest.subject" in said["reason"]["valueCodeableConcept"]["text"]
