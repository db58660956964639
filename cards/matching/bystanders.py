"""Whether words that look like a withdrawal speak of something beside the order: a label, a payer, another treatment.

"Driver: will call back", "insurance said no, pt pays", "naproxen (stopped)", "we are not going to stop it" and "PRP
denied. Plan: prolotherapy" leave an order as it is.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import pairwise, takewhile
from typing import Final, NamedTuple

from cards.matching.phrases import Hit, split_sentence
from cards.matching.tokens import Tokens
from cards.word_kinds import WithdrawalWords

_NEGATIONS: Final = frozenset({"not", "never", "dont", "doesnt", "didnt", "wont", "isnt", "arent"})
_PATIENT: Final = frozenset({"pt", "patient", "she", "he", "they"})

#: Units of time behind which "before" makes a medicine's pause: "hold 5 d prior to inj".
_UNITS: Final = frozenset({"d", "day", "days", "wk", "wks", "week", "weeks", "hr", "hrs", "h"})
_BEFORE: Final = frozenset({"before", "prior", "pre"})

_PARTING: Final = frozenset({",", "(", ")", "but", "so", "\u2192"})
#: Behind these stands what something is for: "not candidate for PRP".
_FOR: Final = frozenset({"for", "of", "the", "a", "his", "her", "our", "my", "in", "to"})
_SIDES: Final = frozenset({"left", "right", "l", "r", "both", "bilat", "bilateral"})
#: Physical therapy, or the patient.
_THERAPY: Final = "pt"
_NEAR: Final = 4
_OBJECT: Final = 3
_DENIAL: Final = 3
_AFTER_PARENTHESIS: Final = 3
_LONGEST_LABEL: Final = 3
_BOX_LENGTH: Final = 3


class Surroundings(NamedTuple):
    """What else a text and its order say: its labels and what it orders in so many words, as tokens; who pays.

    Both are in the text's order. `is_paid`: the patient pays, so that what a payer refuses says nothing of whether the
    order stands.
    """

    labels: Sequence[tuple[int, ...]] = ()
    orders: Sequence[int] = ()
    is_paid: bool = False


class Bystanders:
    """Judges what a withdrawal's words are of; `others` are the words for other things."""

    def __init__(self, words: WithdrawalWords, others: Collection[str]) -> None:
        self._words = words.bystanders
        self._others = frozenset(others)
        self._treatments = self._others - self._words.judging
        self._objects = words.objects
        self._boundaries = words.boundaries
        self._naming = words.objects - self._words.of_any
        labels = (word for label in self._words.of_the_order for word in label.split())
        self._of_order = words.subjects | words.objects | frozenset(labels)
        earlier = ((which, what) for which in self._words.earlier for what in self._words.of_earlier)
        self._another_order = frozenset((("that", "one"), *earlier))

    def weaken(self, is_sure: bool, hit: Hit[str], tokens: Tokens, around: Surroundings) -> bool | None:
        """Return what is left of a withdrawal that a hit surely is, or may be: None where it is none of the order.

        What may be of another thing is not passed over in silence, but told.
        """
        before, said, after = split_sentence(hit, tokens)
        if _crosses(hit, around.labels) or self._is_of_another_order(before):
            return None
        if self.is_strong(said):
            return is_sure
        label = self._label_before(hit, tokens, around)
        if label is not None and hit.value != "statement" and label in self._words.things_asked:
            return None
        if (
            (around.is_paid and self._is_refusal(hit, tokens.words, before))
            or self._is_denied(hit, before)
            or self._is_pause(before, said, after)
            or self._is_in_parenthesis(said, before)
            or (bool(before) and self._is_answered(hit, [*before, *said, *after], around))
            or self._is_correction(said, after)
            or self._is_ticked_for_another(tokens, hit.first - len(before), hit.first)
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

    def is_strong(self, said: Sequence[str]) -> bool:
        """Tell that words can only be of an order: "do not schedule", "wrong patient", "entered in error"."""
        return said[:2] == ["do", "not"] or not self._words.strong.isdisjoint(said)

    def _label_before(self, hit: Hit[str], tokens: Tokens, around: Surroundings) -> str | None:
        """Return the label that says nothing of the order and whose value a hit is: "Sedation: not needed"."""
        begin, _ = tokens.clause_near(hit.first)
        before = around.labels[bisect_left(around.labels, (begin,)) : bisect_left(around.labels, (hit.first,))]
        own = next((one for one in reversed(before) if one[1] <= hit.first), None)
        if own is None or "\u2192" in tokens.words[own[1] : hit.first]:
            return None
        label = " ".join(tokens.words[own[0] : own[1] - 1])
        return None if label in self._words.of_the_order else label

    def refuse(self, words: Sequence[str]) -> bool:
        """Tell that a sentence is about what a payer refuses."""
        return not self._words.payers.isdisjoint(words) or not self._words.authorizing.isdisjoint(words)

    def _is_refusal(self, hit: Hit[str], words: Sequence[str], before: Sequence[str]) -> bool:
        said = words[hit.first : hit.end]
        if not self._words.refusals.isdisjoint(said):
            return True
        return not self._words.saying_no.isdisjoint(said) and not self._words.payers.isdisjoint((*before, *said))

    def _is_denied(self, hit: Hit[str], before: Sequence[str]) -> bool:
        """Tell that an action is denied: "we are not going to stop it"; not "no ride, needs to cancel"."""
        if hit.value != "verb" or len(before) < _DENIAL or before[-1] != "to":
            return False
        negated = before[-3] if before[-2] in self._words.meaning else before[-2]
        return negated in _NEGATIONS

    def _is_pause(self, before: Sequence[str], said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that a medicine is paused for the order: "naproxen (hold 5 d prior to inj)"."""
        if (
            self._others.isdisjoint(before)
            or self._words.pausing.isdisjoint(said)
            or not after
            or not after[0].isdigit()
        ):
            return False
        return not _UNITS.isdisjoint(after[1:2]) and not _BEFORE.isdisjoint(after[2:4])

    def _is_in_parenthesis(self, said: Sequence[str], before: Sequence[str]) -> bool:
        """Tell that a hit stands in a parenthesis behind another treatment: "naproxen (upset stomach, stopped)"."""
        opened = next((at for at in range(len(before) - 1, -1, -1) if before[at] in "()"), None)
        if opened is None or before[opened] == ")" or self._words.stopped.isdisjoint(said):
            return False
        near = before[max(0, opened - _AFTER_PARENTHESIS) : opened]
        return not self._treatments.isdisjoint(near) and self._naming.isdisjoint(before[opened:])

    def _is_for_another(self, hit: Hit[str], last: str, before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that a statement is of another thing that it names: "not candidate for PRP", "MRI off the table"."""
        if hit.value != "statement" or last in self._words.in_place:
            return False
        if last in self._words.of_things and self._is_object_another(after):
            return True
        subject = _last_part(before)[-_NEAR:]
        return not self._treatments.isdisjoint(subject) and self._naming.isdisjoint(subject)

    def _is_object_another(self, after: Sequence[str]) -> bool:
        """Tell that what stands behind a verb is another thing: "put off knee replacement", "candidate for PRP"."""
        start = next((at for at, word in enumerate(after) if word not in _FOR), len(after))
        named = list(takewhile(lambda word: word not in self._boundaries, after[start : start + _OBJECT]))
        return not self._others.isdisjoint(named) and self._objects.isdisjoint(named)

    def _is_answered(self, hit: Hit[str], clause: Sequence[str], around: Surroundings) -> bool:
        """Tell that the text orders the service later in so many words, and this was of another thing."""
        if not around.orders or around.orders[-1] <= hit.end:
            return False
        if hit.value == "hint":
            return self._naming.isdisjoint(clause) and _PATIENT.isdisjoint(clause)
        if hit.value == "state" and not self._words.ended.isdisjoint(
            clause
        ):  # "finished a first series ... we start again: ..."
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
        part = _last_part(before)
        named = next((at for at, word in enumerate(part) if word in self._naming), len(part))
        if named < len(part) and self._others.isdisjoint(part[:named]):
            return True
        return not self._objects.isdisjoint(part) and self._others.isdisjoint((*part, *after))

    def _is_of_another_order(self, before: Sequence[str]) -> bool:
        """Tell that another order is spoken of: "prior order voided", "that one has been voided"."""
        return any(pair in self._another_order for pair in pairwise(before)) and "this" not in before[-_NEAR:]

    def _is_of_therapy(self, last: str, before: Sequence[str]) -> bool:
        return before[-1:] == [_THERAPY] and last in self._words.of_therapy

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


def _last_part(before: Sequence[str]) -> Sequence[str]:
    """Return the words behind the last one that parts a sentence."""
    return before[next((at for at in range(len(before) - 1, -1, -1) if before[at] in _PARTING), -1) + 1 :]


def _crosses(hit: Hit[str], labels: Sequence[tuple[int, ...]]) -> bool:
    """Tell that a hit is made of a label and what stands beside it: "Driver: no Auth #: self"."""
    near = labels[bisect_left(labels, (hit.first - _NEAR,)) : bisect_left(labels, (hit.end,))]
    return any(hit.first < end for _, end in near)
