"""The words around a named service that say "not this", "not now", "not here", and which of them reach it.

The method is that of NegEx (Chapman et al., J Biomed Inform 2001;34:301-310) and ConText (Harkema et al.,
J Biomed Inform 2009;42:839-851): a term, cues near it, a reach that ends with the sentence; and a heading rules over
its list. No rule set of this kind is complete, so a cue only ever weakens an answer; the cues themselves are in
cards/vocabulary/cues.json.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Final

from cards.matching.explicit import ExplicitOrder
from cards.matching.lazy import lazy
from cards.matching.phrases import Hit, PhraseFinder
from cards.matching.sentence_ends import STOP
from cards.matching.tokens import FARTHEST, Line, Tokens
from cards.vocabulary import Cue, Vocabulary

#: Between cue and term, these followed by an action begin a new statement: "no relief from PT, schedule ...".
SEPARATORS: Final = frozenset({",", ":", "and", "so", "then", "will", "plan", "but", "therefore", "today"})
#: These begin a new statement by themselves.
_TURNS: Final = frozenset({"but", "however", "therefore", "\u2192"})
#: Right before a term these begin one: "PRP not covered, so prolotherapy".
_RESULTS: Final = frozenset({"so", "therefore", "hence", "thus"})
#: Who does what the new statement says: "declined surgery, he elects ...".
_WHO: Final = frozenset({"he", "she", "they", "pt", "patient"})

#: Cues behind a term that may be of a thing behind them; and words of things that are the patient's, too.
_OF_WHAT_FOLLOWS: Final = frozenset(
    (
        *("no", "not", "hold", "stop", "defer", "declined", "declines", "refused", "stopped", "deferred", "held"),
        *("pending", "avoid", "skip", "without", "w/o"),
    )
)
_NO_THINGS: Final = frozenset({"pt", "healing", "relief", "follow", "form", "forms", "consent", "work", "play", "exam"})

#: A line without a colon is a heading if it is this short and has a cue.
_LONGEST_HEADING: Final = 5


class CueFinder:
    """Finds the cues of a vocabulary in texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._cues = PhraseFinder((cue.phrase, cue) for cue in vocabulary.cues)
        labels = (f"{label} {sign}" for label in (*vocabulary.labels, *vocabulary.order_labels) for sign in "?:")
        anywhere = ((phrase, True) for phrase in (*vocabulary.pseudo_cues, *labels))
        behind = ((phrase, False) for phrase in vocabulary.behind_a_name)
        self._pseudo = PhraseFinder((*anywhere, *behind))
        self._actions = frozenset(vocabulary.actions)
        self._things = vocabulary.withdrawals.others - _NO_THINGS

    def find_in(self, tokens: Tokens) -> "CuesOfText":
        """Return the cues of a text, without those that are part of a phrase that says nothing against a service."""
        cues = sorted(self._cues.find_in(tokens), key=attrgetter("first"))
        return CuesOfText(tokens, cues, self._pseudo, self._actions, self._things)


class HarmlessPhrases:
    """The phrases of a text that hold a cue and say nothing against a service: "no fever", "instead of cortisone".

    Some say nothing only behind the service: before it they may be what is ordered ("driver needed for ...").
    """

    def __init__(self, words: Sequence[str], hits: Iterable[Hit[bool]]) -> None:
        self._words = words
        self._hits = sorted((hit.first, hit.end, hit.value) for hit in hits)
        found = [(first, end) for first, end, _ in self._hits]
        self._starts = [first for first, _ in found]
        self._ends = list(accumulate((end for _, end in found), max, initial=0))

    def hold(self, first: int, end: int) -> bool:
        """Tell whether the tokens from `first` to before `end` lie in such a phrase."""
        return bool(self._starts) and self._ends[bisect_right(self._starts, first)] >= end

    def leave_out(self, first: int, end: int) -> Sequence[str]:
        """Return the words of the tokens from `first` to before `end` that lie in no such phrase."""
        return [self._words[index] for index in self.kept(first, end)]

    @lazy
    def before_a_name(self) -> "HarmlessPhrases":
        """The phrases that say nothing before a service either."""
        if all(is_anywhere for _, _, is_anywhere in self._hits):
            return self
        return HarmlessPhrases(self._words, (Hit(*hit) for hit in self._hits if hit[2]))

    def kept(self, first: int, end: int) -> Sequence[int]:
        """Return which tokens from `first` to before `end` lie in no such phrase."""
        if not self._starts:
            return range(first, end)
        return [index for index in range(first, end) if not self.hold(index, index + 1)]


