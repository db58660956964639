"""A first look at a text, at a tenth of the cost of reading its words: may it name anything that points to a policy?"""

import re
from collections.abc import Iterable
from typing import Any, Final
from unicodedata import normalize

import ahocorasick

from cards.matching.tokens import DROPPED, normalise

#: What can hide a word from a search in the text as sent: entities, tags, and what is of no common alphabet.
_HIDING: Final = re.compile(r"[^\x00-\u02ff\u2010-\u2029\u2190-\u21ff\u2260-\u2265]|&[#A-Za-z]|<[/A-Za-z!]")

_DROPPED: Final = tuple(map(chr, DROPPED))

#: A word of fewer letters is part of too many others.
_SHORTEST: Final = 5


class Stems:
    """A word of each of some terms: one that shorter terms have too ("prolo" of "prolo therapy"), else the longest.

    A term whose longest word is `common` or very short is looked for with all its words ("pro low therapy").
    """

    def __init__(self, terms: Iterable[str], common: frozenset[str] = frozenset()) -> None:
        self._automaton: Any = ahocorasick.Automaton()
        chosen: set[str] = set()
        whole: list[str] = []
        for words in sorted((normalise(term).split() for term in terms), key=len):
            if not words or not chosen.isdisjoint(words):
                continue
            longest = max(words, key=len)
            if longest.isalpha() and len(words) > 1 and (len(longest) < _SHORTEST or longest in common):
                whole.append(r"[\W_]+".join(map(re.escape, words)))
            else:
                chosen.add(longest)
        for word in chosen:
            self._automaton.add_word(word, None)
        if chosen:
            self._automaton.make_automaton()
        self._whole = re.compile("|".join(whole)) if whole else None

    def may_be_in(self, text: str) -> bool:
        """Tell whether a text may have one of the terms; where it says no, it has none."""
        if not len(self._automaton):
            return False
        is_ascii = text.isascii()
        if (not is_ascii or "&" in text or "<" in text) and _HIDING.search(text):
            return True
        folded = text.lower() if is_ascii else normalize("NFKC", text).casefold()
        for sign in _DROPPED if not is_ascii else "'":
            folded = folded.replace(sign, "")
        return next(self._automaton.iter(folded), None) is not None or (
            self._whole is not None and self._whole.search(folded) is not None
        )
