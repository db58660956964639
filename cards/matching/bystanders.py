"""Whether words that look like a withdrawal speak of something beside the order: a label, a payer, another treatment.

"Driver: will call back", "insurance said no, pt pays", "naproxen (stopped)", "we are not going to stop it" and "PRP
denied. Plan: prolotherapy" leave an order as it is.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from cards.matching.phrases import Hit
from cards.matching.tokens import Tokens

#: Labels behind which is said how the order stands.
_OF_THE_ORDER: Final = frozenset(
    (
        *("status", "order status", "note", "notes", "nota", "notas", "instructions", "special instructions", "series"),
        *("scheduling instructions", "reason", "visit", "session", "appt", "do", "otros", "motivo", "class"),
        *("md", "np", "pa", "pa c", "provider", "ordering user", "supervising", "decision", "referral"),
        *("reason for request", "order class", "referral type"),
    )
)
#: Words by which a payer refuses.
_REFUSALS: Final = frozenset(
    ("denied", "denial", "auth", "authorization", "approved", "authorized", "claim", "expired", "coverage", "covered")
)
_PAYERS: Final = frozenset(
    ("insurance", "ins", "insurer", "plan", "payer", "payor", "carrier", "adjuster", "wc", "comp", "seguro", "medicare")
)
_AUTHORIZING: Final = frozenset({"auth", "authorization", "preauth", "precert"})
_NO: Final = frozenset({"said", "says", "no", "dijo", "dice"})

_NEGATIONS: Final = frozenset({"not", "never", "dont", "doesnt", "didnt", "wont", "isnt", "arent"})
_MEANING: Final = frozenset({"going", "need", "needs", "want", "wants", "have", "having", "planning", "ready"})
#: Words that are of an order wherever they stand.
_STRONG: Final = frozenset({"wrong", "duplicate", "dup", "dupe", "error", "mistake", "positive"})
#: Of another treatment a parenthesis says that it is over.
_STOPPED: Final = frozenset({"stopped", "failed", "declined", "held", "discontinued", "refused", "d/c", "dc", "done"})
_PAUSING: Final = frozenset({"hold", "stop", "holding", "stopping"})
#: These say what becomes of an order, and are not what is stopped.
_JUDGING: Final = frozenset(
    (
        *("cardiology", "clearance", "lab", "labs", "exam", "imaging", "mri", "ct", "xray", "upt", "hcg", "cbc", "bp"),
        *("a1c", "inr", "rheumatology", "neurology", "neurosurgery", "hematology", "oncology", "anesthesia"),
        *("tka", "tha"),
    )
)
_PATIENT: Final = frozenset({"pt", "patient", "she", "he", "they"})
#: Labels of things that are asked about each order, and answered "not needed", "stopped", "denied".
_OF_THINGS_ASKED: Final = frozenset(
    (
        *("driver", "driver needed", "sedation", "sedation needed", "anesthesia", "anestesia", "interpreter", "ride"),
        *("interpreter needed", "auth", "auth #", "auth no", "auth number", "authorization", "prior auth", "pregnant"),
        *("allergies", "allergy", "alergias", "anticoagulants", "blood thinners", "meds", "medications", "medication"),
        *("contrast", "imaging", "image guidance", "guidance", "fluoro", "ultrasound", "consent", "premed"),
        *("insurance", "premedication", "prep", "weight", "equipment", "precautions", "ins", "payer", "payor"),
        *("coverage", "driver ?"),
        *("what has been tried", "side effects", "risks", "rtc", "fu", "recheck", "return"),
    )
)

#: Units of time behind which "before" makes a medicine's pause: "hold 5 d prior to inj".
_UNITS: Final = frozenset({"d", "day", "days", "wk", "wks", "week", "weeks", "hr", "hrs", "h"})
_BEFORE: Final = frozenset({"before", "prior", "pre"})

#: Words of the order that may be of another, too: "her visit in January was cancelled".
_OF_ANY: Final = frozenset(
    """
    all same one ours line slot visit session sessions series course appointment appt treatment tx encounter entry item
    booking
    """.split()  # noqa: SIM905 (as a text it is read at a glance)
)
#: What is over may begin again.
_ENDED: Final = frozenset({"finished", "completed", "complete", "done"})
_AFTER_PARENTHESIS: Final = 3
_PARTING: Final = frozenset({",", "(", ")", "but", "so", "\u2192"})
#: Behind these stands what something is for: "not candidate for PRP".
_FOR: Final = frozenset({"for", "of", "the", "a", "his", "her", "our", "my", "in", "to"})
_NEAR: Final = 4
_OF_THINGS: Final = frozenset({"candidate", "void", "cancel", "delete", "remove", "stop", "scrap"})
#: With these another thing is what comes in the order's place: "cast instead", "cardiology has to clear first".
_IN_PLACE: Final = frozenset({"instead", "first", "later"})
#: Physical therapy, not the patient, where it is said to be so: "PT on hold".
_THERAPY: Final = "pt"
_OF_THERAPY: Final = frozenset({"hold", "cd", "dcd", "finished", "maxed", "exhausted", "paused"})
_EARLIER: Final = ("prior", "previous", "old", "older", "earlier", "last", "other", "first", "original")
_OF_EARLIER: Final = ("order", "one", "request", "referral", "plan", "insurance", "carrier")
_ANOTHER_ORDER: Final = frozenset((("that", "one"), *((which, what) for which in _EARLIER for what in _OF_EARLIER)))
_LONGEST_LABEL: Final = 3
_BOX_LENGTH: Final = 3
_SIDES: Final = frozenset({"left", "right", "l", "r", "both", "bilat", "bilateral"})


class Surroundings(NamedTuple):
    """What else a text and its order say: its labels and what it orders in so many words, as tokens; who pays.

    `is_paid`: the patient pays, so that what a payer refuses says nothing of whether the order stands.
    """

    labels: Sequence[tuple[int, int]] = ()
    orders: Sequence[int] = ()
    is_paid: bool = False


class Bystanders:
    """Judges what a withdrawal's words are of.

    `others` are the words for other things, `subjects` those of who says or does something, `objects` of the order.
    """

    def __init__(self, others: Collection[str], subjects: Collection[str], objects: Collection[str]) -> None:
        self._others = frozenset(others)
        self._objects = frozenset(objects)
        self._naming = self._objects - _OF_ANY
        self._of_order = frozenset((*subjects, *objects, *(word for one in _OF_THE_ORDER for word in one.split())))

    def weaken(self, is_sure: bool, hit: Hit[str], tokens: Tokens, around: Surroundings) -> bool | None:
        """Return what is left of a withdrawal that a hit surely is, or may be: None where it is none of the order.

        What may be of another thing is not passed over in silence, but told.
        """
        begin, stop = tokens.clause_range(hit.first)
        words = tokens.words
        said, before, after = words[hit.first : hit.end], words[begin : hit.first], words[hit.end : stop]
        if _crosses(hit, around.labels) or self._is_of_another_order(before):
            return None
        if self._is_strong(said):
            return is_sure
        label = self._label_before(hit, tokens, around)
        if label is not None and hit.value != "statement" and label in _OF_THINGS_ASKED:
            return None
        if (
            (around.is_paid and self._is_refusal(hit, words, before))
            or self._is_denied(hit, before)
            or self._is_pause(before, said, after)
            or self._is_in_parenthesis(said, before)
            or (bool(before) and self._is_answered(hit, words[begin:stop], around))
            or self._is_correction(said, after)
            or self._is_ticked_for_another(tokens, begin, hit.first)
            or (said[-1] == "instead" and self._is_chosen(before, after))
        ):
            return None
        is_doubtful = (
            label is not None
            or self._has_own_label(before)
            or self._is_for_another(hit, said[-1], before, after)
            or self._is_of_therapy(said[-1], before)
            or "whether" in before
        )
        return is_sure and not is_doubtful

    @staticmethod
    def _is_strong(said: Sequence[str]) -> bool:
        """Tell that words can only be of an order: "do not schedule", "wrong patient", "entered in error"."""
        return said[:2] == ["do", "not"] or not _STRONG.isdisjoint(said)

    @staticmethod
    def _label_before(hit: Hit[str], tokens: Tokens, around: Surroundings) -> str | None:
        """Return the label that says nothing of the order and whose value a hit is: "Sedation: not needed"."""
        begin, _ = tokens.clause_range(hit.first)
        own = next((one for one in reversed(around.labels) if begin <= one[0] and one[1] <= hit.first), None)
        if own is None or "\u2192" in tokens.words[own[1] : hit.first]:
            return None
        label = " ".join(tokens.words[own[0] : own[1] - 1])
        return None if label in _OF_THE_ORDER else label

    @staticmethod
    def refuse(words: Sequence[str]) -> bool:
        """Tell that a sentence is about what a payer refuses."""
        return not _PAYERS.isdisjoint(words) or not _AUTHORIZING.isdisjoint(words)

    @staticmethod
    def _is_refusal(hit: Hit[str], words: Sequence[str], before: Sequence[str]) -> bool:
        said = words[hit.first : hit.end]
        if not _REFUSALS.isdisjoint(said):
            return True
        return not _NO.isdisjoint(said) and not _PAYERS.isdisjoint((*before, *said))

    @staticmethod
    def _is_denied(hit: Hit[str], before: Sequence[str]) -> bool:
        """Tell that an action is denied: "we are not going to stop it"; not "no ride, needs to cancel"."""
        if hit.value != "verb" or before[-1:] != ["to"]:
            return False
        return before[-2:-1] != [] and (
            before[-2] in _NEGATIONS or (before[-2] in _MEANING and before[-3:-2] != [] and before[-3] in _NEGATIONS)
        )

    def _is_pause(self, before: Sequence[str], said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that a medicine is paused for the order: "naproxen (hold 5 d prior to inj)"."""
        if self._others.isdisjoint(before) or _PAUSING.isdisjoint(said) or not after or not after[0].isdigit():
            return False
        return not _UNITS.isdisjoint(after[1:2]) and not _BEFORE.isdisjoint(after[2:4])

    def _is_in_parenthesis(self, said: Sequence[str], before: Sequence[str]) -> bool:
        """Tell that a hit stands in a parenthesis behind another treatment: "naproxen (upset stomach, stopped)"."""
        opened = next((at for at in range(len(before) - 1, -1, -1) if before[at] in "()"), None)
        if opened is None or before[opened] == ")" or _STOPPED.isdisjoint(said):
            return False
        near = before[max(0, opened - _AFTER_PARENTHESIS) : opened]
        return not (self._others - _JUDGING).isdisjoint(near) and self._naming.isdisjoint(before[opened:])

    def _is_for_another(self, hit: Hit[str], last: str, before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that a statement is of another thing that it names: "not candidate for PRP", "MRI off the table"."""
        if hit.value != "statement" or last in _IN_PLACE:
            return False
        named = next((word for word in after[:_NEAR] if word not in _FOR), "")
        if last in _OF_THINGS and named in self._others:
            return True
        begin = next((at for at in range(len(before) - 1, -1, -1) if before[at] in _PARTING), -1) + 1
        subject = before[begin:][-_NEAR:]
        return not (self._others - _JUDGING).isdisjoint(subject) and self._naming.isdisjoint(subject)

    def _is_answered(self, hit: Hit[str], clause: Sequence[str], around: Surroundings) -> bool:
        """Tell that the text orders the service later in so many words, and this was of another thing."""
        if not any(at > hit.end for at in around.orders):
            return False
        if hit.value == "hint":
            return self._naming.isdisjoint(clause) and _PATIENT.isdisjoint(clause)
        if hit.value == "state" and not _ENDED.isdisjoint(clause):  # "finished a first series ... we start again: ..."
            return True
        if not self._naming.isdisjoint(clause):
            return False
        return hit.value != "statement" or not self._others.isdisjoint(clause)

    @staticmethod
    def _is_correction(said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that only a side was corrected: "left handed, scratch that, right handed"."""
        named = next((word for word in after if word != ","), "")
        return "scratch" in said and named in _SIDES

    def _is_chosen(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that the order is what is done instead: "will do this one instead", of no other treatment."""
        begin = next((at for at in range(len(before) - 1, -1, -1) if before[at] in _PARTING), -1) + 1
        part = before[begin:]
        return not self._objects.isdisjoint(part) and self._others.isdisjoint((*part, *after))

    @staticmethod
    def _is_of_another_order(before: Sequence[str]) -> bool:
        """Tell that another order is spoken of: "prior order voided", "that one has been voided"."""
        return any(pair in _ANOTHER_ORDER for pair in pairwise(before)) and "this" not in before[-_NEAR:]

    @staticmethod
    def _is_of_therapy(last: str, before: Sequence[str]) -> bool:
        return before[-1:] == [_THERAPY] and last in _OF_THERAPY

    def _is_ticked_for_another(self, tokens: Tokens, begin: int, first: int) -> bool:
        """Tell that a box is ticked of another thing, which stands before it: "knee sleeve - [X] not approved"."""
        words = tokens.words
        if first - begin != _BOX_LENGTH or words[begin] not in "[(" or begin < 1:
            return False
        return not self._others.isdisjoint(words[max(0, begin - _NEAR - 1) : begin])

    def _has_own_label(self, before: Sequence[str]) -> bool:
        """Tell that a hit is the value of a label of another thing: "Breast feeding: no longer"."""
        if ":" not in before:
            return False
        at = len(before) - 1 - before[::-1].index(":")
        label = before[:at]
        is_near = len(before) - at - 1 < _NEAR
        return is_near and 0 < len(label) <= _LONGEST_LABEL and self._is_of_another(label)

    def _is_of_another(self, label: Sequence[str]) -> bool:
        return all(word.isalpha() for word in label) and self._of_order.isdisjoint(label)


def _crosses(hit: Hit[str], labels: Sequence[tuple[int, int]]) -> bool:
    """Tell that a hit is made of a label and what stands beside it: "Driver: no Auth #: self"."""
    return any(hit.first < end and first < hit.end for first, end in labels)
