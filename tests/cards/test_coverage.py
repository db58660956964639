"""Who pays: the payer is found wherever a Coverage names it."""

from typing import Any

import pytest

from cards import choose_coverage, read_coverage
from cds_hooks.policy_files import Rules

ORGANIZATION = {
    "resourceType": "Organization",
    "id": "o",
    "name": "Example Health Plan",
    "identifier": [{"system": "http://example.org/payer-id", "value": "EHP01"}],
}


def coverage(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Coverage", "id": "c", "status": "active", **members}


@pytest.mark.parametrize(
    ("members", "beside"),
    [
        ({"payor": [{"identifier": {"system": "http://example.org/payer-id", "value": "EHP01"}}]}, []),
        ({"payor": [{"identifier": {"system": "https://EXAMPLE.org/payer-id/", "value": "EHP01"}}]}, []),
        ({"payor": [{"reference": "Organization/o"}]}, [ORGANIZATION]),
        ({"payor": [{"reference": "https://ehr.example.org/fhir/Organization/o"}]}, [ORGANIZATION]),
        ({"payor": [{"reference": "#o"}], "contained": [ORGANIZATION]}, []),
        ({"payor": [{"display": "example  HEALTH plan"}]}, []),
        ({"payor": [{"display": "Example Health Plan, Inc."}]}, []),
        ({"payor": [{"reference": "Organization/o"}]}, [{"id": "o", "name": "Example Health Plan"}]),
        ({"payor": [{"reference": "Organization/o"}]}, [{"id": "o", "name": "x", "alias": ["Example Health Plan"]}]),
        ({"payor": {"display": "Example Health Plan"}}, []),
    ],
)
def test_the_payer_is_recognised(members: dict[str, Any], beside: list[dict[str, Any]], rules: Rules) -> None:
    read = read_coverage(coverage(**members), beside)

    assert read is not None
    payer = rules.payers.recognise(read)
    assert payer is not None
    assert payer.id == "example-health-plan"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"payor": []},
        {"payor": [{"reference": "Organization/gone"}]},
        {"payor": [{"display": "Example"}]},
        {"payor": [{"identifier": {"system": "http://example.org/payer-id", "value": "ehp01"}}]},
        {"payor": ["x", 7, None, {"identifier": 7, "display": 7, "reference": 7}]},
        {"payor": [{"reference": "#o"}], "contained": 7},
    ],
)
def test_a_payer_is_never_guessed(members: dict[str, Any], rules: Rules) -> None:
    read = read_coverage(coverage(**members))

    assert read is not None
    assert rules.payers.recognise(read) is None


@pytest.mark.parametrize("identity", [None, 7, {}])
def test_a_coverage_without_an_id_cannot_be_referred_to(identity: Any) -> None:
    assert read_coverage(coverage(id=identity)) is None


def test_the_order_names_its_coverage_and_keeps_the_clients_reference() -> None:
    one, two = read_coverage(coverage(id="1", order=1)), read_coverage(coverage(id="2", order=2))
    assert one
    assert two

    named = choose_coverage([one, two], ["https://ehr.example.org/fhir/Coverage/2"])

    assert named
    assert named.reference == "https://ehr.example.org/fhir/Coverage/2"


def test_without_a_word_of_the_order_the_primary_coverage_counts() -> None:
    one, two = read_coverage(coverage(id="1")), read_coverage(coverage(id="2", order=1))
    assert one
    assert two

    assert choose_coverage([one, two], []) is two
    assert choose_coverage([], []) is None
