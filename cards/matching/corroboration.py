"""Which of the words that may take an order back do so: some need another part of the note to bear them out.

Nearly all labelled notes of six sentences or more that take their order back say so twice, why and what is to be done
("pt declined ... please remove"), or say it first or last. Words there that stand alone are of another thing: a visit's
notes tell of much that was declined, stopped or done. And of 66 labelled notes that take their order back in one place
only three say elsewhere how and when it is done ("US guided, first available"); so such a note is told, not believed.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from functools import cache, partial
from typing import Final, NamedTuple

from cards.matching.phrases import Hit, PhraseFinder
from cards.matching.tokens import Tokens
from cards.word_kinds import WithdrawalWords

#: A note of fewer sentences is short: a withdrawal in it needs nothing else.
_LONG: Final = 6
#: What bears another out stands within so many sentences of it.
_NEAR: Final = 2
#: A sentence of so few words says nothing else: "ON HOLD per Dr".
_BRIEF: Final = 6


class Judged(NamedTuple):
    """Words that may take an order back, and whether their sentence by itself surely does."""

    hit: Hit[str]
    is_sure: bool


class Corroboration:
    """Weighs what may take an order back against the rest of its note; `is_strong` tells what is only of an order."""

    def __init__(self, words: WithdrawalWords, is_strong: Callable[[Sequence[str]], bool]) -> None:
        self._is_strong = is_strong
        self._directions = PhraseFinder((phrase, True) for phrase in words.directions)

    def choose(self, judged: Iterable[Judged], tokens: Tokens) -> Judged | None:
        """Return the words that surely take the order back, or else the first that may."""
        directed = cache(partial(self._find_directed, tokens))
        found: Judged | None = None
        before: Judged | None = None
        for one in judged:
            is_near = before is not None and tokens.clause(one.hit.first) - tokens.clause(before.hit.first) <= _NEAR
            if one.is_sure and (is_near or self._suffices(one.hit, tokens, directed)):
                return one
            if is_near and before is not None and before.is_sure:
                return before
            if found is None or (one.is_sure and not found.is_sure):
                found = one
            before = one
        if found and found.hit.value == "hint" and directed() - {tokens.clause(found.hit.first)}:
            return None
        return found and found._replace(is_sure=False)

    def _suffices(self, hit: Hit[str], tokens: Tokens, directed: Callable[[], Set[int]]) -> bool:
        """Tell that words need nothing else: of a strong kind, or in a short note, first or last, that says no more."""
        if self._is_strong(tokens.words[hit.first : hit.end]):
            return True
        last, own = tokens.clause(len(tokens.words) - 1), tokens.clause(hit.first)
        if last >= _LONG - 1 and own not in (0, last):
            return False
        begin, stop = tokens.clause_range(hit.first)
        if stop - begin <= _BRIEF:
            return True
        return not directed() - {own}

    def _find_directed(self, tokens: Tokens) -> Set[int]:
        """Return sentences that say how and when the service is done: two of them, if there are as many."""
        found: set[int] = set()
        for one in self._directions.find_in(tokens):
            found.add(tokens.clause(one.first))
            if len(found) > 1:
                break
        return found
