"""Notes that order the service in so many words, and notes that only seem to; written to break the rules.

`hostile.json` has orders whose author had read the rules and looked for what they get wrong: of the kind `not ordered`
none is for the service, of the kind `taken back` none stands. Many are still answered wrongly; how many must not grow.
"""

import json
from typing import Any

import pytest

from cards.matching.match import Finding, Strength
from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import HERE, SURE, answer

HOSTILE: list[dict[str, Any]] = json.loads((HERE / "hostile.json").read_text())

#: As many of each kind are answered as if they were for the service, or with no word of what takes them back.
WRONG = {"not ordered": 62, "taken back": 46}

OPEN_NAMES = (
    "Injection, joint",
    "Procedure - see comments",
    "Unlisted procedure, MSK",
    "Other",
    "Procedure request form",
)

ORDERING = """
per dr verbal: prolo R shoulder, full (front + back)
Please go ahead and book the prolotherapy for both thumbs, first week of May if we have it
so new order for the same thing: prolo both SI joints
I want to do prolotherapy there, L4 to sacrum, and she would like Tuesday
Cancelled my CSI order from 3/4. Plan: prolotherapy R knee
Options: PRP declined. -> prolo L elbow, 3 sessions
Auth for prolotherapy denied by plan. Called pt, she is paying cash. Left knee.
Prolo to the left achilles where it inserts. Boot and heel lifts did nothing.
Requesting prolotherapy R MCL, 3 tx
Type: [ ] PRP [x] Prolotherapy [ ] ozone
Past: 2 epidurals, PT. So set him up for prolotherapy L SI, before planting if possible
We will begin prolotherapy for the ligaments at the base of your spine
""".strip().splitlines()

ONLY_SEEMING = """
Tried: [x] PT [x] cortisone [x] prolotherapy. Wants: TKA consult
Patient requested: prolotherapy. Approved: PT.
Plan: prolotherapy probably. Get xrays WB first.
Mom comes with him, she is booked for prolotherapy at 2. His visit is for warts.
Order prolotherapy supplies: D50, 25g needles, lidocaine 1%.
Letter to insurer. Treatment: prolotherapy R knee.
Prolo L knee 3 days ago, now hot and red. Recheck.
""".strip().splitlines()


def _answer(rules: Rules, name: str, **others: str) -> Finding | None:
    order: dict[str, Any] = {"status": "active", "intent": "order", "code": {"text": name}}
    order |= {element: [{"text": text}] for element, text in others.items()}
    return answer({"order": order}, rules)


@pytest.mark.parametrize("note", ORDERING)
def test_a_note_under_an_open_name_orders_in_so_many_words(note: str, rules: Rules) -> None:
    found = [_answer(rules, name, note=note) for name in OPEN_NAMES]

    assert [one and one.match.strength for one in found] == [Strength.STATED] * len(OPEN_NAMES)


@pytest.mark.parametrize("note", ONLY_SEEMING)
def test_a_note_that_only_seems_to_order_does_not(note: str, rules: Rules) -> None:
    found = [_answer(rules, name, note=note) for name in OPEN_NAMES]

    assert [one for one in found if one and one.match.strength.is_sure] == []


@pytest.mark.parametrize("reason", ["here for prolotherapy #5 R hip", "prolotherapy session 3 of 3, R foot"])
def test_under_an_open_name_the_reason_may_say_what_is_ordered(reason: str, rules: Rules) -> None:
    found = _answer(rules, "Injection, MSK, clinic procedure", reasonCode=reason, note="same as last time, 20 min")
    other = _answer(rules, "MRI knee R", reasonCode=reason)

    assert found is not None
    assert found.match.strength is Strength.STATED
    assert other is None or not other.match.strength.is_sure


@pytest.mark.parametrize(
    "note",
    [
        "Driver: will call back. Auth #: not needed",
        "We are not going to stop the Eliquis, just go ahead",
        "PRP denied x2 and pt can't pay. Changed to prolotherapy R knee.",
        "Her visit in January was cancelled because of snow. Here is a fresh order.",
        "Ins said no, pt pays cash, wants it done",
        "naproxen (upset stomach, stopped)",
        "Prior order listed left. That one has been voided. Right is the correct side.",
    ],
)
def test_what_is_of_another_thing_does_not_take_the_order_back(note: str, rules: Rules) -> None:
    found = _answer(rules, "Prolotherapy R knee", note=note)

    assert found is not None
    assert found.match.strength is Strength.STATED


@pytest.mark.parametrize(
    "note",
    ["MRN: wrong patient", "Ins denied. Does not have the cash.", "ALERT: do not schedule", "Right now on hold"],
)
def test_what_is_of_the_order_does(note: str, rules: Rules) -> None:
    found = _answer(rules, "Prolotherapy L knee", note=note)

    assert found is not None
    assert found.match.strength is Strength.QUALIFIED or found.match.doubt is not None


@pytest.mark.parametrize("kind", WRONG)
def test_orders_written_to_break_the_rules_are_not_answered_worse(kind: str, rules: Rules) -> None:
    wrong = [item["id"] for item in HOSTILE if item["kind"] == kind and _is_wrong(item, rules)]

    assert len(wrong) <= WRONG[kind]


def _is_wrong(item: dict[str, Any], rules: Rules) -> bool:
    found = answer(item, rules)
    is_sure = found is not None and found.match.strength.value in SURE
    return is_sure and (item["kind"] == "not ordered" or (found is not None and found.match.doubt is None))
