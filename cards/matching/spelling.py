"""Whether an unknown word is a known one with a typing error, or cut short: one letter missing, doubled, swapped."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

#: Shorter words are too near to others.
_SHORTEST: Final = 6
#: A word that was cut short has so many letters left: "costochond", "retinac".
_SHORTEST_STUMP: Final = 5


class Stumps:
    """Words cut short: the first letters of some words, and of none of the `others`; `whole` words are none."""

    def __init__(self, words: Iterable[str], others: Iterable[str], whole: frozenset[str]) -> None:
        self._whole = whole
        self._words = sorted({word for word in words if len(word) > _SHORTEST_STUMP and word.isalpha()})
        self._others = sorted(others)

    def know(self, word: str) -> bool:
        """Tell whether a word is one of the words cut short; a look-up costs the logarithm of their number."""
        bare = word[:-1] if word.endswith("s") else word  # "ligams"
        if len(bare) < _SHORTEST_STUMP or not bare.isalpha() or word in self._whole:
            return False
        return _begins_one_of(self._words, bare) and not _begins_one_of(self._others, bare)


def _begins_one_of(words: Sequence[str], stump: str) -> bool:
    at = bisect_left(words, stump)
    return at < len(words) and words[at].startswith(stump)


class Spelling:
    """Some words, in which one typing error is forgiven; `others` are words that are none of them, however near.

    Words are looked up by what is left of them without one letter (W. Garbe's symmetric deletes), so that a look-up
    costs the same for any number of words. The first letter has to be right.
    """

    def __init__(self, words: Iterable[str], others: frozenset[str]) -> None:
        self._others = others
        self._words = frozenset(word for word in words if len(word) >= _SHORTEST and word.isalpha())
        self._longest = max(map(len, self._words), default=0)
        self._by_rest: dict[str, tuple[str, ...] | str] = {}  # a word, or where they are more, these
        for word in self._words:
            for rest in _shorten(word):
                known = self._by_rest.setdefault(rest, word)
                if known is not word:
                    self._by_rest[rest] = (*_as_words(known), word)

    def knows(self, word: str) -> bool:
        """Tell whether a word is one of the words with a typing error.

        A longer one than any of them and a letter is not looked at: all of its shortenings are as long as it is.
        """
        if not _SHORTEST - 1 <= len(word) <= self._longest + 1 or not word.isalpha() or word in self._others:
            return False
        if word in self._by_rest:
            return True
        rests = list(_shorten(word))
        near = (known for rest in rests for known in _as_words(self._by_rest.get(rest, ())))
        return any(rest in self._words for rest in rests) or any(_differ_once(word, known) for known in near)


def _differ_once(word: str, known: str) -> bool:
    """Tell that two words of one length differ in one letter, or in two that are swapped."""
    places = [place for place, (one, other) in enumerate(zip(word, known, strict=True)) if one != other]
    if len(places) != len(("one", "other")):
        return len(places) == 1
    first, second = places
    return second == first + 1 and (word[first], word[second]) == (known[second], known[first])


def _as_words(known: tuple[str, ...] | str) -> tuple[str, ...]:
    return (known,) if isinstance(known, str) else known


def _shorten(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(1, len(word)))
