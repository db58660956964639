"""What a learned reading may change of an answer, and what it may not, whatever it holds likely."""

from dataclasses import replace
from typing import Any

import pytest

from cards import PolicyIndex
from cards.matching.match import DoubtKind, Finding, Strength
from cards.word_kinds import LearnedWeights, LearnedWords
from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import answer

LIST = "prolotherapy"
SURE, UNSURE = 9.0, -9.0
LONG = "Seen with her husband, exam as before, driver and time off are arranged for the day."


def weighing(
    rules: Rules, *, ordered: float = 0.0, stands: float = 1.0, concerns: float = 0.0, **words: float
) -> Rules:
    """Return the rules with weights that make everything as likely as is said; `words` weigh in whether it stands."""
    learned = LearnedWords(
        ordered=LearnedWeights(ordered, {}),
        stands=LearnedWeights(stands, words),
        concerns=LearnedWeights(concerns, {}),
        limits=rules.vocabulary.learned[LIST].limits,
    )
    vocabulary = replace(rules.vocabulary, learned={LIST: learned})
    return replace(rules, vocabulary=vocabulary, index=PolicyIndex(rules.index.policies.values(), vocabulary))


def ask(rules: Rules, name: str, *notes: str, **code: Any) -> Finding | None:
    order = {"code": {"text": name, **code}, "note": [{"text": note} for note in notes]}
    return answer({"order": order}, rules)


def told(found: Finding | None) -> tuple[Strength, DoubtKind | None]:
    assert found
    return found.match.strength, found.match.doubt.kind if found.match.doubt else None


@pytest.mark.parametrize(
    "note",
    ["She asks about prolotherapy for the hip.", "Wants prolotherapy or surgery.", "Prolotherapy was mentioned."],
)
def test_a_doubt_of_a_note_is_lifted_where_it_is_surely_ordered(note: str, rules: Rules) -> None:
    assert told(ask(weighing(rules), "Procedure", note))[0] is Strength.QUALIFIED
    assert told(ask(weighing(rules, ordered=SURE), "Procedure", note)) == (Strength.STATED, None)


def test_an_order_that_only_mentions_the_service_is_not_asked_about(rules: Rules) -> None:
    note = "Had prolotherapy for the other hip some years ago and asks for something else."

    assert told(ask(weighing(rules), "Procedure", note))[0] is Strength.QUALIFIED
    assert ask(weighing(rules, concerns=UNSURE), "Procedure", note) is None


def test_what_the_rules_pass_over_is_asked_about_or_ordered(rules: Rules) -> None:
    note = "Steroid today, and then prolotherapy as planned with her last week."

    assert ask(weighing(rules), "Procedure", note) is None
    assert told(ask(weighing(rules, concerns=SURE), "Procedure", note)) == (Strength.QUALIFIED, DoubtKind.NOT_ORDERED)
    assert told(ask(weighing(rules, ordered=SURE), "Procedure", note)) == (Strength.STATED, None)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("Prolotherapy R knee", f"What would her plan pay for it? {LONG}"),
        ("Procedure", f"Plan: prolotherapy R knee. {LONG}"),
    ],
)
def test_what_is_surely_not_ordered_is_asked_about(name: str, note: str, rules: Rules) -> None:
    assert told(ask(weighing(rules, ordered=1.0), name, note))[0] is Strength.STATED
    assert told(ask(weighing(rules, ordered=UNSURE), name, note)) == (Strength.QUALIFIED, DoubtKind.CONSIDERED)


@pytest.mark.parametrize("likely", [SURE, UNSURE])
def test_a_name_that_stands_alone_and_a_code_are_read_by_the_rules(likely: float, rules: Rules) -> None:
    weighed = weighing(rules, ordered=likely, stands=likely, concerns=likely)
    coded = {"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076"}

    assert told(ask(weighed, "Prolotherapy R knee")) == (Strength.STATED, None)
    assert told(ask(weighed, "Prolotherapy R knee lecture"))[0] is Strength.QUALIFIED
    assert told(ask(weighed, "Prolotherapy", LONG, coding=[coded])) == (Strength.DEFINITIVE, None)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("MRI knee", f"Plan: prolotherapy R knee today. {LONG}"),
        ("Physical therapy", f"Prolotherapy next week. {LONG}"),
        ("Prolozone R knee", LONG),
        ("Consult for prolotherapy", LONG),
        ("Prolotherapy or PRP R knee", LONG),
    ],
)
def test_another_service_a_near_procedure_and_a_talk_are_no_question_of_likelihood(
    name: str, note: str, rules: Rules
) -> None:
    found = ask(weighing(rules, ordered=SURE, concerns=SURE), name, note)

    assert found is None or found.match.strength is Strength.QUALIFIED


def test_words_of_a_name_that_no_list_knows_are_passed_over_where_a_note_makes_it_sure(rules: Rules) -> None:
    name = "Prolotherapy R knee, Tanaka off island"

    assert told(ask(weighing(rules), name, LONG))[0] is Strength.QUALIFIED
    assert told(ask(weighing(rules, ordered=SURE), name, LONG)) == (Strength.STATED, None)
    assert told(ask(weighing(rules, ordered=SURE), name, "x"))[0] is Strength.QUALIFIED


def test_what_takes_the_order_back_by_the_rules_is_told_where_it_surely_stands(rules: Rules) -> None:
    note = f"Cancelled. {LONG}"

    assert told(ask(weighing(rules, stands=UNSURE), "Prolotherapy R knee", note))[1] is DoubtKind.TAKEN_BACK
    assert told(ask(weighing(rules, ordered=SURE, stands=SURE), "Prolotherapy R knee", note)) == (
        Strength.STATED,
        DoubtKind.NOT_UNDERSTOOD,
    )


@pytest.mark.parametrize(
    "note", ["Cancelled.", "ON HOLD. US guided.", f"Entered in error. {LONG}", f"Do not schedule. {LONG}"]
)
def test_in_few_words_or_in_strong_ones_an_order_is_taken_back_all_the_same(note: str, rules: Rules) -> None:
    found = ask(weighing(rules, ordered=SURE, stands=SURE), "Prolotherapy R knee", note)

    assert told(found) == (Strength.QUALIFIED, DoubtKind.TAKEN_BACK)


def test_an_order_that_surely_falls_is_conditional_with_the_sentence_that_says_so(rules: Rules) -> None:
    went = {"went": -2.0, "went with the": -2.0, "surgeons": -2.0}
    note = f"{LONG} Went with the surgeon's plan in the end. Thanks."
    found = ask(weighing(rules, ordered=SURE, stands=-3.0, **went), "Prolotherapy R knee", note)

    assert told(found) == (Strength.QUALIFIED, DoubtKind.TAKEN_BACK)
    assert found
    assert found.match.doubt
    assert found.match.doubt.clause
    assert found.match.doubt.clause.words == "Went with the surgeon's plan in the end"
    assert note[found.deciding[-1].start : found.deciding[-1].end] == found.match.doubt.clause.words


def test_no_order_falls_where_no_sentence_could_be_shown_for_it(rules: Rules) -> None:
    found = ask(weighing(rules, ordered=SURE, stands=UNSURE), "Prolotherapy R knee", LONG)

    assert told(found) == (Strength.STATED, None)


def test_a_list_without_weights_is_read_by_the_rules(rules: Rules) -> None:
    vocabulary = replace(rules.vocabulary, learned={})
    plain = replace(rules, vocabulary=vocabulary, index=PolicyIndex(rules.index.policies.values(), vocabulary))

    assert told(ask(plain, "Procedure", "She asks about prolotherapy for the hip."))[0] is Strength.QUALIFIED
