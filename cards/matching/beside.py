"""What a sentence that begins with an ordered service says besides, of other things than the service.

"Prolotherapy R knee, there is no good code for it" says no of the code; "..., she no longer wants it" of the service.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from cards.vocabulary import Vocabulary

#: These part what is said.
_SIGNS: Final = frozenset({",", ":", "(", ")", "so", "but", "then"})
#: What stands farther behind a service is not looked at.
_FARTHEST: Final = 100


#: Behind these a part refers to what was, and says nothing of the service: "same mix as last month", "see last note".
_REFERRING: Final = frozenset({"as", "see", "than", "per", "since", "from", "como"})
_REFERRED: Final = 3
#: Words of things that are the patient, or of the order, too: "pt will not pay".
_OF_THE_PATIENT: Final = frozenset({"pt", "healing", "relief", "follow", "form", "forms", "consent", "work", "exam"})
#: What is waited for may decide whether the service is done: "MRI not back".
_AWAITED: Final = frozenset({"mri", "mr", "xray", "xr", "films", "imaging", "labs", "lab", "consult", "clearance"})
#: Another treatment so near behind one of these is wished for.
_WISHING: Final = frozenset(
    ("wants", "want", "prefers", "prefer", "rather", "recommends", "considering", "requesting", "quiere", "prefiere")
)
_NEAR: Final = 3
_PAUSED: Final = frozenset({"hold", "held", "stopped", "off", "declined", "paused"})
_NOT: Final = frozenset({"no", "not", "without"})


class Beside(NamedTuple):
    """The tokens of a sentence whose negations, and whose words of what was, are of other things than the service.

    `asked`: those of what other people ask and want.
    """

    negated: frozenset[int] = frozenset()
    past: frozenset[int] = frozenset()
    asked: frozenset[int] = frozenset()


class ThingsBeside:
    """Finds what a sentence says of other things behind a service and its place."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        words = vocabulary.explicit
        self._treatments = frozenset(phrase for phrase in vocabulary.other_treatments if " " not in phrase)
        things = vocabulary.withdrawals.others | self._treatments | words.chatter
        awaited = vocabulary.withdrawals.bystanders.judging.union(vocabulary.imaging_words, _AWAITED, _OF_THE_PATIENT)
        self._things = things - words.of_the_service - awaited
        self._events = words.events.union(vocabulary.past_treatments) - words.of_the_service
        self._others = vocabulary.withdrawals.others - words.of_the_service - _OF_THE_PATIENT
        self._of_the_service = words.of_the_service
        self._people = words.family | words.outsiders

    def find(self, words: Sequence[str], begin: int, stop: int) -> Beside:
        """Return what is of other things: of a part between signs that names one, up to a word of the service.

        A part begins with a sign; so the words of the service's own part are none.
        """
        negated: set[int] = set()
        past: set[int] = set()
        asked: set[int] = set()
        stop = min(stop, begin + _FARTHEST)
        signs = (at for at in range(begin, stop) if words[at] in _SIGNS)
        for first, end in pairwise([*signs, stop]):
            things = [at for at in range(first, end) if words[at] in self._things]
            if things and words[first] != "but":
                until = next((at for at in range(things[0], end) if words[at] in self._of_the_service), end)
                negated.update(range(first, until))
                past.update(range(things[0], until))
            past.update(self._find_referred(words, first, end))
            if not self._events.isdisjoint(words[first:end]) and not self._goes_back(words[first:end]):
                past.update(range(first, end))  # "prior cuff repair 2015"
            if words[first + 1 : first + 2] and words[first + 1] in self._people:
                asked.update(() if self._goes_back(words[first:end]) else range(first, end))
        return Beside(frozenset(negated), frozenset(past), frozenset(asked))

    def _goes_back(self, part: Sequence[str]) -> bool:
        return not self._of_the_service.isdisjoint(part)

    @staticmethod
    def _find_referred(words: Sequence[str], first: int, end: int) -> set[int]:
        led = (at for at in range(first, end) if words[at] in _REFERRING)
        return {index for at in led for index in range(at + 1, min(end, at + 1 + _REFERRED))}

    def tell_of_wish(self, words: Sequence[str], begin: int, stop: int) -> bool:
        """Tell that another treatment is wished for behind a service: "prolotherapy R knee, wants steroid"."""
        stop = min(stop, begin + _FARTHEST)
        wishes = (at for at in range(begin, stop) if words[at] in _WISHING and words[at + 1 : at + 2] != ["than"])
        return any(not self._treatments.isdisjoint(words[at + 1 : min(stop, at + 1 + _NEAR)]) for at in wishes)

    def find_instead(self, words: Sequence[str], begin: int, stop: int) -> Beside:
        """Return the negations that are of another thing right beside them: "prolotherapy not PRP", "NSAID hold"."""
        stop = min(stop, begin + _FARTHEST)
        treated = (at for at in range(begin + 1, stop) if words[at] in self._treatments)
        found = {at - 1 for at in treated if words[at - 1] in _NOT}
        paused = (at for at in range(begin + 1, stop) if words[at] in _PAUSED)
        found.update(at for at in paused if words[at - 1] in self._others)
        return Beside(negated=frozenset(found))
