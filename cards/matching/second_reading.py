"""What a learned reading may change of an answer: lift a doubt of the rules, or doubt where they have none.

The rules say first what an order's words are for and whether it stands. A learned reading (cards/matching/learned.py)
overrules them only where it is as sure as the limits of its weights ask; no text that cannot be read, no near procedure
and no contradicting code is touched.
"""

from collections.abc import Sequence
from typing import Final

from cards.matching.evidence import NAMING, Evidence, Mentioned, Remark, remark
from cards.matching.learned import LearnedReading
from cards.matching.match import Doubt, DoubtKind

#: In an order that tells so few words beside its name what the rules are sure of stands: "ON HOLD. US guided."
FEW: Final = 15
#: Of fewer nothing is learned that the rules do not see.
_FEWEST: Final = 8

Identified = tuple[Mentioned, Remark | None]

#: Doubts of what is ordered that rest on the words near a service's name.
_OF_WORDS: Final = frozenset(
    (DoubtKind.NOT_ORDERED, DoubtKind.CONSIDERED, DoubtKind.ANOTHER_TREATMENT, DoubtKind.ANOTHER_NAME)
)


def identify_again(named: Sequence[Mentioned], identified: Identified | None, evidence: Evidence) -> Identified | None:
    """Return what the order is for by the rules and the learned reading: a mention, and a doubt where one is left."""
    learned = evidence.learned(named)
    if learned is None:
        return identified
    limits, ordered = learned.limits, learned.ordered
    if identified is None:
        return _find_passed_over(named, learned, evidence)
    found, doubt = identified
    if doubt is None:
        in_name = found.at.place in NAMING
        lowest, fewest = (limits.refuse_name, _FEWEST) if in_name else (limits.refuse_note, FEW)
        if ordered >= lowest or learned.told < fewest:
            return found, None
        asked = evidence.quote(DoubtKind.CONSIDERED, learned.find_question()) if in_name else None
        return found, asked or remark(DoubtKind.CONSIDERED, found.at, found.mention.clause)
    if doubt.doubt.kind not in _OF_WORDS:
        return found, doubt
    if _is_lifted(found, doubt.doubt.kind, learned):
        return found, None
    is_silent = learned.concerns < limits.silent and learned.told >= _FEWEST
    return None if is_silent else (found, doubt)


def judge_again(doubt: Remark | None, named: Sequence[Mentioned], evidence: Evidence) -> Remark | None:
    """Return what speaks against an order that is surely for the service, by the rules and the learned reading."""
    learned = evidence.learned(named)
    if learned is None:
        return doubt
    stands = learned.stands
    if doubt and doubt.doubt.kind is DoubtKind.TAKEN_BACK:
        is_told = stands >= learned.limits.stands and learned.told >= FEW and not evidence.is_strongly_withdrawn
        return _as(DoubtKind.NOT_UNDERSTOOD, doubt) if is_told else doubt
    if stands >= learned.limits.clear and learned.told >= FEW:
        return None
    if stands < learned.limits.told and learned.told >= _FEWEST:
        kind = DoubtKind.TAKEN_BACK if stands < learned.limits.falls else DoubtKind.NOT_UNDERSTOOD
        said = evidence.quote(kind, learned.find_withdrawal())
        return said or (_as(kind, doubt) if doubt else None)
    return doubt


def _find_passed_over(named: Sequence[Mentioned], learned: LearnedReading, evidence: Evidence) -> Identified | None:
    """Return what the rules said nothing of, where the learned reading is sure, or asks."""
    found = next((one for one in reversed(named) if not one.mention.is_near), None)
    if found is None or found.at.place in NAMING or evidence.names_another:
        return None
    if learned.ordered >= learned.limits.accept_passed_over:
        return found, None
    return (found, Remark(Doubt(DoubtKind.NOT_ORDERED))) if learned.concerns >= learned.limits.ask else None


def _is_lifted(found: Mentioned, kind: DoubtKind, learned: LearnedReading) -> bool:
    """Tell that a doubt whether the service is ordered is lifted; in a name only that of words that are not known.

    What a name says of another service, or of a talk, is no question of likelihood.
    """
    if found.at.place not in NAMING:
        return learned.ordered >= learned.limits.accept
    is_of_words = kind is DoubtKind.NOT_ORDERED and learned.told >= _FEWEST
    return is_of_words and learned.ordered >= learned.limits.accept_name


def _as(kind: DoubtKind, said: Remark) -> Remark:
    return said._replace(doubt=said.doubt._replace(kind=kind))
