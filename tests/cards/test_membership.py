"""What a payer's own members change of who pays."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cards.coverage import Coverage, CoverageProblem, identifier
from cards.coverage_outcome import TABLE
from cards.member import CoveragePeriod, FoundMember, LookUp, Member
from cards.membership import describe_member, may_be_asked, settle
from cards.payer_selection import PayerChoice
from cds_hooks.rules.loading import Rules

DAY = date(2026, 11, 23)
COVERAGE = Coverage("Coverage/1", None, None, "active", 1, frozenset(), (), ())


@pytest.fixture(name="paying")
def _paying(rules: Rules) -> PayerChoice:
    """The Coverage names Example Health Plan, and is in force as the EHR has it."""
    return PayerChoice(COVERAGE, rules.payers.default, payer_is_known=True)


def found(*periods: CoveragePeriod) -> FoundMember:
    mark = identifier("http://payer.example/member", "A1")
    return FoundMember(LookUp.FOUND, Member(mark, frozenset({mark}), periods))


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def period(start: str | None, end: str | None, plan: str = "example-health-plan") -> CoveragePeriod:
    return CoveragePeriod(plan, None, day(start), day(end))


def test_a_member_whose_coverage_is_in_force_is_answered(paying: PayerChoice, rules: Rules) -> None:
    settled = settle(paying, found(period("2026-01-01", "2026-12-31")), rules.payers, DAY, DAY)

    assert settled.problem is None
    assert settled.coverage
    assert (settled.coverage.starts, settled.coverage.ends) == ("2026-01-01", "2026-12-31")


@pytest.mark.parametrize(
    ("start", "end", "is_in_force"),
    [
        ("2026-11-23", "2026-11-23", True),
        ("2026-11-24", None, False),
        (None, "2026-11-22", False),
        (None, None, True),
    ],
)
def test_a_coverage_counts_from_its_first_to_its_last_day(
    start: str | None, end: str | None, is_in_force: bool, paying: PayerChoice, rules: Rules
) -> None:
    """resp-45."""
    settled = settle(paying, found(period(start, end)), rules.payers, DAY, DAY)

    assert settled.problem is (None if is_in_force else CoverageProblem.INACTIVE)


def test_the_ehrs_copy_of_a_coverage_is_a_hint_only(paying: PayerChoice, rules: Rules) -> None:
    ended = paying._replace(coverage=replace(COVERAGE, ends="2026-01-31"), problem=CoverageProblem.INACTIVE)

    assert settle(ended, found(period(None, None)), rules.payers, DAY, DAY).problem is None


def test_the_plan_of_the_member_decides_whose_policies_bind(paying: PayerChoice, rules: Rules) -> None:
    settled = settle(paying, found(period(None, None, "medicare")), rules.payers, DAY, DAY)

    assert (settled.payer.id, settled.problem) == ("medicare", None)


def test_of_several_plans_the_one_that_the_coverage_names_counts(paying: PayerChoice, rules: Rules) -> None:
    both = found(period(None, None, "medicare"), period(None, None))

    assert settle(paying, both, rules.payers, DAY, DAY).payer.id == "example-health-plan"


def test_of_several_other_plans_none_is_guessed(paying: PayerChoice, rules: Rules) -> None:
    """resp-45: `cannot resolve to a single coverage`."""
    both = found(period(None, None, "medicare"), period(None, None, "example-blue-plan"))

    assert settle(paying, both, rules.payers, DAY, DAY).problem is CoverageProblem.NO_COVERAGE


def test_a_member_without_any_coverage_has_none_to_be_found(paying: PayerChoice, rules: Rules) -> None:
    assert settle(paying, found(), rules.payers, DAY, DAY).problem is CoverageProblem.NO_COVERAGE


def test_a_coverage_that_does_not_hold_on_all_days_of_the_service_leaves_it_open(
    paying: PayerChoice, rules: Rules
) -> None:
    settled = settle(paying, found(period(None, "2026-11-25")), rules.payers, DAY, date(2026, 11, 30))

    assert settled.problem is CoverageProblem.UNSURE_DAY


@pytest.mark.parametrize(
    ("periods", "problem"),
    [
        ([("2026-11-24", "2026-11-26")], CoverageProblem.UNSURE_DAY),
        ([(None, "2026-11-22"), ("2026-12-01", None)], CoverageProblem.INACTIVE),
        ([("2026-01-01", "2026-11-25"), ("2026-11-26", None)], None),
        ([("2026-11-26", None), ("2026-01-01", "2026-11-25"), ("2026-11-01", "2026-11-20")], None),
        ([("2026-01-01", "2026-11-25"), ("2026-11-27", None)], CoverageProblem.UNSURE_DAY),
        ([(None, None), ("2026-11-01", "2026-11-20")], None),
    ],
)
def test_several_coverages_of_a_plan_count_together_and_a_gap_leaves_it_open(
    periods: list[tuple[str | None, str | None]],
    problem: CoverageProblem | None,
    paying: PayerChoice,
    rules: Rules,
) -> None:
    """resp-45: never `not-covered` while the service may be on a day that is covered."""
    held = found(*(period(*one) for one in periods))

    assert settle(paying, held, rules.payers, DAY, date(2026, 11, 30)).problem is problem


def test_a_coverage_ends_with_the_one_that_goes_on_with_it(paying: PayerChoice, rules: Rules) -> None:
    held = found(period("2026-01-01", "2026-11-30"), period("2026-12-01", "2027-11-30"))

    settled = settle(paying, held, rules.payers, DAY, DAY)

    assert settled.coverage
    assert (settled.coverage.starts, settled.coverage.ends) == ("2026-01-01", "2027-11-30")


def test_a_plan_without_a_payer_file_is_nobodys_word(paying: PayerChoice, rules: Rules) -> None:
    settled = settle(paying, found(period(None, None, "gone")), rules.payers, DAY, DAY)

    assert settled.problem is CoverageProblem.LOOK_UP_FAILED


@pytest.mark.parametrize("look_up", [one for one in LookUp if one is not LookUp.FOUND])
def test_where_no_member_is_found_it_is_said_why(look_up: LookUp, paying: PayerChoice, rules: Rules) -> None:
    settled = settle(paying, FoundMember(look_up), rules.payers, DAY, DAY)

    assert settled.problem
    assert not TABLE[settled.problem].any_2_2.answers
    assert (settled.problem is CoverageProblem.NO_MEMBER) is (look_up is LookUp.NONE)


@pytest.mark.parametrize("problem", [None, *CoverageProblem])
def test_nobody_is_looked_for_among_the_members_of_a_payer_that_their_coverage_does_not_name(
    problem: Any, paying: PayerChoice
) -> None:
    """A stranger is never spoken for, and never asked about."""
    assert not may_be_asked(paying._replace(payer_is_known=False, problem=problem))
    assert not may_be_asked(paying._replace(coverage=None, problem=problem))


def test_a_member_is_described_by_its_id_and_plans() -> None:
    member = found(period("2026-01-01", None)).member

    assert member
    assert describe_member(member) == (
        "member A1 (payer.example/member): example-health-plan from 2026-01-01 until further notice"
    )
