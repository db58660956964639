"""Codes, words and days as clients in the field write them, over real HTTP: what is written onto the order."""

import copy
from typing import Any

import pytest

CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
M0076 = {"coding": [{"system": HCPCS, "code": "M0076"}]}
EXTENSION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"


def ask(service: Any, request: dict[str, Any], **members: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send the example's order with other members; return it as sent, and the response."""
    request = copy.deepcopy(request)
    [entry] = request["context"]["draftOrders"]["entry"]
    for name in ("code", "note", "occurrenceDateTime"):
        entry["resource"].pop(name, None)
    entry["resource"].update(members)
    response = service.post(f"/cds-services/{request['hook']}-crd", request)
    assert response.status_code == 200, response.text
    return entry["resource"], response.json()


def covered(answer: dict[str, Any]) -> list[str]:
    """Return what is written onto the orders."""
    extensions = [
        e for action in answer["systemActions"] for e in action["resource"]["extension"] if e["url"] == EXTENSION
    ]
    return [part["valueCode"] for e in extensions for part in e["extension"] if part["url"] == "covered"]


@pytest.mark.parametrize("code", ["M0076-RT", "M0076 50", "M0076RT", "M0076.RT", "m0076:rt-59"])
@pytest.mark.parametrize("system", [HCPCS, "http://www.nlm.nih.gov/research/umls/hcpcs", "HCPCS|2026"])
def test_a_code_with_modifiers_is_answered_and_goes_back_as_it_came(
    code: str, system: str, service: Any, example: Any
) -> None:
    sent, answer = ask(service, example("m0076-order-sign"), code={"coding": [{"system": system, "code": code}]})

    assert covered(answer) == ["not-covered"]
    assert answer["systemActions"][0]["resource"]["code"] == sent["code"]


def test_order_select_is_not_silent_on_a_code_with_a_modifier(service: Any, example: Any) -> None:
    _, answer = ask(service, example("m0076-order-select"), code={"coding": [{"system": HCPCS, "code": "M0076-RT"}]})

    assert len(answer["cards"]) == 1


@pytest.mark.parametrize(
    "members",
    [
        {"code": {"coding": [{"system": CPT, "code": "20999"}]}, "note": [{"text": "Failed PT &amp; prolotherapy"}]},
        {"code": {"coding": [{"system": CPT, "code": "20999"}]}, "note": [{"text": "No&nbsp;prolotherapy"}]},
        {"code": {"coding": [{"system": CPT, "code": "20999"}]}, "note": [{"text": "Previously tried:\n1. Prolotherapy\n2. PT"}]},
        {"code": {"text": "Prolotherapy R knee"}, "note": [{"text": "\u0928\u0939\u0940\u0902"}]},
        {"code": {"text": "M0076"}},
        {"code": {"coding": [{"code": "M0076"}]}},
        {"code": {"concept": M0076}},
    ],
)  # fmt: skip
def test_what_is_in_doubt_is_conditional_and_never_silent(members: Any, service: Any, example: Any) -> None:
    _, answer = ask(service, example("m0076-order-sign"), **members)

    assert covered(answer) == ["conditional"]


@pytest.mark.parametrize("code", [{"text": "M0076"}, {"coding": [{"code": "M0076"}]}])
def test_order_select_asks_about_a_code_without_its_system(code: Any, service: Any, example: Any) -> None:
    _, answer = ask(service, example("m0076-order-select"), code=code)

    assert len(answer["cards"]) == 1


@pytest.mark.parametrize(
    "when",
    [
        {"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2027-02-15", "end": "2027-05-15"}, "frequency": 1, "period": 1, "periodUnit": "wk"}}},
        {"occurrenceDateTime": "2027-02"},
        {"occurrenceDateTime": "2027"},
        {"occurrencePeriod": {"start": "2027-02-15"}},
    ],
)  # fmt: skip
def test_an_order_for_next_year_is_answered_under_the_plan_of_next_year(when: Any, service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    [coverage] = [e for e in request["prefetch"]["coverage"]["entry"] if e["resource"]["resourceType"] == "Coverage"]
    later = copy.deepcopy(coverage)
    coverage["resource"]["period"] = {"start": "2026-01-01", "end": "2026-12-31"}
    later["resource"].update(id="next-year", period={"start": "2027-01-01", "end": "2027-12-31"})
    later.pop("fullUrl", None)
    request["prefetch"]["coverage"]["entry"].append(later)
    for entry in request["context"]["draftOrders"]["entry"]:
        entry["resource"].pop("insurance", None)
    _, answer = ask(service, request, code=M0076, **when)

    [extension] = [e for e in answer["systemActions"][0]["resource"]["extension"] if e["url"] == EXTENSION]
    assert {"url": "coverage", "valueReference": {"reference": "Coverage/next-year"}} in extension["extension"]
