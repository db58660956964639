"""A first look at a text, at a tenth of the cost of reading its words: may it name anything that points to a policy?"""

import re
from collections.abc import Iterable
from typing import Any, Final

import ahocorasick

from cards.matching.tokens import normalise

#: What can hide a word from a search in the text as sent: entities, tags, apostrophes, all that is not ASCII.
_HIDING: Final = re.compile(r"[^\x00-\x7f]|[&<']")


class Stems:
    """A word of each of some terms: one that shorter terms have too ("prolo" of "prolo therapy"), else the longest."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._automaton: Any = ahocorasick.Automaton()
        chosen: set[str] = set()
        for words in sorted((normalise(term).split() for term in terms), key=len):
            if words and chosen.isdisjoint(words):
                chosen.add(max(words, key=len))
        for word in chosen:
            self._automaton.add_word(word, None)
        if len(self._automaton):
            self._automaton.make_automaton()

    def may_be_in(self, text: str) -> bool:
        """Tell whether a text may have one of the terms; where it says no, it has none."""
        if not len(self._automaton):
            return False
        if _HIDING.search(text):
            return True
        return next(self._automaton.iter(text.lower()), None) is not None
