"""What follows from what is known of a coverage: one table, for all problems, versions and hooks."""

from datetime import date
from typing import Any

import pytest

from cards.coverage import CoverageProblem
from cards.coverage_outcome import ANSWERED, TABLE, AnswerRule, Voice, find_outcome
from cards.payer_selection import PayerChoice
from cards.policy import Covered
from cds_hooks.rules.loading import Rules

DAY = date(2026, 11, 23)
RULES = [AnswerRule(version, is_primary) for version in ("2.0", "2.1", "2.2") for is_primary in (True, False)]

#: Problems of a coverage whose payer is known and served.
OF_MEMBERS = {
    CoverageProblem.NO_MEMBER,
    CoverageProblem.NO_COVERAGE,
    CoverageProblem.SEVERAL_MEMBERS,
    CoverageProblem.NO_MEMBER_ID,
    CoverageProblem.LOOK_UP_FAILED,
}
OF_KNOWN_PAYERS = {CoverageProblem.INACTIVE, CoverageProblem.UNSURE_DAY, CoverageProblem.GAVE_WAY, *OF_MEMBERS}

#: What is said where the payer, or the EHR, has looked and found nothing in force.
NOT_COVERED = {CoverageProblem.INACTIVE, CoverageProblem.NO_MEMBER, CoverageProblem.NO_COVERAGE}


def choose(problem: CoverageProblem | None, rules: Rules) -> PayerChoice:
    return PayerChoice(None, rules.payers.default, problem in OF_KNOWN_PAYERS or problem is None, problem)


def test_every_problem_has_its_row() -> None:
    assert set(TABLE) == set(CoverageProblem)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("problem", CoverageProblem)
def test_not_covered_is_written_only_where_the_payer_is_known(
    problem: CoverageProblem, rule: AnswerRule, rules: Rules
) -> None:
    """resp-44, resp-45: `not-covered` says that there is no such member, or no coverage, of a payer known and served."""
    outcome = find_outcome(choose(problem, rules), DAY, rule)

    assert outcome.annotation is not Covered.COVERED
    assert outcome.annotation is not Covered.NOT_COVERED or problem in NOT_COVERED
    assert outcome.answers is (problem is CoverageProblem.GAVE_WAY)
    assert outcome.reason.endswith(".")
    assert "{" not in outcome.reason


@pytest.mark.parametrize("problem", [one for one in CoverageProblem if one not in OF_KNOWN_PAYERS])
@pytest.mark.parametrize("rule", RULES)
def test_no_reason_names_a_payer_that_is_not_established(
    problem: CoverageProblem, rule: AnswerRule, rules: Rules
) -> None:
    outcome = find_outcome(choose(problem, rules), DAY, rule)

    assert rules.payers.default.name not in outcome.reason


@pytest.mark.parametrize("is_primary", [True, False])
def test_a_deployment_decides_on_payers_not_served_in_2_0_alone(is_primary: bool, rules: Rules) -> None:
    paying = choose(CoverageProblem.UNKNOWN_PAYER, rules)

    def outcome(version: str, unknown_payer: str) -> Any:
        return find_outcome(paying, DAY, AnswerRule(version, is_primary, unknown_payer))

    assert outcome("2.0", "tell").card is None
    assert outcome("2.0", "default-policy").card is Voice.DEFAULT
    assert outcome("2.0", "default-policy").annotation is outcome("2.0", "tell").annotation
    assert outcome("2.0", "refuse").refusal is not None
    assert all(outcome("2.2", setting).refusal for setting in ("tell", "default-policy", "refuse"))


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (CoverageProblem.NO_MEMBER, "no-member-found"),
        (CoverageProblem.NO_COVERAGE, "coverage-not-found"),
        (CoverageProblem.INACTIVE, "no-active-coverage"),
        (CoverageProblem.LOOK_UP_FAILED, "technical"),
        (CoverageProblem.SEVERAL_MEMBERS, None),
        (CoverageProblem.NO_MEMBER_ID, None),
    ],
)
def test_crd_2_2_has_a_code_for_what_the_payers_own_members_say(
    problem: CoverageProblem, code: str | None, rules: Rules
) -> None:
    """resp-43, resp-44, resp-45; what nobody could tell is never `not-covered`."""
    outcome = find_outcome(choose(problem, rules), DAY, AnswerRule("2.2", is_primary=True))

    assert outcome.reason_code == code
    assert (outcome.annotation is Covered.NOT_COVERED) is (code not in (None, "technical"))


def test_where_nothing_is_in_doubt_the_policies_answer(rules: Rules) -> None:
    assert find_outcome(choose(None, rules), DAY, RULES[0]) is ANSWERED
