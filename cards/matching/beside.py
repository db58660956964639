"""What a sentence that begins with an ordered service says besides, of other things than the service.

"Prolotherapy R knee, there is no good code for it" says no of the code; "..., she no longer wants it" of the service.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cards.vocabulary import Vocabulary

#: These part what is said.
_SIGNS: Final = frozenset({",", ":", "(", ")"})
#: What stands farther behind a service is not looked at.
_FARTHEST: Final = 100


class ThingsBeside:
    """Finds what a sentence says of other things behind a service and its place."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        words = vocabulary.explicit
        treatments = (phrase for phrase in vocabulary.other_treatments if " " not in phrase)
        self._things = vocabulary.withdrawals.others.union(treatments, words.chatter) - words.of_the_service
        self._of_the_service = words.of_the_service

    def find(self, words: Sequence[str], begin: int, stop: int) -> frozenset[int]:
        """Return the tokens that are of other things: of a part between signs that names one, to a word of the service.

        A part begins with a sign; so the words of the service's own part are none.
        """
        found: set[int] = set()
        stop = min(stop, begin + _FARTHEST)
        signs = (at for at in range(begin, stop) if words[at] in _SIGNS)
        for first, end in pairwise([*signs, stop]):
            things = [at for at in range(first, end) if words[at] in self._things]
            if things:
                meant = (at for at in range(things[0], end) if words[at] in self._of_the_service)
                found.update(range(first, next(meant, end)))
        return frozenset(found)
