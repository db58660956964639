"""A name that says another treatment than the order's code: one of the two is wrong, and nobody is told an answer."""

import pytest

from cards import rests_on
from cards.matching.match import DoubtKind, Strength
from cards.response.doubts import ask, may_be_ordered
from cards.response.wording import head
from cds_hooks.rules.loading import Rules
from tests.cards.matching.test_policy_index import find, strength
from tests.cards.response.test_what_cards_say import judge

CODED = [
    {"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076", "display": "Prolotherapy"}
]


@pytest.mark.parametrize(
    "name",
    ["Corticosteroid injection, R knee - Kenalog 40", "Trigger point injections, bilat traps", "Trigger point injection, 3+ muscles", "Radiofrequency ablation, SI joint L"],
)  # fmt: skip
def test_under_the_name_of_another_treatment_the_code_does_not_decide(name: str, rules: Rules) -> None:
    found = find(rules, code={"text": name, "coding": CODED})

    assert found is not None
    assert found.match.strength is Strength.QUALIFIED
    assert found.match.doubt is not None
    assert found.match.doubt.kind is DoubtKind.CONTRADICTED
    assert not may_be_ordered(found.match)  # the code is there: none is offered


@pytest.mark.parametrize(
    "name",
    [None, "Injection, ligament", "See comments", "Dextrose injection SI joint, no steroid", "Prolotherapy, not PRP", "R knee"],
)  # fmt: skip
def test_a_name_that_says_nothing_or_the_service_leaves_the_code_as_it_is(name: str | None, rules: Rules) -> None:
    code = {"coding": CODED} | ({"text": name} if name else {})

    assert strength(rules, code=code) is Strength.DEFINITIVE


@pytest.mark.parametrize(
    ("text", "display", "expected"),
    [
        (None, "Kenalog 40", Strength.QUALIFIED),
        ("Injection, right knee", "Corticosteroid injection, R knee", Strength.QUALIFIED),
        ("Prolotherapy, right knee", "Kenalog 40", Strength.DEFINITIVE),
        (None, "Injection of ligament", Strength.DEFINITIVE),
    ],
)
def test_what_a_code_is_called_contradicts_it_where_nothing_names_the_service(
    text: str | None, display: str, expected: Strength, rules: Rules
) -> None:
    """The card names the order by it: "not covered … Order: Kenalog 40" would be read as said of Kenalog."""
    code = {"coding": [{**CODED[0], "display": display}]} | ({"text": text} if text else {})

    assert strength(rules, code=code) is expected


def test_a_second_code_may_be_called_anything_where_the_first_names_the_service(rules: Rules) -> None:
    second = {"system": "urn:oid:1.2.3", "code": "INJ9", "display": "Kenalog 40"}

    assert strength(rules, code={"coding": [*CODED, second]}) is Strength.DEFINITIVE


def test_a_note_does_not_contradict_a_code(rules: Rules) -> None:
    note = [{"text": "Kenalog did not help, steroid injection today declined"}]

    assert strength(rules, code={"text": "Prolotherapy", "coding": CODED}, note=note) is Strength.DEFINITIVE


def test_what_is_wrong_and_what_to_do_is_said_with_both() -> None:
    order = {"resourceType": "ServiceRequest", "id": "o", "code": {"text": "Kenalog 40, R knee", "coding": CODED}}
    [decision] = judge(order, "EHP01")
    [finding] = decision.findings

    assert (
        rests_on(finding, decision.order) == "the order's code is M0076, but the order's name is \"Kenalog 40, R knee\""
    )
    assert ask(finding, decision.order) == (
        "If prolotherapy is ordered, correct the order's name. If not, replace code M0076."
    )
    assert head(decision) == 'Code M0076 is prolotherapy, but the order says "Kenalog 40, R knee": correct one of them'


def test_an_order_under_a_long_name_has_a_summary_that_can_be_shown() -> None:
    order = {
        "resourceType": "ServiceRequest",
        "id": "o",
        "code": {"text": f"Kenalog 40 {'{R} ' * 80}", "coding": CODED},
    }
    [decision] = judge(order, "EHP01")

    assert len(head(decision)) <= 140
    assert head(decision).endswith("correct one of them")


def test_a_policy_of_codes_alone_cannot_tell_whose_name_it_is() -> None:
    """ "Laser therapy" is another treatment beside prolotherapy, and what a code of the coverage guide is for."""
    coding = [{"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "S8948"}]
    order = {"resourceType": "ServiceRequest", "id": "o", "code": {"text": "Low level laser therapy", "coding": coding}}
    [decision] = judge(order, "EHP01")
    [finding] = decision.findings

    assert finding.match.strength is Strength.DEFINITIVE
