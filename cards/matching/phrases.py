"""Looking for many phrases at once in the words of a text, in one pass (Aho-Corasick), whatever their number."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import ahocorasick

from cards.matching.tokens import Tokens, normalise

T = TypeVar("T")


class Hit(NamedTuple, Generic[T]):
    """A phrase in a text: its tokens from `first` to before `end`, and what it was entered with."""

    first: int
    end: int
    value: T


class PhraseFinder(Generic[T]):
    """Phrases with what each stands for; a phrase may stand for several things."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        by_phrase: dict[str, list[T]] = {}
        for phrase, value in entries:
            by_phrase.setdefault(normalise(phrase), []).append(value)
        by_phrase.pop("  ", None)
        self._automaton: Any = ahocorasick.Automaton()
        for phrase, values in by_phrase.items():
            self._automaton.add_word(phrase, (len(phrase), tuple(values)))
        if by_phrase:
            self._automaton.make_automaton()

    def find_in(self, tokens: Tokens, is_wanted: Callable[[T], bool] | None = None) -> Iterator[Hit[T]]:
        """Yield every hit in the order of where they end; `is_wanted` leaves some out at little cost."""
        if not len(self._automaton):
            return
        for last, (length, values) in self._automaton.iter(tokens.joined):
            wanted = values if is_wanted is None else [value for value in values if is_wanted(value)]
            if wanted:
                first, end = tokens.between(last - length + 2, last + 1)
                for value in wanted:
                    yield Hit(first, end, value)


def variants(term: str) -> Iterator[str]:
    """Yield the normalised term and, of a word, its plural."""
    words = normalise(term).strip()
    yield words
    yield words[:-1] + "ies" if words.endswith("y") else words + "s"
