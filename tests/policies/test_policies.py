"""Every policy against its cases, which are data: a policy change takes no Python."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from cds_hooks.rules.cases import Case, answer_order, is_as_expected, read_cases
from cds_hooks.rules.loading import Rules

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent / "cards" / "policies"
POLICIES = sorted(path.stem for path in SHIPPED.glob("*.json") if not path.name.endswith(".schema.json"))


def cases_of(policy: str) -> tuple[Case, ...]:
    return read_cases(HERE / f"{policy}.json")


CASES = [pytest.param(policy, case, id=f"{policy}: {case.name}") for policy in POLICIES for case in cases_of(policy)]


@pytest.mark.parametrize(("policy", "case"), CASES)
def test_a_policy_answers_each_of_its_cases(policy: str, case: Case, rules: Rules) -> None:
    answer = answer_order(case.order, policy, case.on, rules)

    assert is_as_expected(case, answer), f"expected {case.expect} {case.strength or ''}, got {answer.as_written}"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_cases_of_both_outcomes(policy: str) -> None:
    expected = {case.expect for case in cases_of(policy)}

    assert "nothing" in expected
    assert expected & {"not-covered", "covered"}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_cases_at_the_edges_of_every_version(policy: str) -> None:
    """The day before, the first and the last day of each version (the day before the next one, or any later day)."""
    document = json.loads((SHIPPED / f"{policy}.json").read_text())
    asked = {case.on for case in cases_of(policy)}
    starts = sorted(date.fromisoformat(key) for key in document["versions"] if key != "unknown")
    for start in starts:
        assert start - timedelta(days=1) in asked, f"no case on the day before {start}"
        assert start in asked, f"no case on {start}"
    assert max(asked) > (starts or [date.min])[-1] + timedelta(days=365), "no case long after the last version's start"


@pytest.mark.parametrize("policy", POLICIES)
def test_rule_cases_and_example_share_one_name(policy: str) -> None:
    assert (HERE / f"{policy}.json").is_file()
    assert (HERE.parent.parent / "fhir_examples" / policy).is_dir()
