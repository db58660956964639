"""Finding terms in what clinicians write, and the words around them that say "not this", "not now", "not here".

The method is that of NegEx (Chapman et al., J Biomed Inform 2001;34:301-310) and ConText (Harkema et al.,
J Biomed Inform 2009;42:839-851): a term, cues near it, a reach that ends with the sentence. No rule set of this
kind is complete, so a cue only ever weakens an answer; see cards/vocabulary/cues.json for the cues themselves.
All work is linear in the length of the text: two passes of an Aho-Corasick automaton, no backtracking patterns.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import ahocorasick

from cards.vocabulary import Cue, Vocabulary

#: Stands for the end of a sentence in normalised text.
_STOP: Final = "¶"

#: `.` and `!` end a sentence before anything but a lower-case letter; `12.5` and `prev. inj.` do not.
_SENTENCE_END: Final = re.compile(r"[.!](?= [^a-z]|$)|;|\n")

_SPACED: Final = ",:?()[]\u2610\u2611\u2612\u2022" + _STOP
_TO_SPACE: Final = '-_/\\.+*%!"|#~<>=^`{}' + "".join(
    map(chr, [*range(0x2010, 0x2016), 0x2212, 0x201C, 0x201D, 0xAB, 0xBB])
)
_DROPPED: Final = "'\u2018\u2019\u02bc\u00ad\u200b\u200c\u200d\u2060\ufeff"
_FOLD: Final = str.maketrans(
    {
        **{character: f" {character} " for character in _SPACED},
        **dict.fromkeys(_TO_SPACE, " "),
        **dict.fromkeys(_DROPPED, ""),
        "&": " and ",
    }
)

#: Between cue and term, these followed by an action begin a new statement: "no relief from PT, schedule ...".
_SEPARATORS: Final = frozenset({",", ":", "and", "so", "then", "will", "plan", "but", "therefore", "today"})
#: These begin a new statement by themselves.
_TURNS: Final = frozenset({"but", "however", "therefore"})


def normalise(text: str) -> str:
    """Return `text` as terms are looked for: one space around every word, sentence ends as one mark.

    Unicode compatibility forms, letter case, hyphens, dashes and quotes do not count (NFKC, casefold).
    """
    lines = _join_lines(unicodedata.normalize("NFKC", text))
    marked = _SENTENCE_END.sub(f" {_STOP} ", lines)
    return f" {' '.join(marked.casefold().translate(_FOLD).split())} "


def _join_lines(text: str) -> str:
    """Join the lines of a text; a line break stays one only where it surely ends a sentence.

    A break in mid-sentence must not hide the "no" above it, so in doubt the lines are one sentence.
    """
    if "\n" not in text and "\r" not in text:
        return " ".join(text.split())
    joined: list[str] = []
    for line in text.splitlines():
        words = " ".join(line.split())
        if not words or (joined and joined[-1].endswith((".", "!", "?", ";"))):
            joined.append("\n")
        if words:
            joined.append(words)
    return " ".join(joined)


def variants(term: str) -> Iterator[str]:
    """Yield the normalised term and its plural."""
    words = normalise(term).strip()
    yield words
    yield words[:-1] + "ies" if words.endswith("y") else words + "s"


@dataclass(frozen=True, slots=True)
class Mention:
    """A term of a word list in a text; `cues` are those that reach it, `ordered` that an action governs it."""

    word_list: str
    term: str
    cues: tuple[Cue, ...]
    ordered: bool


class TermFinder:
    """Finds the terms of many word lists in one pass, and the cues that reach each."""

    def __init__(self, lists: Mapping[str, Iterable[str]], vocabulary: Vocabulary) -> None:
        self._terms = _automaton((v, (name, v)) for name, terms in lists.items() for t in terms for v in variants(t))
        cues = [(normalise(cue.phrase).strip(), cue) for cue in vocabulary.cues]
        pseudo = [(normalise(phrase).strip(), None) for phrase in vocabulary.pseudo_cues]
        self._cues = _automaton([*cues, *pseudo])
        self._actions = frozenset(vocabulary.actions)

    def find(self, text: str) -> list[Mention]:
        """Return every mention in `text`, the longest where several begin or end together."""
        words = normalise(text)
        found = [(start, end, value) for start, end, values in _spans(self._terms, words) for value in values]
        if not found:
            return []
        cues = self._cue_spans(words)
        starts = [start for start, _, _ in cues]
        return [
            Mention(
                name,
                term,
                tuple(self._reaching(words, start, end, cues, starts)),
                self._ordered(words, start),
            )
            for start, end, (name, term) in _longest(found)
        ]

    def _cue_spans(self, words: str) -> list[tuple[int, int, Cue]]:
        spans = list(_spans(self._cues, words))
        pseudo = [(start, end) for start, end, values in spans if None in values]
        return sorted(
            (
                (start, end, cue)
                for start, end, values in spans
                if not any(p_start <= start and end <= p_end for p_start, p_end in pseudo)
                for cue in values
                if cue is not None
            ),
            key=lambda span: span[:2],
        )

    def _reaching(
        self, words: str, start: int, end: int, cues: Sequence[tuple[int, int, Cue]], starts: Sequence[int]
    ) -> Iterator[Cue]:
        first = bisect_left(starts, max(0, start - _FARTHEST))
        last = bisect_left(starts, end + _FARTHEST)
        for cue_start, cue_end, cue in cues[first:last]:
            if cue_end <= start and cue.side != "after":
                if self._reaches_forward(words[cue_end:start], cue):
                    yield cue
            elif cue_start >= end and cue.side != "before" and _reaches_back(words[end:cue_start], cue):
                yield cue

    def _reaches_forward(self, between: str, cue: Cue) -> bool:
        tokens = between.split()
        if _STOP in tokens or len(tokens) > cue.reach:
            return False
        return not any(
            token in _TURNS or (token in _SEPARATORS and following in self._actions)
            for token, following in pairwise([*tokens, ""])
        )

    def _ordered(self, words: str, start: int) -> bool:
        before = words[max(0, start - 40) : start].split()[-2:]
        return bool(before) and (before[-1] in self._actions or (before[0] in self._actions and before[-1] != _STOP))


#: No cue reaches farther than this many characters.
_FARTHEST: Final = 600


def _reaches_back(between: str, cue: Cue) -> bool:
    tokens = between.split()
    if tokens == [_STOP]:  # "Prolotherapy. Declined."
        return True
    return _STOP not in tokens and len(tokens) <= cue.reach


def _automaton(entries: Iterable[tuple[str, Any]]) -> Any:
    by_phrase: dict[str, list[Any]] = {}
    for phrase, value in entries:
        by_phrase.setdefault(f" {phrase} ", []).append(value)
    automaton = ahocorasick.Automaton()
    for phrase, values in by_phrase.items():
        automaton.add_word(phrase, (len(phrase), tuple(values)))
    if by_phrase:
        automaton.make_automaton()
    return automaton


def _spans(automaton: Any, words: str) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """Yield (start, end, values) of every hit, without the space on either side."""
    if len(automaton):
        for last, (length, values) in automaton.iter(words):
            yield last - length + 2, last, values


def _longest(found: list[tuple[int, int, Any]]) -> Iterator[tuple[int, int, Any]]:
    """Yield the hits that no longer hit of the same word list contains, in the order of the text."""
    best_end: dict[str, int] = {}
    for start, end, value in sorted(found, key=lambda hit: (hit[0], -hit[1])):
        if end > best_end.get(value[0], -1):
            best_end[value[0]] = end
            yield start, end, value
