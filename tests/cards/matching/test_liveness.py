"""Whether an order that names the service stands: what takes it back, what was not understood, what is harmless."""

from typing import Any

import pytest

from cards.matching.match import Clause, DoubtKind, Finding, Place, Span, Strength
from cards.response.doubts import condition
from cds_hooks.rules.loading import Rules
from tests.cards.matching.test_policy_index import find


def ask(rules: Rules, *notes: str, name: str = "Prolotherapy R knee", **members: Any) -> Finding:
    found = find(rules, code={"text": name}, note=[{"text": note} for note in notes], **members)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "note",
    [
        "Duplicate of order 5/14",
        "Switching to HA injections instead",
        "HOLD, pt pregnant",
        "Hold order until cardiology clears",
        "Completed 3/2/25",
        "This was for her sister, wrong chart",
        "Order status: on hold (pt traveling)",
        "[x] Cancel order  [ ] Reschedule",
        "Patient called, no longer wants it.",
        "Pt declined.",
        "d/c",
        "Suspendida por embarazo",
        "HPI: 52F with knee pain, tried PT.\nPlan: going with Synvisc",
    ],
)
def test_what_takes_the_order_back_leaves_it_conditional(note: str, rules: Rules) -> None:
    found = ask(rules, note)

    assert found.match.strength is Strength.QUALIFIED
    assert found.match.doubt is not None
    assert found.match.doubt.kind is DoubtKind.TAKEN_BACK


@pytest.mark.parametrize(
    "note",
    [
        "Hold NSAIDs 5 days before.",
        "Stop apixaban 48 h prior",
        "Do NOT schedule same day as PT",
        "Pt declined PRP due to cost.",
        "Cancel the steroid injection that was booked for Tuesday.",
        "Not a surgical candidate.",
        "Chosen instead of cortisone, pt agrees.",
        "No need to hold aspirin",
        "Not pregnant. No fever, no active infection.",
        "Failed PT, NSAIDs and two steroid injections.",
        "[ ] Cancel order  [x] Schedule",
        "Deferred surgery last year",
        "Consent signed 1/14. Driver arranged.",
        "Suspender AINEs 5 días antes.",
    ],
)
def test_a_verb_with_another_object_says_nothing_against_the_order(note: str, rules: Rules) -> None:
    found = ask(rules, note)

    assert found.match.strength is Strength.STATED
    assert found.match.doubt is None


def test_a_clause_that_was_not_understood_leaves_the_answer_and_is_told_with_it(rules: Rules) -> None:
    """impl-5: what an answer rests on is disclosed."""
    note = "BP 120/80. Husband not sure he can get her here. Ok."
    found = ask(rules, note)

    assert found.match.strength is Strength.STATED
    assert found.match.doubt is not None
    assert found.match.doubt.kind is DoubtKind.NOT_UNDERSTOOD
    assert found.match.doubt.kind.is_of_liveness
    assert found.match.doubt.clause == Clause(Place.NOTE, "Husband not sure he can get her here")
    told = 'This holds if this order stands: the order\'s note says "Husband not sure he can get her here".'
    assert condition(found) == told


def test_the_deciding_words_are_told_with_their_places(rules: Rules) -> None:
    found = ask(rules, "BP 120/80.", "Cancelled per pt")

    assert found.deciding == (Span("ServiceRequest.code.text", 0, 12), Span("ServiceRequest.note[1].text", 0, 16))


