"""What "it", or nothing, stands for where a sentence has told of another thing before: what was asked or refused.

"Asked about sedation, Dr said no", "gel shots not covered, appealed, dropped it", "the PT order was discontinued" and
"his wife's appointment was cancelled" are not of the order.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from cards.word_kinds import WithdrawalWords

#: How far the subject of a state, or the object of a verb, may stand; and what was asked or told of before.
_NEAR: Final = 6
_FAR: Final = 12
#: Supplies stand so near the verb.
_SUPPLIED: Final = 4


class Antecedents:
    """Tells what a sentence speaks of; `others` are the words for other things."""

    def __init__(self, words: WithdrawalWords, others: Collection[str]) -> None:
        self._words = words.antecedents
        self._naming = words.objects - words.bystanders.of_any - {"it", "its", "this", "above", "below"}
        self._objects = words.objects
        self._entered = words.objects | words.subjects | self._words.entered
        self._ignored = words.bystanders.twice | {"ignore", "disregard", "cancel", "remove", "delete"}
        self._therapies = frozenset(others) | {"pt"}
        self._treatments = frozenset(others) - words.bystanders.judging - {"pt"}

    def is_of_another(self, said: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that words are of another thing, which their sentence names."""
        return (
            self._is_modified(before)
            or self._is_of_kin(before)
            or self._is_object(said, after)
            or self._is_of_an_older_order(said, before)
            or self._is_of_other_place(said, after)
            or (said[0] == "not" and after[:1] == ["for"] and not self._treatments.isdisjoint(after[1:_SUPPLIED]))
            or self._is_off_work(said, before, after)
            or self._is_of_supplies(said, after)
            or (said[0] == "for" and bool(before) and self._is_done_for(before[-1]))
            or (said[-1] == "done" and after[:1] == ["with"] and not self._therapies.isdisjoint(after[1:4]))
            or self._is_answer_to_another(said, before, after)
            or self._is_pronoun_of_another(said, before, after)
        )

    def _is_pronoun_of_another(self, said: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that "it" is another treatment: "gel shots not covered, dropped it"."""
        is_pronoun = not self._words.pronouns.isdisjoint(after[:1])
        return is_pronoun and self._is_answer(said, after) and self._tell_of_another(before)

    def may_be_of_another(self, said: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that words may be of another treatment, which the sentence told of before them."""
        words = self._until_break(after)
        if any(one in self._words.earlier and other in self._words.nouns for one, other in pairwise(words)):
            return True
        if said[-2:] == ["wish", "to"] and self._words.proceeding.isdisjoint(after[:1]):
            return True
        return self._is_answer(said, after) and self._tell_of_another(before)

    def _tell_of_another(self, before: Sequence[str]) -> bool:
        """Tell that the words before tell of another treatment, and do not name the order."""
        return self._naming.isdisjoint(before) and not self._treatments.isdisjoint(before[-_FAR:])

    def _is_done_for(self, word: str) -> bool:
        """Tell that another thing is for one of the family: "dialysis for her mom"; not "order", "meant", "is"."""
        return word.isalpha() and word not in self._entered

    def _is_of_kin(self, before: Sequence[str]) -> bool:
        """Tell that it is one of the family's: "his wife's appointment was cancelled"; not "this is his wife's"."""
        return not self._words.kin.isdisjoint(before[-_FAR:]) and "for" not in before and "is" not in before[:2]

    def _is_of_an_older_order(self, said: Sequence[str], before: Sequence[str]) -> bool:
        """Tell that it is the order that this one replaces: "old order expired", "replaces that of 3/2 (expired)"."""
        if said[0] in self._words.nouns and before and before[-1] in self._words.earlier:
            return True
        return not self._words.replacing.isdisjoint(before) and "this" not in before[1:]

    def _is_of_other_place(self, said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that another treatment is of another place: "surgery booked on the other foot"."""
        near = after[:_NEAR]
        is_other = any(one == "other" and other not in self._words.nouns for one, other in pairwise(near))
        return is_other and not self._treatments.isdisjoint(said)

    def _is_off_work(self, said: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that a person is off on some day: "Dr is off Friday"."""
        is_of_person = said[-1] == "off" and not self._words.persons.isdisjoint(before[-1:])
        return is_of_person and not self._words.off_on.isdisjoint(after[:1])

    def _is_of_supplies(self, said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that only supplies are taken: "pull the 3 inch needles"."""
        return said[-1] in self._words.pulling and not self._words.supplies.isdisjoint(
            self._until_break(after)[:_SUPPLIED]
        )

    def _is_modified(self, before: Sequence[str]) -> bool:
        """Tell that what is in a state is another thing: "the PT order was discontinued", "nurse visit cancelled"."""
        words = [word for word in before[-_NEAR:] if word not in self._words.being]
        for at in range(len(words) - 1, 0, -1):
            if words[at] in self._words.nouns:
                is_known = words[at - 1] in self._words.other_kinds or words[at - 1] in self._treatments
                is_therapy = words[at - 1] != "pt" or (at > 1 and words[at - 2] in self._words.determiners)
                return is_known and is_therapy
        return False

    def _is_object(self, said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that what something is done to is another thing: "cancel the PT one", "off the wait list"."""
        words = self._until_break(after)
        if "waitlist" in words or not (self._ignored.isdisjoint(said) or self._words.labels.isdisjoint(words)):
            return True
        if any(other == "list" and one in self._words.lists for one, other in pairwise(words)):
            return True
        for at, word in enumerate(words):
            if word in self._words.nouns:
                return at > 0 and (words[at - 1] in self._words.other_kinds or words[at - 1] in self._treatments)
        return False

    def _is_answer(self, said: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that words answer something: they name nothing, or "it"."""
        following = next((word for word in after if word not in ("the", "have", "doing")), ",")
        names_nothing = following in self._words.pronouns or not following.isalpha() or following in self._words.leaving
        return " ".join(said) in self._words.answers and names_nothing

    def _is_answer_to_another(self, said: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell that words answer what was asked, offered or thought of: "asked about sedation, Dr said no"."""
        if not self._is_answer(said, after):
            return False
        at = next((at for at in range(len(before) - 1, -1, -1) if before[at] in self._words.asking), None)
        if at is None or len(before) - at > _FAR:
            return False
        asked = before[at + 1 :]
        if before[at] in self._words.offering and not self._words.behind_an_offer.isdisjoint(asked[:1]):
            return False
        if any(one == "it" and other in self._words.operated for one, other in pairwise(asked)):
            return True
        end = next((at for at, word in enumerate(asked) if word in (",", "and", "but", "(")), len(asked))
        named = [word for word in asked[:end] if word not in self._words.small and word.isalpha()]
        if not named or not self._words.reasons.isdisjoint(named):
            return False
        is_thing = before[at] not in self._words.wishing or not self._treatments.isdisjoint(named)
        return is_thing and self._objects.isdisjoint(named)

    def _until_break(self, after: Sequence[str]) -> Sequence[str]:
        """Return the words that are still of what stands before them."""
        near = after[:_NEAR]
        return near[: next((at for at, word in enumerate(near) if word in self._words.breaks), len(near))]
