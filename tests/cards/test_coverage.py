"""Who pays: the payer is found wherever a Coverage names it."""

from datetime import date
from typing import Any

import pytest

from cards import (
    Coverage,
    CoverageProblem,
    NamedCoverage,
    PayerChoice,
    ReferenceIndex,
    SentCoverages,
    find_paying,
    read_coverage,
)
from cds_hooks.rules.loading import Rules

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
    index = ReferenceIndex("https://ehr.example.org/fhir")
    for organization in beside:
        index.add({"resourceType": "Organization", **organization})
    within = index.add(coverage(**members))

    def resolve(reference: str) -> Any:
        entry = index.resolve(reference, within)
        return entry.resource if entry else None

    payer = rules.payers.recognise(read_coverage(within.resource, resolve=resolve))

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


OURS = [{"identifier": {"system": "http://example.org/payer-id", "value": "EHP01"}}]
FOREIGN = [{"identifier": {"system": "http://example.org/payer-id", "value": "nobody"}}]


def paying(
    rules: Rules, *coverages: dict[str, Any], insurance: tuple[str, ...] = (), only_one: bool = False
) -> list[PayerChoice]:
    index = ReferenceIndex("https://ehr.example.org/fhir")
    read = {id(one): read_coverage(index.add(one).resource, rules.vocabulary.code_systems) for one in coverages}
    found = [(reference, index.resolve(reference)) for reference in insurance]
    named = [NamedCoverage(reference, read[id(one.resource)] if one else None) for reference, one in found]
    return list(find_paying(named, SentCoverages(tuple(read.values())), rules.payers, DAY, only_one=only_one))


def references(found: list[PayerChoice]) -> list[str | None]:
    return [one.coverage.reference if one.coverage else None for one in found]


def test_the_order_names_its_coverage_and_keeps_the_clients_reference(rules: Rules) -> None:
    named = ("https://ehr.example.org/fhir/Coverage/2",)

    found = paying(rules, coverage(id="1", order=1, payor=OURS), coverage(id="2", order=2, payor=OURS), insurance=named)

    assert references(found) == ["https://ehr.example.org/fhir/Coverage/2"]


def test_without_a_word_of_the_order_the_primary_coverage_counts(rules: Rules) -> None:
    assert references(paying(rules, coverage(id="1", payor=OURS), coverage(id="2", order=1, payor=OURS))) == [
        "Coverage/2"
    ]
    assert paying(rules)[0].problem is CoverageProblem.NONE


def test_of_several_named_coverages_the_primary_counts(rules: Rules) -> None:
    named = ("Coverage/1", "Coverage/2/_history/3")

    found = paying(rules, coverage(id="1", order=2, payor=OURS), coverage(id="2", order=1, payor=OURS), insurance=named)

    assert references(found) == ["Coverage/2/_history/3"]


def test_a_named_coverage_that_did_not_come_gives_way_to_the_only_one_that_did(rules: Rules) -> None:
    """dev-29: the primary coverage is the only one that a call brings."""
    found = paying(rules, coverage(id="1", payor=OURS), insurance=("Coverage/not-here",))

    assert references(found) == ["Coverage/1"]
    assert found[0].problem is CoverageProblem.GAVE_WAY


def test_a_named_coverage_that_did_not_come_is_not_replaced_by_one_of_several(rules: Rules) -> None:
    two = coverage(id="1", payor=OURS), coverage(id="2", payor=OURS)
    found = paying(rules, *two, insurance=("Coverage/not-here",))

    assert references(found) == [None]
    assert found[0].problem is CoverageProblem.NOT_THE_ONE_NAMED


def test_a_coverage_at_another_server_is_not_replaced(rules: Rules) -> None:
    sent = SentCoverages((read_coverage(coverage(payor=OURS)),))
    named = [NamedCoverage("https://elsewhere.example.org/fhir/Coverage/c", None, is_elsewhere=True)]

    (found,) = find_paying(named, sent, rules.payers, DAY)

    assert found.problem is CoverageProblem.NOT_THE_ONE_NAMED


