"""Looking for many phrases at once in the words of a text, in one pass (Aho-Corasick), whatever their number."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from string import ascii_lowercase
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import ahocorasick

from cards.matching.tokens import Tokens, normalise

T = TypeVar("T")


class Hit(NamedTuple, Generic[T]):
    """A phrase in a text: its tokens from `first` to before `end`, and what it was entered with."""

    first: int
    end: int
    value: T


class Joined(Protocol):
    """Words that are searched: all of them with one space on every side."""

    @property
    def joined(self) -> str:
        """The words as one text."""


class Parts(NamedTuple):
    """The words of a sentence before a hit, of the hit itself, and behind it."""

    before: Sequence[str]
    said: Sequence[str]
    after: Sequence[str]


def split_sentence(hit: Hit[Any], tokens: Tokens) -> Parts:
    """Return the sentence of a hit in parts, as far from it as words are looked at."""
    begin, stop = tokens.clause_near(hit.first)
    words = tokens.words
    return Parts(words[begin : hit.first], words[hit.first : hit.end], words[hit.end : stop])


class PhraseFinder(Generic[T]):
    """Phrases with what each stands for; a phrase may stand for several things."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        # Under 10,000 policies phrases are 140,000, nearly all of one value: no list or tuple for each.
        self._automaton: Any = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        self._lengths = array("L")
        self._words = array("L")
        self._values: list[T] = []
        self._others: dict[int, list[T]] = {}
        for phrase, value in entries:
            self._enter(normalise(phrase), value)
        if self._values:
            self._automaton.make_automaton()

    def _enter(self, phrase: str, value: T) -> None:
        """Enter a phrase, or, where it is there already, what else it stands for."""
        if phrase == "  ":
            return
        number = self._automaton.get(phrase, None)
        if number is None:
            self._automaton.add_word(phrase, len(self._values))
            self._lengths.append(len(phrase))
            self._words.append(phrase.count(" ") - 1)
            self._values.append(value)
        else:
            self._others.setdefault(number, []).append(value)

    def find_in(self, tokens: Joined, is_wanted: Callable[[T], bool] | None = None) -> Iterator[Hit[T]]:
        """Yield every hit in the order of where they end; `is_wanted` leaves some out at little cost."""
        if not len(self._automaton):
            return
        joined, count = tokens.joined, tokens.joined.count
        make: Callable[..., Hit[T]] = Hit._make  # half the cost of Hit(...)
        position = first = 0  # a place in `joined`, and the number of spaces before it
        for last, number in self._automaton.iter(joined):
            values = [self._values[number], *self._others.get(number, ())]
            wanted = values if is_wanted is None else [value for value in values if is_wanted(value)]
            if wanted:
                start = last - self._lengths[number] + 1
                first += count(" ", position, start) if start > position else -count(" ", start, position)
                position = start
                for value in wanted:
                    yield make((first, first + self._words[number], value))


def variants(term: str) -> Iterator[str]:
    """Yield the normalised term and, of a word, its plural."""
    words = normalise(term).strip()
    yield words
    yield words[:-1] + "ies" if words.endswith("y") else words + "s"


def misspellings(word: str) -> Iterator[str]:
    """Yield a word with one typing error: two letters swapped, one left out, one too many, another one.

    (F. J. Damerau, Communications of the ACM 1964;7:171-176: four in five typing errors are one of these.) The first
    letter stays.
    """
    for at in range(1, len(word)):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        yield before + after
        if after:
            yield before + after[0] + letter + after[1:]
        yield from (before + other + after for other in ascii_lowercase)
        yield from (before + other + letter + after for other in ascii_lowercase)
    yield from (word + other for other in ascii_lowercase)


def spellings(terms: Iterable[str], misspelt: Iterable[str]) -> Iterator[str]:
    """Yield terms in all their forms, each once, and words with a typing error."""
    forms = (variant for term in terms for variant in variants(term))
    yield from dict.fromkeys((*forms, *(wrong for word in misspelt for wrong in misspellings(word))))


def longest(found: Iterable[Hit[tuple[str, Any, str]]]) -> Iterator[Hit[tuple[str, Any, str]]]:
    """Yield the hits that no longer hit of the same word list contains, in the order of the text."""
    best_end: dict[str, int] = {}
    for hit in sorted(found, key=lambda hit: (hit.first, -hit.end)):
        if hit.end > best_end.get(hit.value[0], -1):
            best_end[hit.value[0]] = hit.end
            yield hit
