"""Other treatments that a text names, and whether they are given now or were before."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from cards.matching.entries import Entries
from cards.matching.explicit_orders import ExplicitOrders
from cards.matching.mention import Mention, Treatment
from cards.matching.ordering import OrderReading
from cards.matching.phrases import Hit, PhraseFinder, variants
from cards.matching.sentence_ends import STOP
from cards.matching.sentences import is_empty_box
from cards.matching.tokens import Tokens
from cards.vocabulary import Vocabulary

#: In a text that names more of them they count as given without a look at each.
_MOST: Final = 80

#: How a treatment went stands at most so many tokens behind it.
_FARTHEST_OUTCOME: Final = 6

#: Beside these a treatment is given but where it is denied.
_NOW: Final = frozenset({"today", "now", "hoy"})
_NEAR: Final = 2

#: The answer of a list to what is not done, and what parts it from that.
_DENIAL: Final = ["no"]
_PARTING: Final = frozenset({",", ":", "=", "/", STOP})

#: What is said behind a service is of the treatment, too, that only these part from it.
_TOGETHER: Final = frozenset({"and", "or", "vs", "versus", "nor"})


class TreatmentFinder:
    """Finds the treatments of a vocabulary that are given instead of a service."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        others = (variant for phrase in vocabulary.other_treatments for variant in variants(phrase))
        self._others = PhraseFinder((variant, variant) for variant in others)
        self._outcomes = PhraseFinder((phrase, None) for phrase in vocabulary.past_outcomes)

    def find_first(self, tokens: Tokens) -> int:
        """Return the first token of a treatment; one past the last where there is none."""
        return min((hit.first for hit in self._others.find_in(tokens)), default=len(tokens.words))

    def find_in(
        self,
        reading: OrderReading,
        past: Collection[int],
        find_services: Callable[[], Sequence[Mention]],
        explicit: ExplicitOrders,
    ) -> Iterator[Treatment]:
        """Yield the treatments that a text names; given where no cue, and no word of how it went, is near.

        `past` are the tokens of what was tried before. `find_services` returns the services that the text names: what
        is said behind one says nothing of a treatment before it, and one of an older entry than an ordered service was
        given before. In a text that names very many all count as given.
        """
        tokens = reading.tokens
        hits = list(self._others.find_in(tokens))
        if not hits:
            return
        outcomes = [hit.first for hit in self._outcomes.find_in(tokens)]
        services = [] if reading.is_name or len(hits) > _MOST else find_services()
        entries = Entries(tokens, [one.first for one in services if one.ordered and not one.cues])
        seen: set[tuple[str, bool, bool]] = set()
        for number, hit in enumerate(hits):
            is_given = number > _MOST or (hit.first not in past and self._is_given(reading, hit, outcomes, services))
            is_given = is_given and not entries.is_overtaken(hit.first)
            is_explicit = is_given and (number > _MOST or self._is_meant(reading, hit, explicit))
            if (hit.value, is_given, is_explicit) not in seen:
                seen.add((hit.value, is_given, is_explicit))
                clause = tokens.span(*tokens.clause_range(hit.first))
                yield Treatment(hit.value, is_given, clause, explicit=is_explicit)

    @staticmethod
    def _is_meant(reading: OrderReading, hit: Hit[str], explicit: ExplicitOrders) -> bool:
        """Tell that a treatment is ordered in so many words, or is the head of a sentence, or of today."""
        begin, stop = reading.tokens.clause_range(hit.first)
        is_today = not _NOW.isdisjoint(reading.tokens.words[begin:stop])
        return is_today or hit.first == begin or explicit.find(reading, hit.first, hit.end) is not None

    @staticmethod
    def _is_given(reading: OrderReading, hit: Hit[str], outcomes: Sequence[int], services: Sequence[Mention]) -> bool:
        if reading.cues.harmless.hold(hit.first, hit.end):
            return False
        begin, stop = reading.tokens.clause_range(hit.first)
        if is_empty_box(reading.tokens.words[begin : begin + 2]) or _is_denied(
            reading.tokens.words[hit.end : hit.end + 3]
        ):
            return False
        if reading.is_name:
            return True
        last = min(stop, hit.end + _FARTHEST_OUTCOME)
        if any(hit.end <= outcome < last for outcome in outcomes):
            return False
        until = next((one.first for one in services if one.first >= hit.end), None)
        if until is not None and _TOGETHER.issuperset(reading.tokens.words[hit.end : until]):
            until = None  # "PRP and prolotherapy discussed"
        cues = reading.cues.reaching(hit.first, hit.end, harmless_too=True, until=until)
        if not _NOW.isdisjoint(reading.tokens.words[hit.end : min(stop, hit.end + _NEAR)]):
            return not any(cue.kind == "negation" for cue in cues)  # "pt wants steroid today"
        return not any(cues)


def _is_denied(behind: Sequence[str]) -> bool:
    """Tell that a treatment of a list is answered with no: "Acupuncture - no", "PRP: no, ozone: no"."""
    return behind[1:2] == _DENIAL and behind[0] in _PARTING and (set(behind[2:]) <= _PARTING)
