"""Who pays: the payer is found wherever a Coverage names it."""

from datetime import date
from typing import Any

import pytest

from cards import choose_coverage, read_coverage
from cds_hooks.policy_files import Rules

DAY = date(2026, 11, 23)

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


@pytest.mark.parametrize("identity", [None, 7, {}, "", "a b", "a/b"])
def test_a_coverage_without_an_id_cannot_be_referred_to_but_names_its_payer(identity: Any, rules: Rules) -> None:
    read = read_coverage(coverage(id=identity, payor=[{"display": "Example Health Plan"}]))

    assert read.reference is None
    assert rules.payers.recognise(read)


def test_the_order_names_its_coverage_and_keeps_the_clients_reference() -> None:
    one, two = read_coverage(coverage(id="1", order=1)), read_coverage(coverage(id="2", order=2))

    named = choose_coverage([one, two], ["https://ehr.example.org/fhir/Coverage/2"], DAY)

    assert named
    assert named.reference == "https://ehr.example.org/fhir/Coverage/2"


def test_without_a_word_of_the_order_the_primary_coverage_counts() -> None:
    one, two = read_coverage(coverage(id="1")), read_coverage(coverage(id="2", order=1))

    assert choose_coverage([one, two], [], DAY) is two
    assert choose_coverage([], [], DAY) is None


def test_of_several_named_coverages_the_primary_counts() -> None:
    one, two = read_coverage(coverage(id="1", order=2)), read_coverage(coverage(id="2", order=1))

    chosen = choose_coverage([one, two], ["Coverage/1", "Coverage/2/_history/3"], DAY)

    assert chosen
    assert chosen.reference == "Coverage/2/_history/3"


def test_a_named_coverage_that_did_not_come_is_not_replaced_by_another() -> None:
    assert choose_coverage([read_coverage(coverage(id="1"))], ["Coverage/not-here"], DAY) is None


@pytest.mark.parametrize(
    ("period", "counts"),
    [
        ({"start": "2026-01-01", "end": "2026-12-31"}, True),
        ({"end": "2026-11-23"}, True),
        ({"end": "2026-11-22"}, False),
        ({"end": "2026-11"}, True),
        ({"end": "2025"}, False),
        ({"start": "2026-11-24"}, False),
        ({"start": "2026-11-23T08:00:00Z"}, True),
        (7, True),
    ],
)
def test_a_coverage_counts_within_its_period(period: Any, counts: bool) -> None:
    assert read_coverage(coverage(period=period)).is_active(DAY) is counts


@pytest.mark.parametrize(
    ("status", "counts"),
    [("active", True), ("Active", True), ("cancelled", False), (["cancelled"], False), (7, False)],
)
def test_a_coverage_counts_by_its_status(status: Any, counts: bool) -> None:
    assert read_coverage(coverage(status=status)).is_active(DAY) is counts


def test_a_patient_who_pays_is_no_organization(rules: Rules) -> None:
    read = read_coverage(coverage(payor=[{"reference": "Patient/o"}]), [ORGANIZATION])

    assert rules.payers.recognise(read) is None
