"""What in an order's words takes the order back, puts it off, or says that it is over or another's; and what renews it.

A withdrawal is a verb and its object: "hold order" and "hold NSAIDs" are different things. A verb counts against the
order where its object, or the subject of "cancelled", is the order or nothing at all; what is done to a known other
thing is harmless; anything else is kept as a clause that was not understood. What is said later counts: "hold released"
renews the order, "ok to schedule once the hold is released" does not. The words are in
cards/vocabulary/withdrawals.json.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise, takewhile
from typing import Final, NamedTuple

from cards.matching.antecedents import Antecedents
from cards.matching.bystanders import Bystanders, Surroundings
from cards.matching.corroboration import Corroboration, Judged
from cards.matching.entries import Entries
from cards.matching.persons import is_of_family
from cards.matching.phrases import Hit, Parts, PhraseFinder, split_sentence
from cards.matching.renewals import Renewals
from cards.matching.sentences import is_empty_box
from cards.matching.sessions import Ordered, Sides, session_before
from cards.matching.tokens import Tokens
from cards.matching.unreal import is_foreseen, is_of_a_past_year, is_unreal
from cards.word_kinds import WithdrawalWords

#: Words on either side of the deciding ones that are quoted with them.
_QUOTED: Final = 25
#: The object of a verb stands within so many words of it.
_NEAR: Final = 4

#: Signs that say nothing, and words between a verb and its object.
_SIGNS: Final = frozenset(",:[]()?@\u2022\u2611\u2612")
_BOXES: Final = frozenset("[(\u2611\u2612")
_TICKS: Final = _BOXES | frozenset("])xXo\u2713\u2714")
_DETERMINERS: Final = _SIGNS | {"the", "a", "an", "her", "his", "their", "my", "all", "any", "off", "out", "up"}

#: Hits that say something of one side where a side stands beside them.
_OF_A_SIDE: Final = frozenset({"verb", "state", "hint"})
#: So does what says that a course of one side is over: "R knee series finished".
_ENDED: Final = frozenset({"finished", "completed", "complete", "done", "over", "ended"})
#: What happened in a year that is told is over: "declined in 2021".
_PAST: Final = frozenset({"verb", "state"})
_RENEWING: Final = frozenset({"reinstatement", "renewal"})


class Withdrawal(NamedTuple):
    """Words that speak against the order: their clause, as tokens, and whether they surely do.

    `is_strong`: it surely does, and the text has words that can only be of an order ("entered in error").
    """

    first: int
    end: int
    is_sure: bool
    is_strong: bool = False


class Liveness(NamedTuple):
    """What a text says of whether the order stands: what speaks against it, and the last token of what renews it."""

    withdrawal: Withdrawal | None = None
    renewed_at: int | None = None


class WithdrawalFinder:
    """Finds withdrawals in texts; `treatments` are those that an order can be changed to."""

    def __init__(self, words: WithdrawalWords, treatments: Iterable[str], places: Iterable[str]) -> None:
        self._words = words
        self.sides = Sides(words, places)
        kinds = {
            "statement": words.statements,
            "switch": words.switches,
            "verb": words.verbs,
            "state": words.states,
            "hint": words.hints,
            "harmless": words.harmless,
            "reinstatement": words.reinstatements,
            "renewal": words.renewals,
            "movement": words.movements,
        }
        self._phrases = PhraseFinder((phrase, kind) for kind, phrases in kinds.items() for phrase in phrases)
        named = frozenset(word for phrase in treatments for word in phrase.split() if word.isalpha())
        grammar = words.objects | words.subjects | words.boundaries | words.conditions | words.negations
        self._others = (words.others | named) - grammar
        self._antecedents = Antecedents(words, self._others)
        self.bystanders = Bystanders(words, self._others)
        self._corroboration = Corroboration(words, self.bystanders.is_strong)
        self._renewals = Renewals(words, self._others)
        self._passing = words.subjects | words.left | words.right | _SIGNS

    def find_in(self, tokens: Tokens, ordered: Ordered, around: Surroundings) -> Liveness:
        """Return the surest withdrawal in a text, of equals the first, and what renews the order."""
        hits = _outermost(self._phrases.find_in(tokens))
        if not hits:
            return Liveness()
        renewing = [hit for hit in hits if hit.value in _RENEWING and self._renewals.hold(hit, tokens)]
        renewals = [hit.first for hit in renewing if hit.value == "renewal"]
        entries = Entries(tokens, [hit.first for hit in renewing], renewals)
        judge = partial(
            self._judge_all, renewing=renewing, entries=entries, tokens=tokens, ordered=ordered, around=around
        )
        found = self._corroboration.choose(judge(hits), tokens)
        withdrawal = _quote(found.hit, tokens, is_sure=found.is_sure) if found else None
        if withdrawal and withdrawal.is_sure:
            strong = [hit for hit in hits if self.bystanders.is_strong(tokens.words[hit.first : hit.end])]
            withdrawal = withdrawal._replace(is_strong=any(one.is_sure for one in judge(strong)))
        return Liveness(withdrawal, renewing[-1].end - 1 if renewing else None)

    def _judge_all(
        self,
        hits: Sequence[Hit[str]],
        renewing: Sequence[Hit[str]],
        entries: Entries,
        tokens: Tokens,
        ordered: Ordered,
        around: Surroundings,
    ) -> Iterator[Judged]:
        """Yield each hit that may take the order back, and whether its clause surely does."""
        for hit in hits:
            if hit.value in _RENEWING:
                continue
            is_overtaken = entries.is_overtaken(hit.first) or self._renewals.choose_instead(hit, renewing, tokens)
            if is_overtaken and not self._stays(hit, tokens, renewing):
                continue
            parts = split_sentence(hit, tokens)
            is_sure = self._judge(hit, parts, tokens, ordered)
            if is_sure:
                is_sure = not self._may_be_of_another(hit, parts)
            if is_sure is not None:
                is_sure = self.bystanders.weaken(is_sure, hit, tokens, around)
            if is_sure is not None:
                yield Judged(hit, is_sure)

    def _stays(self, hit: Hit[str], tokens: Tokens, renewing: Sequence[Hit[str]]) -> bool:
        """Tell that a duplicate stays one, whatever is said of the other order: "DUPLICATE. ... pt confirmed"."""
        is_twice = not self._words.bystanders.twice.isdisjoint(tokens.words[hit.first : hit.end])
        return is_twice and not any(one.value == "reinstatement" for one in renewing)

    def _judge(self, hit: Hit[str], parts: Parts, tokens: Tokens, ordered: Ordered) -> bool | None:
        """Tell whether a hit surely takes the order back; None where it speaks of something else."""
        before, said, after = parts
        words = [*before, *said, *after]
        if is_empty_box(words):
            return None
        if before and (before[-1] in self._words.past or is_foreseen(hit.value, before)):
            return None
        if is_of_family(said, before) or is_unreal(said, before, after):
            return None
        if self._antecedents.is_of_another(said, before, after):
            return None
        is_of_a_side = hit.value in _OF_A_SIDE or said[-1] in _ENDED or said[0] == "already"
        if is_of_a_side and self.sides.is_of_other(words, ordered):
            return None
        match hit.value:
            case "statement" if said[0] == "only" and self._is_day(after):  # "only after the 15th"
                return None
            case "statement" if said[0] == "only" or not _ENDED.isdisjoint((said[0], said[-1])):
                # "ice only if needed", "gel series finished" are of the ice and of the gel
                return None if self._is_about_order(self._subject(before)) is None else True
            case "statement":
                return True
            case "movement":
                return self._is_moved(after, is_away=hit.end - hit.first > 1)
            case "switch":
                return (not self._others.isdisjoint(after[:12])) or None
            case "verb" if said[-1] == "no":  # "cardiology said no" tells who said so
                asked = [word for word in before if word not in self._words.bystanders.judging]
                return self._is_done_to_order(asked, after)
            case "verb":
                return self._is_done_to_order(before, after)
            case "state" if session_before(tokens, hit.first) in range(1, ordered.session):
                return None
            case "state" if hit.end - hit.first == 1 or said[-1] == "off":  # "called off the surgery"
                return self._is_done_to_order(before, after)
            case "state":
                return self._is_about_order(self._subject(before))
            case _:
                return False if self._others.isdisjoint((*before[-_NEAR:], *after[:_NEAR])) else None

    def _may_be_of_another(self, hit: Hit[str], parts: Parts) -> bool:
        """Tell that a hit may be of another treatment, or of another year."""
        before, said, after = parts
        is_past = hit.value in _PAST or said[0] in _ENDED
        return (is_past and is_of_a_past_year(before, after)) or self._antecedents.may_be_of_another(
            said, before, after
        )

    def _is_moved(self, after: Sequence[str], *, is_away: bool) -> bool | None:
        """Tell that the order, or the patient, was moved away; None where only the day or the hour was."""
        return None if self._is_day(after) else is_away

    def _is_day(self, after: Sequence[str]) -> bool:
        words = [word for word in after[:3] if word not in _DETERMINERS]
        return bool(words) and (words[0][0].isdigit() or words[0] in self._words.days)

    def _is_about_order(self, words: Sequence[str]) -> bool | None:
        """Tell whether what is done is done to the order: to nothing that is named, or to one of its names."""
        if not self._others.isdisjoint(words):
            return None
        named = [word for word in words if word != "all"] or words  # "all docs complete" is of the documents
        return not words or not self._words.objects.isdisjoint(named)

    def _is_done_to_order(self, before: Sequence[str], after: Sequence[str]) -> bool | None:
        """Tell whether what stands behind a verb, or else before it, is the order; of "NSAIDs stopped 1 wk" None."""
        done_to, subject = self._object(after), self._subject(before)
        is_of_order = self._is_about_order(done_to or subject)
        is_of_another = is_of_order is False and self._is_about_order(subject) is None
        return None if is_of_another else is_of_order

    def _object(self, after: Sequence[str]) -> Sequence[str]:
        end = next((at for at, pair in enumerate(pairwise(after)) if pair == ("this", "time")), len(after))
        words = takewhile(lambda word: word not in self._words.boundaries, after[:end])
        return [word for word in words if word not in _DETERMINERS and not word[0].isdigit()][:_NEAR]

    def _subject(self, before: Sequence[str]) -> Sequence[str]:
        """Return what is said to be in a state: the words of the last part of a clause, or of the one before it.

        "Offered TKA, declined" is of the TKA.
        """
        parts: list[list[str]] = [[]]
        for word in before:
            if word == ",":
                parts.append([])
            elif word == "so":  # "TKA 4/4 so not needed"
                parts = [[]]
            elif word not in self._passing and not word[0].isdigit():
                parts[-1].append(word)
        if parts[-1] or len(parts) == 1:
            return parts[-1][-_NEAR:]
        return [word for word in parts[-2][-_NEAR:] if word in self._others]


def _outermost(hits: Iterable[Hit[str]]) -> list[Hit[str]]:
    """Return the hits that lie in no longer one, without those that say nothing against the order.

    "Do not proceed" does not reinstate an order, and "no need to hold" does not put it off.
    """
    kept: list[Hit[str]] = []
    end = 0
    for hit in sorted(hits, key=lambda hit: (hit.first, -hit.end, hit.value != "harmless")):
        if hit.end > end:
            kept.append(hit)
            end = hit.end
    return [hit for hit in kept if hit.value != "harmless"]


def _quote(hit: Hit[str], tokens: Tokens, *, is_sure: bool) -> Withdrawal:
    """Return the words around a hit, without the box that they tick."""
    begin, stop = tokens.clause_range(hit.first)
    first = max(begin, hit.first - _QUOTED)
    if tokens.words[first] in _BOXES:
        first = next(at for at in range(first, hit.first + 1) if tokens.words[at] not in _TICKS)
    return Withdrawal(first, min(stop, hit.end + _QUOTED), is_sure)
