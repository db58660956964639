"""Other treatments in a note under a name that leaves it open: given now, or before, and how they went."""

import pytest

from cards.matching.match import Strength
from cds_hooks.rules.loading import Rules
from tests.cards.matching.test_identity import named
from tests.cards.matching.test_policy_index import strength

NAMES = ("Injection procedure", "See note", "Joint injection, R knee")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "before",
    [
        "Steroid - avoid, DM2.",
        "Steroid wore off in 2 wks.",
        "SI jt steroid R, 20% relief.",
        "CSI x2, min relief.",
        "PRP too pricey.",
        "HA x3 - stopped, effusion after each.",
        "Steroid inj gave 2 wks.",
        "Kenalog 2/1/25 - 3 wks relief.",
        "MBB negative.",
        "PRP muy caro.",
        "Corticoide sin efecto.",
        "Shock wave series finished, plateau.",
        "NTG patch - HA, stopped.",
    ],
)
def test_a_treatment_whose_outcome_is_told_was_given_before(name: str, before: str, rules: Rules) -> None:
    assert strength(rules, **named(name, f"{before} Plan: prolotherapy R knee.")) is Strength.STATED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "beside",
    [
        "Steroid today.",
        "Give steroid for relief of pain.",
        "Steroid R knee, avoid tendon.",
        "Kenalog 40 mg R knee, worse side first.",
        "CSI both knees.",
    ],
)
def test_a_treatment_that_is_given_now_leaves_open_what_is_ordered(name: str, beside: str, rules: Rules) -> None:
    assert strength(rules, **named(name, f"{beside} Plan: prolotherapy R knee.")) is not Strength.STATED


ENTRIES = "2/14/25: SI jt steroid R.\n3/20/25: Plan prolotherapy R SI ligaments per Dr Patel."


def test_a_treatment_of_an_older_entry_was_given_before(rules: Rules) -> None:
    assert strength(rules, **named("Pain procedure", ENTRIES)) is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "2/14/25: Plan prolotherapy R SI ligaments.\n3/20/25: SI jt steroid R.",
        "3/20/25: Plan prolotherapy R SI ligaments.\n3/20/25: SI jt steroid R.",
        "SI jt steroid R.\n3/20/25: Plan prolotherapy R SI ligaments.",
    ],
)
def test_a_treatment_of_the_same_or_a_later_entry_or_of_no_day_counts(note: str, rules: Rules) -> None:
    assert strength(rules, **named("Pain procedure", note)) is not Strength.STATED


@pytest.mark.parametrize("said", ["Series finished.", "Prolo series finished.", "Course completed."])
def test_the_end_of_the_services_own_series_takes_the_order_back(said: str, rules: Rules) -> None:
    assert strength(rules, **named("Prolotherapy R knee", said)) is Strength.QUALIFIED