class CuesOfText:
    """The cues of one text, in its order."""

    def __init__(
        self,
        tokens: Tokens,
        cues: Sequence[Hit[Cue]],
        pseudo: PhraseFinder[bool],
        actions: frozenset[str],
        things: frozenset[str],
    ) -> None:
        self._tokens = tokens
        self._cues = cues
        self._pseudo = pseudo
        self._actions = actions
        self._things = things
        self._starts = [hit.first for hit in cues]
        self._headings: Sequence[tuple[int, int] | None] | None = None

    @lazy
    def harmless(self) -> HarmlessPhrases:
        """The phrases that hold a cue and say nothing against a service."""
        return HarmlessPhrases(self._tokens.words, self._pseudo.find_in(self._tokens))

    def reaching(
        self,
        first: int,
        end: int,
        *,
        harmless_too: bool = False,
        left_out: Collection[int] = (),
        until: int | None = None,
        order: ExplicitOrder | None = None,
    ) -> Iterator[Cue]:
        """Yield the cues that reach a term, whose tokens are those from `first` to before `end`.

        `harmless_too`: also those in phrases that say nothing against a service, as "failed PT" does against PT.
        `left_out` are tokens whose cues do not count, nor do those from `until` on; of a service that is ordered in so
        many words by `order` only those near it do.
        """
        last = end + FARTHEST if until is None else until
        for hit in self._within(first - FARTHEST, last, harmless_too=harmless_too):
            if hit.first not in left_out and self._reaches(hit, first, end) and (order is None or order.is_of(hit)):
                yield hit.value
        if heading := self.heading_over(first):
            for hit in self._of_heading(*heading):
                if self._goes_on(hit.end, heading[1]) and (order is None or order.is_of_heading(hit)):
                    yield hit.value

    def _of_heading(self, first: int, end: int) -> list[Hit[Cue]]:
        """Return the cues of a heading: those that speak of what follows, and any negation."""
        found = self._within(first, end)
        return [hit for hit in found if hit.value.side != "after" or hit.value.kind == "negation"]

    def stand_in(self, first: int, end: int) -> bool:
        """Tell that a cue stands in the tokens from `first` to before `end`."""
        return bool(self._within(first, end))

    def _within(self, first: int, end: int, *, harmless_too: bool = False) -> Sequence[Hit[Cue]]:
        found = self._cues[bisect_left(self._starts, first) : bisect_left(self._starts, end)]
        return found if harmless_too else [hit for hit in found if not self.harmless.hold(hit.first, hit.end)]

    def _reaches(self, hit: Hit[Cue], first: int, end: int) -> bool:
        cue = hit.value
        if hit.end <= first and cue.side != "after":
            is_near = first - hit.end <= cue.reach and self._is_one_sentence(hit.end, first)
            return is_near and self._goes_on(hit.end, first)
        if hit.first >= end and cue.side != "before":
            if hit.first in self.of_things:
                return False
            is_next = cue.reach and self._tokens.words[end : hit.first] == [STOP]  # "Prolotherapy. Declined."
            return bool(is_next) or (hit.first - end <= cue.reach and self._is_one_sentence(end, hit.first))
        return False

    @lazy
    def of_things(self) -> frozenset[int]:
        """The tokens of cues that are of another thing, with its words: "prolotherapy L elbow, hold throwing"."""
        found: set[int] = set()
        for hit in self._cues:
            if hit.value.phrase in _OF_WHAT_FOLLOWS:
                end = hit.end
                while self._things.intersection(self._tokens.words[end : end + 1]):
                    end += 1
                found.update(range(hit.first, end) if end > hit.end else ())
        return frozenset(found)

    def _is_one_sentence(self, first: int, end: int) -> bool:
        return STOP not in self._tokens.words[first:end]

    def _goes_on(self, first: int, end: int) -> bool:
        """Tell that the tokens between a cue and a term begin no new statement."""
        words = [word for word in self._tokens.words[first:end] if word not in _WHO]
        if words and words[-1] in _RESULTS:
            return False
        return not any(
            token in _TURNS or (token in SEPARATORS and following in self._actions)
            for token, following in pairwise([*words, ""])
        )

    def heading_over(self, index: int) -> tuple[int, int] | None:
        """Return the heading that rules over a token's line, as its tokens: the first, and one past the last."""
        if self._tokens.is_one_line:
            return None
        if self._headings is None:
            self._headings = list(self._rule_lines())
        return self._headings[self._tokens.line(index)]

    def _rule_lines(self) -> Iterator[tuple[int, int] | None]:
        """Yield for each line the heading over it: it rules until a blank line after its list, or the next heading.

        A label before text ("Failed: PT"), and a heading without a colon over a blank line, rule over items only.
        """
        heading: tuple[int, int] | None = None
        has_list = items_only = False
        lines = self._tokens.lines
        for line, following in pairwise([*lines, lines[-1]]):
            found = None if line.first == line.end else self._heading_at(line)
            rules = heading is not None and line.first < line.end and (line.is_item or not items_only)
            rules = rules and not found and not self._is_of_actions(line)
            yield heading if rules else None
            if line.is_blank:
                heading = None if has_list else heading
                items_only = items_only or not self._has_colon(heading)
            elif found:
                heading, has_list, items_only = found, False, False
            elif rules:
                has_list = True
            elif line.first < line.end:  # a line of dashes under a heading changes nothing
                heading, has_list, items_only = self._label_at(line, following), False, True

    def _is_of_actions(self, line: Line) -> bool:
        """Tell that a line begins with a label such as "Plan:", which ends the list above it."""
        label = None if line.is_item else self._label_at(line)
        return label is not None and not self._actions.isdisjoint(self._tokens.words[slice(*label)])

    def _has_colon(self, heading: tuple[int, int] | None) -> bool:
        return heading is not None and self._tokens.words[heading[1] : heading[1] + 1] == [":"]

    def _heading_at(self, line: Line) -> tuple[int, int] | None:
        """Return the sentence that makes a line a heading: it ends with a colon, or is a few words with a cue."""
        words, first, end = self._tokens.words, line.first, line.end
        while end > first and words[end - 1] == STOP:
            end -= 1
        if end > first and words[end - 1] == ":":
            return self._tokens.clause_range(end - 1)[0], end - 1
        is_short = end - first <= _LONGEST_HEADING and not line.is_item and self._is_one_sentence(first, end)
        return (first, end) if is_short and self._of_heading(first, end) else None

    def _label_at(self, line: Line, following: Line | None = None) -> tuple[int, int] | None:
        """Return the label that a line begins with, before its first colon, or all of a few words over an item."""
        words = self._tokens.words[line.first : line.end]
        if line.is_item:
            return None
        if ":" in words:
            return line.first, line.first + words.index(":")
        is_over_item = following is not None and following.is_item and len(words) <= _LONGEST_HEADING
        return (line.first, line.end) if is_over_item else None
