"""Whether the mentions of a service in an order's words are an order for it."""

from collections.abc import Sequence

from cards.coding import Coding
from cards.elements import Place
from cards.matching.evidence import NAMING, Evidence, Mentioned
from cards.matching.match import Clause, Doubt, DoubtKind, Found, Match, Span, Strength


def contradict(named: Sequence[Mentioned], specific: Coding) -> Found | None:
    """The order's code is another service's: its name alone leaves a doubt, a remark elsewhere not even that."""
    for found in named:
        if found.at.place in (Place.CODE_TEXT, Place.DISPLAY, Place.BARE_CODE):
            return word_match(Strength.QUALIFIED, found, Doubt(DoubtKind.ANOTHER_CODE, code=specific))
    return None


def weigh(named: Sequence[Mentioned], evidence: Evidence) -> Found | None:
    """Weigh all mentions together: any doubt weakens the order, unless the service is plainly ordered besides.

    A missing cue proves nothing: clinicians have more ways to say "not now" than any list has. So a mention counts
    only in a telegraphic sentence of plain words, or where an action governs it, and beside no other treatment.
    """
    judged = [(found, _doubt(found, evidence)) for found in named]
    doubts = [(found, doubt) for found, doubt in judged if doubt]
    sure = [found for found, doubt in judged if not doubt]
    kinds = {cue.kind for found, _ in doubts for cue in found.mention.cues}
    if sure and kinds <= {"history", "consultation", "prose"}:
        # a past course, or a talk about it, besides the one that is ordered now
        return word_match(Strength.STATED, sure[0])
    return word_match(Strength.QUALIFIED, *doubts[0]) if doubts else None


def word_match(strength: Strength, found: Mentioned, doubt: Doubt | None = None) -> Found:
    """Return a match that rests on a mention, the path of the text it stands in, and its characters."""
    match = Match(strength, place=found.at.place, words=found.mention.term, doubt=doubt)
    return Found(match, found.at.path, (Span(found.at.path, *found.mention.span),))


def _doubt(found: Mentioned, evidence: Evidence) -> Doubt | None:
    """Return what says that a mention may not be an order, or None."""
    if evidence.halted:
        return evidence.halted
    clause = Clause(found.at.place, found.at.text[slice(*found.mention.clause)])
    if found.mention.cues:
        return Doubt(DoubtKind.CONSIDERED, clause)
    if found.at.place is Place.BARE_CODE:
        return Doubt(DoubtKind.ANY_WORD)
    if found.at.place not in NAMING and not evidence.plain_name:
        return Doubt(DoubtKind.ANOTHER_NAME)
    texts = evidence.naming if found.at.place in NAMING else evidence.treatments
    for path in sorted(texts):
        for treatment in evidence.treatments.get(path, ()):
            if f" {treatment} " not in f" {found.mention.term} ":  # a service is not another one than itself
                return Doubt(DoubtKind.ANOTHER_TREATMENT, clause)
    return None if found.mention.ordered else Doubt(DoubtKind.NOT_ORDERED)
