"""What an order's words show, and whether a mention of a service in them is an order for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cards.coding import Coding
from cards.elements import OrderText, Place
from cards.matching.match import Match, Strength
from cards.matching.text import Mention

#: A match and the FHIRPath of what it rests on.
Found = tuple[Match, str]


class Mentioned(NamedTuple):
    """A mention and the text of the order it stands in."""

    at: OrderText
    mention: Mention


@dataclass(frozen=True)
class Evidence:
    """What the words of an order name, of all word lists, and what in them speaks against the order.

    `halted` stops the whole order; `treatments` are those it names, by the path of the text that names them;
    `naming` are the paths of the texts that name the order; `plain_name` tells that they name nothing else.
    """

    mentioned: Sequence[Mentioned]
    halted: str | None
    treatments: Mapping[str, Sequence[str]]
    naming: frozenset[str]
    plain_name: bool

    def of(self, lists: frozenset[str]) -> list[Mentioned]:
        """Return the mentions of some word lists."""
        return [found for found in self.mentioned if found.mention.word_list in lists]


def contradict(named: Sequence[Mentioned], specific: Coding) -> Found | None:
    """The order's code is another service's: its name alone leaves a doubt, a remark elsewhere not even that."""
    for found in named:
        if found.at.place in (Place.CODE_TEXT, Place.DISPLAY):
            return _worded(Strength.QUALIFIED, found, f"the code {specific.code}")
    return None


#: Places that name the order; another treatment there, or anywhere for a mention elsewhere, is a doubt.
NAMING: Final = frozenset({Place.CODE_TEXT, Place.DISPLAY, Place.ORDER_DETAIL})


def weigh(named: Sequence[Mentioned], evidence: Evidence) -> Found | None:
    """Weigh all mentions together: any doubt weakens the order, unless the service is plainly ordered besides.

    A missing cue proves nothing: clinicians have more ways to say "not now" than any list has. So a mention counts
    only in a telegraphic sentence of plain words, or where an action governs it, and beside no other treatment.
    """
    doubts = {found: doubt for found in named if (doubt := _doubt(found, evidence))}
    sure = [found for found in named if found not in doubts]
    if not doubts:
        return _worded(Strength.STATED, sure[0]) if sure else None
    kinds = {cue.kind for found in doubts for cue in found.mention.cues}
    if sure and kinds <= {"history", "consultation", "prose"}:
        # a past course, or a talk about it, besides the one that is ordered now
        return _worded(Strength.STATED, sure[0])
    first = next(iter(doubts))
    return _worded(Strength.QUALIFIED, first, doubts[first])


def _doubt(found: Mentioned, evidence: Evidence) -> str | None:
    """Return what says that a mention may not be an order, or None."""
    if evidence.halted:
        return evidence.halted
    if found.mention.cues:
        return found.mention.cues[0].phrase
    if found.at.place not in NAMING and not evidence.plain_name:
        return "the order's name, which says something else"
    texts = evidence.naming if found.at.place in NAMING else evidence.treatments
    for path in sorted(texts):
        for treatment in evidence.treatments.get(path, ()):
            if f" {treatment} " not in f" {found.mention.term} ":  # a service is not another one than itself
                return treatment
    return None if found.mention.ordered else "no word that orders it"


def _worded(strength: Strength, found: Mentioned, cue: str | None = None) -> Found:
    return Match(strength, place=found.at.place, words=found.mention.term, cue=cue), found.at.path
