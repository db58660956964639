"""Words that no list knows and that stand where a site stands: behind a side, or between "to" and a side.

"Prolotherapy R sternoxiphoid" and "prolotherapy to the xiphisternm L" tell where; what is no place has no side. A word
that ends as procedures, papers and people do is none, nor is one that begins as a word of another thing does.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from cards.matching.plainness import PlainWords, is_number
from cards.vocabulary import Vocabulary

#: A service is called with these before its site.
_INTO: Final = frozenset({"to", "of", "into", "at", "en", "de", "del", "al"})
_ARTICLES: Final = frozenset({"the", "la", "el", "her", "his"})
_BOTH: Final = frozenset({"both", "bilat", "bilateral", "bl", "b/l", "ambos", "ambas"})

_SHORTEST: Final = 5
_MOST: Final = 2
#: How procedures, studies, papers, devices, people and doings end.
_OF_OTHERS: Final = re.compile(
    r"""\w*(?:tomy|plasty|scopy|scope|grams?|graphy|graph|therapy|therapies|tion|tions|desis|centesis|lysis|ing|ings|ment
    |ments|shop|ology|ologist|ist|ists|ance|ence|ency|ship|ness|sheet|sheets|book|books|card|cards|work|works|list|form
    |forms|letter|letters|band|bands|pad|pads|brace|braces|sleeve|ware|page|pages|line|lines|video|photo|logy|metry
    |meter|meters|age|ages|ity|ities|ed|er|ers|or|ors|ly)""",
    re.VERBOSE,
)


class UnknownSites:
    """Tells of the words behind a service's name that they begin with an unknown site; `others` name other things."""

    def __init__(self, vocabulary: Vocabulary, plain: PlainWords, others: frozenset[str]) -> None:
        sides = vocabulary.withdrawals
        self._sides = sides.left | sides.right | _BOTH
        self._called = vocabulary.explicit.called
        self._plain = plain
        self._others = sorted(others)

    def begin(self, words: Sequence[str]) -> bool:
        """Tell that one or two unknown words stand where a site stands, and the rest is plain."""
        at = 0
        while at < len(words) and (words[at] in self._called or is_number(words[at])):
            at += 1
        is_led = words[at : at + 1] != [] and words[at] in _INTO
        while at < len(words) and words[at] in _INTO | _ARTICLES:
            at += 1
        is_sided = words[at : at + 1] != [] and words[at] in self._sides
        at += is_sided
        end = at
        while end < len(words) and end - at < _MOST and self._may_be_site(words[end]):
            end += 1
        is_site = end > at and (is_sided or (is_led and words[end : end + 1] != [] and words[end] in self._sides))
        return is_site and self._plain.are_plain(words[end:], forgiving=True)

    def _may_be_site(self, word: str) -> bool:
        if len(word) < _SHORTEST or not word.isalpha() or _OF_OTHERS.fullmatch(word):
            return False
        at = bisect_left(self._others, word)
        is_of_others = at < len(self._others) and self._others[at].startswith(word)
        return not is_of_others and not self._plain.are_plain((word,), forgiving=True)
