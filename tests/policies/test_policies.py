"""Every shipped policy against the cases in its folder, which are data: a policy change takes no Python."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from cds_hooks.rules.cases import Case, answer_order, is_as_expected, read_cases
from cds_hooks.rules.check import check_policies
from cds_hooks.rules.folders import SHIPPED, find_policies
from cds_hooks.rules.loading import Rules, load_vocabulary, read_policy_document
from cds_hooks.settings import read_settings

EXAMPLES = Path(__file__).resolve().parents[2] / "fhir_examples"
POLICIES = find_policies(SHIPPED / "policies")
SYSTEMS = load_vocabulary(SHIPPED / "vocabulary").code_systems
CASES = {policy: read_cases(files.find_cases(), SYSTEMS) for policy, files in POLICIES.items()}


@pytest.mark.parametrize(
    ("policy", "case"),
    [pytest.param(policy, case, id=f"{policy}: {case.name}") for policy, cases in CASES.items() for case in cases],
)
def test_a_policy_answers_each_of_its_cases(policy: str, case: Case, rules: Rules) -> None:
    answer = answer_order(case.order, policy, case.on, rules, case.beside)

    assert is_as_expected(case, answer), f"expected {case.expect} {case.strength or ''}, got {answer.as_written}"


def test_the_checker_has_nothing_to_say_of_the_shipped_policies() -> None:
    checked = check_policies(SHIPPED / "policies", None, read_settings())

    assert checked == (len(POLICIES), sum(map(len, CASES.values())), (), None, ())


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_cases_of_both_outcomes(policy: str) -> None:
    expected = {case.expect for case in CASES[policy]}

    assert "nothing" in expected
    assert expected & {"not-covered", "covered"}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_cases_at_the_edges_of_every_version(policy: str) -> None:
    """The day before, the first and the last day of each version (the day before the next one, or any later day)."""
    document = read_policy_document(POLICIES[policy].policy)
    asked = {case.on for case in CASES[policy]}
    starts = sorted(date.fromisoformat(key) for key in document["versions"] if key != "unknown")
    for start in starts:
        assert start - timedelta(days=1) in asked, f"no case on the day before {start}"
        assert start in asked, f"no case on {start}"
    assert max(asked) > (starts or [date.min])[-1] + timedelta(days=365), "no case long after the last version's start"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_an_example_of_its_name(policy: str) -> None:
    assert (EXAMPLES / policy).is_dir()


def test_the_cases_that_the_policy_authors_path_shows_are_answered_so(tmp_path: Path, rules: Rules) -> None:
    lines = (EXAMPLES.parent / "CONTRIBUTING.md").read_text().splitlines()
    shown = [line.strip() for line in lines if line.strip().startswith('{"name"')]
    (tmp_path / "cases.json").write_text(f'{{"cases": [{", ".join(shown)}]}}')

    cases = read_cases(tmp_path / "cases.json", SYSTEMS)

    assert len(cases) == 4
    for case in cases:
        assert is_as_expected(case, answer_order(case.order, "evicore-cmm-204", case.on, rules)), case.name