@pytest.mark.parametrize(
    "members",
    [
        {"payor": [{"reference": "Patient/p"}]},
        {"payor": [{"reference": "RelatedPerson/p"}]},
        {"payor": [{"type": "Patient", "display": "Ida Invented"}]},
        {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/coverage-selfpay", "code": "pay"}]}},
    ],
)
def test_who_pays_for_themselves_has_no_payer(members: dict[str, Any], rules: Rules) -> None:
    assert [one.problem for one in paying(rules, coverage(**members))] == [CoverageProblem.SELF_PAY]


def test_the_payer_of_a_coverage_that_has_ended_is_still_that_payer(rules: Rules) -> None:
    (found,) = paying(rules, coverage(period={"end": "2026-01-01"}, payor=OURS))

    assert (found.problem, found.payer.id, found.payer_is_known) == (
        CoverageProblem.INACTIVE,
        "example-health-plan",
        True,
    )


def test_of_several_coverages_the_one_of_a_known_payer_counts(rules: Rules) -> None:
    """Spec 8.5, CRD 2.0.1: choose the one whose payor matches us, before the lowest `order`."""
    found = paying(rules, coverage(id="1", order=1, payor=FOREIGN), coverage(id="2", order=2, payor=OURS))

    assert references(found) == ["Coverage/2"]


def test_coverages_of_equal_rank_are_both_answered_for(rules: Rules) -> None:
    """Spec 8.5, CRD 2.0.1: else repeat the extension per coverage with distinct ids."""
    assert references(paying(rules, coverage(id="1", payor=OURS), coverage(id="2", payor=OURS))) == [
        "Coverage/1",
        "Coverage/2",
    ]


def test_too_many_coverages_of_equal_rank_are_none(rules: Rules) -> None:
    found = paying(rules, *[coverage(id=str(n), payor=OURS) for n in range(6)])

    assert found[0].problem is CoverageProblem.SEVERAL


def test_of_several_foreign_coverages_only_one_is_answered_for(rules: Rules) -> None:
    assert references(paying(rules, coverage(id="1", payor=FOREIGN), coverage(id="2", payor=FOREIGN))) == ["Coverage/1"]


@pytest.mark.parametrize(
    ("coverages", "problem"),
    [
        ([], CoverageProblem.NONE),
        ([coverage(status="cancelled", payor=OURS)], CoverageProblem.INACTIVE),
        ([coverage(period={"end": "2026-11-22"}, payor=OURS)], CoverageProblem.INACTIVE),
        ([coverage(id="1", payor=OURS), coverage(id="2", payor=OURS)], CoverageProblem.SEVERAL),
        ([coverage(payor=[{"display": "Example Health Plan"}])], CoverageProblem.NO_PAYER_IDENTIFIER),
        ([coverage(payor=[{"identifier": {"value": "EHP01"}}])], CoverageProblem.NO_IDENTIFIER_SYSTEM),
        ([coverage(payor=[{"reference": "Organization/o"}])], CoverageProblem.UNSENT_PAYER),
        ([coverage(status="cancelled", payor=FOREIGN)], CoverageProblem.UNKNOWN_PAYER),
        ([coverage(payor=FOREIGN)], CoverageProblem.UNKNOWN_PAYER),
        ([coverage(payor=OURS)], None),
    ],
)
def test_where_one_coverage_is_demanded_everything_else_is_a_problem(
    coverages: list[Any], problem: CoverageProblem | None, rules: Rules
) -> None:
    """hook-13: no Coverage, several, no payer.identifier, or a payer that is not served here."""
    assert [one.problem for one in paying(rules, *coverages, only_one=True)] == [problem]


def test_a_payor_that_could_not_be_had_is_not_taken_for_an_unknown_one(rules: Rules) -> None:
    read = read_coverage(coverage(payor=[{"reference": "Organization/o"}]))
    sent = SentCoverages((read,), sought=frozenset({"Organization/o"}))

    found = find_paying((), sent, rules.payers, DAY)

    assert [one.problem for one in found] == [CoverageProblem.UNREAD_PAYER]


def test_the_last_day_of_a_coverage_is_known_to_the_day_only() -> None:
    def last(period: Any) -> date | None:
        read: Coverage = read_coverage(coverage(period=period))
        return read.last_day

    assert last({"end": "2026-12-31T23:59:59Z"}) == date(2026, 12, 31)
    assert last({"end": "2026-12"}) is None
    assert last({}) is None


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


@pytest.mark.parametrize("kind", [["Patient"], {"text": "Patient"}, 1, None, True])
def test_a_type_of_a_payor_that_is_no_text_says_nothing(kind: Any, rules: Rules) -> None:
    payor = {"type": kind, "display": "Medicare"}
    read = read_coverage({"resourceType": "Coverage", "id": "c", "payor": [payor]}, rules.vocabulary.code_systems)

    assert not read.is_self_pay
    assert read.payer_names == ("Medicare",)
