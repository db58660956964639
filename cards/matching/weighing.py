"""Whether the mentions of a service in an order's words are an order for it: two questions, one after the other.

Identity: is the service what this order is for? Only a name, or a note under a name that leaves it open, can say so,
and any doubt weakens the answer. Liveness: does the order stand? What surely takes it back weakens the answer; what was
not understood is told with it.
"""

from collections.abc import Sequence
from typing import Final

from cards.coding import Coding
from cards.elements import Place
from cards.matching.evidence import NAMING, Evidence, Mentioned, Remark, remark
from cards.matching.explicit import By
from cards.matching.match import Doubt, DoubtKind, Found, Match, Span, Strength
from cards.matching.second_reading import identify_again, judge_again

#: A past course, or a talk about it, besides the one that is ordered now.
_BESIDE: Final = frozenset({"history", "consultation", "prose"})
#: Cues at a name in a note that say nothing of the order that stands under its own name.
_REMARKS: Final = _BESIDE | {"other-party"}

#: Doubts of what a name orders that may come of words in it that take the order back.
_OF_A_NAME: Final = frozenset({DoubtKind.NOT_ORDERED, DoubtKind.CONSIDERED, DoubtKind.ANOTHER_TREATMENT})
#: Cues by which the service is talked about: then there is no order for it that could stand.
_TALK: Final = frozenset({"consultation", "hypothesis"})


def contradict(named: Sequence[Mentioned], specific: Coding) -> Found | None:
    """The order's code is another service's: its name alone leaves a doubt, a remark elsewhere not even that."""
    for found in named:
        in_name = found.at.place in (Place.CODE_TEXT, Place.DISPLAY, Place.BARE_CODE)
        kinds = {cue.kind for cue in found.mention.cues}
        if in_name and not found.mention.aside and kinds != {"history"}:
            return word_match(Strength.QUALIFIED, found, Remark(Doubt(DoubtKind.ANOTHER_CODE, code=specific)))
    return None


def weigh(named: Sequence[Mentioned], evidence: Evidence, *, by_rules_alone: bool = False) -> Found | None:
    """Weigh all mentions together: what the order is for, and whether it stands; `by_rules_alone`: read only once.

    A missing cue proves nothing: clinicians have more ways to say "not now" than any list has. So a mention counts
    only in a telegraphic sentence of plain words, or where an action governs it, and beside no other treatment.
    """
    if not named:
        return None
    by_name = [found for found in named if found.at.place in NAMING]
    identified = _identify_by_name(by_name, evidence) if by_name else _identify_by_note(named, evidence)
    if not by_rules_alone:
        identified = identify_again(named, identified, evidence)
    if identified is None:
        return None
    found, doubt = identified
    if (
        doubt
        and by_name
        and doubt.doubt.kind in _OF_A_NAME
        and not any(cue.kind in _TALK for cue in found.mention.cues)
    ):
        doubt = _sure(evidence.withdrawal) or doubt  # "prolotherapy R knee - entered in error"
    if doubt is None:
        doubt = _find_withdrawal(named, found, evidence)
        doubt = doubt if by_rules_alone else judge_again(doubt, named, evidence)
    is_answered = doubt is None or doubt.doubt.kind is DoubtKind.NOT_UNDERSTOOD
    return word_match(Strength.STATED if is_answered else Strength.QUALIFIED, found, doubt)


def word_match(strength: Strength, found: Mentioned, doubt: Remark | None = None) -> Found:
    """Return a match that rests on a mention, the path of the text it stands in, and its characters."""
    match = Match(strength, place=found.at.place, words=found.mention.term, doubt=doubt.doubt if doubt else None)
    spans = (Span(found.at.path, *found.mention.span), doubt.span if doubt else None)
    return Found(match, found.at.path, tuple(span for span in spans if span))


def _identify_by_name(named: Sequence[Mentioned], evidence: Evidence) -> tuple[Mentioned, Remark | None] | None:
    """Tell which mention in a name orders the service, with a doubt where none does without one."""
    clear = [found for found in named if found.mention.ordered and not found.mention.cues]
    if not clear and all(found.mention.aside for found in named):
        return None
    if unclear := [found for found in named if not {cue.kind for cue in found.mention.cues} <= {"history"}]:
        return unclear[0], _quote(DoubtKind.CONSIDERED, unclear[0])
    if not clear:
        found = named[0]
        if found.mention.cues:
            return found, _quote(DoubtKind.CONSIDERED, found)
        return found, _doubt(found, evidence) or _of(DoubtKind.NOT_ORDERED)
    return clear[0], _doubt(clear[0], evidence)


