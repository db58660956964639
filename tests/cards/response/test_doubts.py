"""Why it cannot be told what is ordered, in the order's own words and with their place, and what to do about it."""

from datetime import date
from typing import Any

import pytest

from cards import Decision, rests_on
from cards.elements import OrderText, Place
from cards.matching.match import Clause, Doubt, DoubtKind, Finding, Span, Strength
from cards.response.doubts import ask, condition, doubts, may_be_ordered, summarise_doubt
from tests.cards.response.test_what_cards_say import judge, paragraphs

CPT = "http://www.ama-assn.org/go/cpt"
DAY = date(2026, 11, 23)


def decided(**members: Any) -> Decision:
    [decision] = judge({"resourceType": "ServiceRequest", "id": "o", **members}, "EHP01")
    return decision


def doubtful(kind: DoubtKind, clause: Clause | None = None, strength: Strength = Strength.QUALIFIED) -> Decision:
    """An order named "ProLo, left knee", with a doubt of a kind."""
    decision = decided(code={"text": "ProLo, left knee"})
    [finding] = decision.findings
    path = "ServiceRequest.code.text"
    match = finding.match._replace(strength=strength, doubt=Doubt(kind, clause))
    found = finding._replace(match=match, path=path, deciding=(Span(path, 0, 5),))
    order = decision.order
    assert order.texts == (OrderText(Place.CODE_TEXT, "ProLo, left knee", path),)
    return decision._replace(findings=(found,))


def first(decision: Decision) -> Finding:
    return decision.findings[0]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"code": {"text": "Evaluate for prolotherapy"}}, 'the order\'s name says "Evaluate for prolotherapy"'),
        ({"code": {"text": "PROLOTHERAPY PRP"}}, '"PROLOTHERAPY" is in the order\'s name, and the order\'s name says "PROLOTHERAPY PRP"'),
        ({"code": {"text": "Prolotherapy widget"}}, '"Prolotherapy" is in the order\'s name, but nothing says that it is to be done'),
        ({"code": {"text": "Widget"}, "note": [{"text": "prolotherapy"}]}, '"prolotherapy" is in the order\'s note, but the order\'s name says something else'),
        ({"code": {"text": "Prolotherapy", "coding": [{"system": CPT, "code": "73721"}]}}, '"Prolotherapy" is in the order\'s name, but the code 73721 is another service\'s'),
        ({"code": {"coding": [{"code": "M0076"}]}}, '"M0076" is in a code that has no system, not as its code'),
        ({"code": {"text": "HCPCS m0076"}}, '"m0076" is in the order\'s name, not as its code'),
        ({"code": {"coding": [{"system": CPT, "code": "20999"}]}}, "code 20999 does not say what is done"),
    ],
)  # fmt: skip
def test_a_doubt_says_truly_what_it_is(members: Any, said: str) -> None:
    """impl-5: what an answer is based on is disclosed; what is quoted is the order's own, as sent."""
    decision = decided(**members)

    assert rests_on(first(decision), decision.order) == said
    assert doubts(first(decision), decision.order)[0] == f"Cannot tell whether prolotherapy is ordered: {said}."


def test_words_that_were_looked_for_are_not_quoted_as_if_they_were_the_orders() -> None:
    knee = {"coding": [{"system": CPT, "code": "20610"}]}
    decision = decided(code=knee, note=[{"text": "D15W 5 mL intra-articular, right knee"}])

    for finding in decision.findings:
        said = rests_on(finding._replace(deciding=()), decision.order)
        assert '"' not in said
        assert said.endswith("in the order's note may mean it")


@pytest.mark.parametrize("kind", DoubtKind)
def test_every_kind_of_doubt_is_told_with_the_orders_words_and_is_safe_to_show(kind: DoubtKind) -> None:
    decision = doubtful(kind, Clause(Place.NOTE, "not *now* <b>"))
    said = rests_on(first(decision), decision.order)

    assert not set("{}*<>") & set(said)
    assert '"ProLo"' in said or "the order's note says" in said or kind is DoubtKind.CONTRADICTED


@pytest.mark.parametrize("kind", DoubtKind)
def test_a_code_is_asked_for_only_where_one_would_settle_it(kind: DoubtKind) -> None:
    decision = doubtful(kind, Clause(Place.NOTE, "switching to PT"))
    said = ask(first(decision), decision.order)

    assert ("add code M0076" in said) is may_be_ordered(first(decision).match) or kind is DoubtKind.ANOTHER_CODE


def test_an_order_that_is_taken_back_is_to_be_cancelled_or_corrected() -> None:
    """Nobody is asked to code what is not to be done; the place is the one whose words take it back."""
    decision = doubtful(DoubtKind.TAKEN_BACK, Clause(Place.NOTE, "HOLD, pt pregnant"))

    assert paragraphs([(decision,)], cards_in_doubt=True, proposes=True) == [
        'Cannot tell whether the order for prolotherapy stands: the order\'s note says "HOLD, pt pregnant".',
        "If it is not to be carried out, cancel it. If it stands, correct the order's note, then ask again.",
        "Order: ProLo, left knee.",
        "Policy: eviCore healthcare, CMM-204: Prolotherapy, V1.0.2023, in force from 2023-05-31.",
    ]
    assert summarise_doubt(first(decision)) == "Unclear whether the order for prolotherapy stands: confirm or cancel it"


def test_an_order_with_another_services_code_is_to_be_coded_anew() -> None:
    decision = decided(code={"text": "Prolotherapy", "coding": [{"system": CPT, "code": "73721"}]})

    assert (
        ask(first(decision), decision.order)
        == "If prolotherapy is ordered, replace code 73721 with M0076. If not, correct the order's name."
    )


def test_an_order_for_a_drug_is_not_asked_for_a_procedures_code() -> None:
    drug = {"medicationCodeableConcept": {"text": "Polidocanol"}}
    site = {"dosageInstruction": [{"site": {"text": "Achilles tendon"}}]}
    decision = decided(resourceType="MedicationRequest", **drug, **site)

    assert (
        ask(first(decision), decision.order)
        == "If it is for prolotherapy, order the procedure with code M0076. If not, say on the order what it is for."
    )


def test_an_answer_holds_if_the_order_stands_where_a_note_was_not_understood() -> None:
    """impl-5: on the card and on the order; an answer to a plain order says nothing of the kind."""
    decision = doubtful(DoubtKind.NOT_UNDERSTOOD, Clause(Place.NOTE, "per 5/14 plan"), Strength.STATED)

    _, _, named, *_ = paragraphs([(decision,)])

    held = 'This holds if this order stands: the order\'s note says "per 5/14 plan".'
    assert named == f'Order: ProLo, left knee. Based on "ProLo" in the order\'s name. {held}'
    assert condition(first(decided(code={"text": "Prolotherapy, left knee"}))) == ""