@pytest.mark.parametrize(
    "note",
    [
        "3/2/26: on hold pending MRI.\n4/18/26: MRI reviewed, ok to proceed.",
        "4/18/26: MRI reviewed, ok to proceed.\n3/2/26: on hold pending MRI.",
        "2026-01-05 pt cancelled\n2026-01-12 rescheduled, confirmed",
        "12/28 cancelled, snow. 1/4 rescheduled",
    ],
)
def test_of_dated_entries_the_later_wins(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "3/2/26: ok to proceed.\n4/18/26: on hold pending MRI.",
        "3/2/26: cancelled.\n4/18/26: do not proceed",
        "3/2/26: cancelled.\n4/18/26: BP 120/80",
    ],
)
def test_a_later_entry_that_does_not_say_that_the_order_stands_overtakes_nothing(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.QUALIFIED


@pytest.mark.parametrize("name", ["CANCEL prolotherapy R knee", "Prolotherapy R knee (duplicate)", "*CANCELLED* prolotherapy R knee"])  # fmt: skip
def test_a_name_can_take_itself_back(name: str, rules: Rules) -> None:
    assert ask(rules, name=name).match.strength is Strength.QUALIFIED


def timed(*notes: tuple[str, str]) -> list[dict[str, str]]:
    return [{"text": text, "time": time} for text, time in notes]


@pytest.mark.parametrize(
    "notes",
    [
        timed(("Pt would like to think it over.", "2026-03-02"), ("Decided to go ahead.", "2026-03-20")),
        timed(("Decided to go ahead.", "2026-03-20"), ("Pt would like to think it over.", "2026-03-02")),
        timed(("HOLD, on antibiotics", "2026-03-02T09:00:00-06:00"), ("Prolotherapy R knee today", "2026-03-09")),
        timed(("Cancelled", "2026-03-02T09:00:00-06:00"), ("Rescheduled to 3/9", "2026-03-02T15:30:00Z")),
    ],
)
def test_a_note_of_a_later_time_that_the_order_stands_answers_an_earlier_one(notes: list, rules: Rules) -> None:
    """Annotation.time says when a note was written; notes come in any order."""
    found = find(rules, code={"text": "Prolotherapy R knee"}, note=notes)

    assert found is not None
    assert (found.match.strength, found.match.doubt) == (Strength.STATED, None)


@pytest.mark.parametrize(
    "notes",
    [
        timed(("Plan: prolo R knee, book 2 visits", "2026-03-02"), ("ADDENDUM: prolotherapy is off.", "2026-03-09")),
        timed(("Cancelled", "2026-03-20"), ("Ok to proceed", "2026-03-02")),
        timed(("Cancelled", "2026-03-02"), ("BP 120/80", "2026-03-09")),
        timed(("Cancelled", "2026-03-02"), ("Ok to proceed if INR < 3", "2026-03-09")),
        timed(("Cancelled", "2026-03"), ("Ok to proceed", "2026-03-09")),
    ],
)
def test_an_earlier_note_and_one_under_a_condition_answer_nothing(notes: list, rules: Rules) -> None:
    found = find(rules, code={"text": "Prolotherapy R knee"}, note=notes)

    assert found is not None
    assert found.match.strength is Strength.QUALIFIED


@pytest.mark.parametrize(
    "note",
    [
        "On hold for cellulitis. Hold released 4/2.",
        "Pt cancelled 3/3 - rescheduled to 3/10",
        "Old order expired 12/31, this one replaces it.",
        "Was undecided. Now ready to go.",
        "No showed 2/2, rebooked 2/16.",
    ],
)
def test_what_renews_the_order_answers_what_the_note_says_before_it(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "On hold until cleared by cardiology",
        "HOLD. Ok to schedule once the hold is released.",
        "Cancelled, pt will call with a new date.",
        "Pt cancelled. Cleared for surgery.",
        "Ok to proceed. Addendum: cancelled.",
    ],
)
def test_what_would_renew_it_under_a_condition_or_of_another_thing_does_not(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.QUALIFIED


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("Prolotherapy R knee #3", "#1 done 1/9, sore. #2 done 2/6."),
        ("Prolotherapy R knee, 3rd visit", "2nd visit done 3/1"),
        ("Prolotherapy LEFT knee", "Right knee finished its series in Dec."),
        ("Prolotherapy R knee", "Moved from 9a to 1:30p same day."),
        ("Prolotherapy R knee", "Appt moved to Tuesday"),
        ("Prolotherapy R knee", "Saw ortho, offered TKA, declined."),
        ("Prolotherapy R knee", "On apixaban, does not need to stop it."),
    ],
)
def test_another_session_side_hour_or_treatment_says_nothing_of_the_order(name: str, note: str, rules: Rules) -> None:
    found = ask(rules, note, name=name)

    assert (found.match.strength, found.match.doubt) == (Strength.STATED, None)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("Prolotherapy R knee #3", "#3 done 3/5"),
        ("Prolotherapy LEFT knee", "Left done 3/5"),
        ("Prolotherapy R knee", "Pt moved to Ohio"),
    ],
)
def test_the_session_and_the_side_that_are_ordered_and_a_patient_who_moved_do(
    name: str, note: str, rules: Rules
) -> None:
    assert ask(rules, note, name=name).match.strength is Strength.QUALIFIED