def _identify_by_note(named: Sequence[Mentioned], evidence: Evidence) -> tuple[Mentioned, Remark | None] | None:
    """Tell which mention in a note orders the service, under a name that leaves open what is done."""
    if bare := [found for found in named if found.at.place is Place.BARE_CODE]:
        return bare[0], _of(DoubtKind.ANY_WORD)
    clear = [found for found in named if found.mention.ordered and not found.mention.cues]
    uncued = [found for found in named if not found.mention.cues]
    if uncued and evidence.note_is_of_another:
        return uncued[0], _of(DoubtKind.NOT_ORDERED)
    if explicit := _find_explicit(uncued, evidence) or _find_refused(named, evidence):
        return explicit, _doubt(explicit, evidence)
    if not evidence.has_open_name:
        said = clear if evidence.names_another and evidence.names_a_talk else uncued
        is_other = evidence.names_another and not evidence.names_a_talk
        return (said[0], _of(DoubtKind.ANOTHER_NAME)) if said and not is_other else None
    given = next(iter(evidence.treatments(in_names=False)), None)
    if given and not clear:
        return None  # a treatment is ordered, and this service only mentioned
    cued = [found for found in named if not {cue.kind for cue in found.mention.cues} <= _BESIDE]
    if clear and all(found.at is clear[-1].at and found.mention.span < clear[-1].mention.span for found in cued):
        return clear[-1], _doubt(clear[-1], evidence)  # what a text says last is what it says now
    if cued or not uncued:
        found = (cued or named)[0]
        return found, _quote(DoubtKind.CONSIDERED, found)
    if not clear:
        return uncued[0], _of(DoubtKind.NOT_ORDERED)
    return clear[0], _doubt(clear[0], evidence)


def _doubt(found: Mentioned, evidence: Evidence) -> Remark | None:
    """Return what says that the service is not, or not alone, what the order is for."""
    if evidence.has_unread_script:
        return _of(DoubtKind.UNREAD)
    if found.mention.is_near:
        return _of(DoubtKind.NEAR)
    for treatment, said in evidence.treatments(in_names=True):
        if f" {treatment} " not in f" {found.mention.term} ":  # a service is not another one than itself
            return said
    if found.at.place not in NAMING:
        beside = found if found.mention.explicit not in (None, By.HEAD) else None
        return next((said for _, said in evidence.treatments(in_names=False, beside=beside)), None)
    return None


def _find_explicit(uncued: Sequence[Mentioned], evidence: Evidence) -> Mentioned | None:
    """Return the last mention that a text orders in so many words, if the order's name lets it say what is done."""
    explicit = [found for found in uncued if found.mention.explicit or found.mention.ordered]
    if not explicit or evidence.has_open_name or evidence.has_half_open_name:
        return explicit[-1] if explicit else None
    by = explicit[-1].mention.explicit
    is_of_form = by in (By.TICK, By.LABEL) or (by is By.ACTION and evidence.is_for_treatment_only)
    return explicit[-1] if is_of_form and evidence.names_a_referral else None


def _find_refused(named: Sequence[Mentioned], evidence: Evidence) -> Mentioned | None:
    """Return the mention of what a payer refuses and the patient pays for: "auth for prolo denied. She pays cash"."""
    if not (evidence.is_paid and evidence.has_open_name):
        return None
    return next((found for found in named if found.mention.cues and evidence.tells_of_refusal(found)), None)


def _find_withdrawal(named: Sequence[Mentioned], found: Mentioned, evidence: Evidence) -> Remark | None:
    """Return what takes the order back: a clause that names the service and says "not", or one that needs no name."""
    for other in named:
        kinds = {cue.kind for cue in other.mention.cues}
        is_older = other.at is found.at and other.mention.span <= found.mention.span
        if other.at.place in NAMING or is_older or kinds <= _REMARKS:
            continue
        if not evidence.is_overtaken(other):
            return _quote(DoubtKind.TAKEN_BACK, other)
    return evidence.withdrawal


def _sure(withdrawal: Remark | None) -> Remark | None:
    return withdrawal if withdrawal and withdrawal.doubt.kind is DoubtKind.TAKEN_BACK else None


def _quote(kind: DoubtKind, found: Mentioned) -> Remark:
    return remark(kind, found.at, found.mention.clause)


def _of(kind: DoubtKind) -> Remark:
    return Remark(Doubt(kind))
