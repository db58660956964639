"""A service that a note orders in so many words, and which cues of the note may be of it.

What is told in the same note besides, of what was tried and of what others think, says nothing against such an order:
only what stands in the same part of its sentence does, or right behind it. "Options reviewed: PRP declined. Plan:
prolotherapy R knee, she would like Tuesday" orders prolotherapy.
"""

from enum import Enum
from typing import Final, NamedTuple

from cards.matching.beside import Beside
from cards.matching.phrases import Hit
from cards.vocabulary import Cue

#: Conditions count wherever in the sentence they stand.
_CONDITIONS: Final = frozenset({"if", "when", "once", "unless", "si", "whether", "until", "pending"})
#: Kinds of cues by which something is asked or wished for.
_ASKING: Final = frozenset({"consultation", "hypothesis", "other-party"})
#: Of a heading only these say something of what is ticked under it.
_OF_HEADINGS: Final = frozenset({"negation", "history", "alternative"})


class By(Enum):
    """What orders a service in so many words."""

    TICK = "a ticked box"
    LABEL = "a label that orders"
    ACTION = "an action"
    HEAD = "the beginning of a sentence"


class ExplicitOrder(NamedTuple):
    """What orders a service, and the part of the sentence it stands in, as tokens; `lead` is the action's.

    `beside` is what of the sentence is of other things. `is_titled`: boxes stand under a label that orders.
    """

    by: By
    begin: int
    end: int
    lead: int = -1
    beside: Beside = Beside()
    is_titled: bool = False

    def is_of(self, hit: Hit[Cue]) -> bool:
        """Tell whether a cue of the same sentence may be of the order."""
        if self._is_beside(hit):
            return False
        if self.by is By.HEAD:
            return True
        if hit.first <= self.lead < hit.end and hit.value.kind != "negation":
            return False  # "requesting prolotherapy" orders it
        if hit.end <= self.lead and hit.value.kind == "other-party":
            return False  # so does "Dr Lee ordered prolotherapy"
        if hit.first >= self.begin and hit.end <= self.end:
            return True
        if hit.value.phrase in _CONDITIONS:
            return hit.end <= self.begin and self.by is not By.LABEL  # "If other, specify: ..." is none
        return hit.first == self.end + 1 and hit.value.kind != "history"

    def _is_beside(self, hit: Hit[Cue]) -> bool:
        match hit.value.kind:
            case "negation":
                return hit.first in self.beside.negated
            case "history":
                return hit.first in self.beside.past
            case _:
                return hit.first in self.beside.asked and hit.value.kind in _ASKING

    def is_of_heading(self, hit: Hit[Cue]) -> bool:
        """Tell whether a cue of the heading over it is of the order."""
        return self.by is By.HEAD or (hit.value.kind in _OF_HEADINGS and not self.is_titled)