@pytest.mark.parametrize(
    "members",
    [
        {"orderDetail": [{"text": "VOID - plan changed, see new order"}]},
        {"patientInstruction": "Your injection was cancelled. Please call us."},
    ],
)
def test_details_and_instructions_to_the_patient_can_take_the_order_back(members: dict, rules: Rules) -> None:
    found = ask(rules, **members)

    assert found.match.doubt is not None
    assert found.match.doubt.kind is DoubtKind.TAKEN_BACK
    assert found.deciding[-1].path.startswith(f"ServiceRequest.{next(iter(members))}")


@pytest.mark.parametrize(
    "note",
    [
        "SI fusion was discussed last yr, pt declined surgery and prefers prolotherapy.",
        "Offered RFA; she refused and chooses prolotherapy",
        "Options rev'd, he elects prolotherapy",
        "Discussed PRP vs prolo vs surgery. Pt would prefer prolo.",
        "Pended by K. Duarte MA for Dr. Whitcomb to sign",
        "OMT to sacrum done same visit.",
        "NSAIDs stopped 1 wk",
        "Ice only if needed",
        "On hold. RN reactivated order.",
    ],
)
def test_choosing_the_service_or_doing_another_thing_does_not_take_it_back(note: str, rules: Rules) -> None:
    found = ask(rules, note)

    assert (found.match.strength, found.match.doubt) == (Strength.STATED, None)


@pytest.mark.parametrize(
    "note",
    [
        "ON HOLD until cellulitis clears, do not schedule. RN will reactivate order.",
        "On hold. Dr Lee to reactivate.",
        "On hold for A1c. He elects prolotherapy.",
        "Pt elects PRP",
        "Prefers surgery over prolotherapy",
        "Declined surgery, elects prolotherapy later",
        "Pt declined prolotherapy and prefers PT",
        "Pended, awaiting auth",
        "Prolo done same visit",
        "Only if needed",
        "Status: [ ] Scheduled  [ ] Done  [x] Cancelled   Reason: pt request",
    ],
)
def test_what_is_still_to_come_or_chosen_instead_takes_it_back(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.QUALIFIED


@pytest.mark.parametrize(
    "note", ["TKR not yet.", "HA gel x 3 in 2023, no help. Surgery not yet.", "No change in plan."]
)
def test_what_is_not_yet_due_for_another_treatment_says_nothing_of_the_order(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.STATED


@pytest.mark.parametrize("note", ["Not yet, she wants to think about it.", "Prolo not yet.", "Injection not yet"])
def test_an_order_that_is_not_yet_to_be_done_is_put_off(note: str, rules: Rules) -> None:
    assert ask(rules, note).match.strength is Strength.QUALIFIED


def test_the_end_of_the_other_sides_course_says_nothing(rules: Rules) -> None:
    left = [{"text": "Left knee"}]
    other = ask(rules, "R knee series finished in May, no more on R.", name="Prolo knee", bodySite=left)
    own = ask(rules, "L knee series finished in May.", name="Prolo knee", bodySite=left)

    assert (other.match.strength, own.match.strength) == (Strength.STATED, Strength.QUALIFIED)


@pytest.mark.parametrize("note", ["If <30% better after 3, will stop and go to MBB.", "If INR > 3 hold."])
def test_what_is_only_foreseen_leaves_the_order_as_it_is(note: str, rules: Rules) -> None:
    assert ask(rules, note, name="Prolotherapy lumbar, 3 sessions").match.strength is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "dr t changed it to gel, see new appt",
        "Given this morning before the order was in.",
        "For the record only.",
        "Hold if INR > 3, it is 4.2 today. Hold.",
    ],
)
def test_what_was_changed_or_is_only_recorded_is_no_longer_to_be_done(note: str, rules: Rules) -> None:
    assert ask(rules, note, name="Prolo R knee").match.strength is Strength.QUALIFIED
