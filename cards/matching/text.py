"""Finding terms in what clinicians write, and the words around them that say "not this", "not now", "not here".

The method is that of NegEx (Chapman et al., J Biomed Inform 2001;34:301-310) and ConText (Harkema et al.,
J Biomed Inform 2009;42:839-851): a term, cues near it, a reach that ends with the sentence. No rule set of this
kind is complete, so a cue only ever weakens an answer; see cards/vocabulary/cues.json for the cues themselves.
All work is linear in the length of the text: two passes of an Aho-Corasick automaton, no backtracking patterns.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final, NamedTuple

import ahocorasick

from cards.vocabulary import Cue, Vocabulary, WordList

#: Stands for the end of a sentence in normalised text.
_STOP: Final = "¶"

#: `.` and `!` end a sentence before anything but a lower-case letter; `12.5`, `prev. inj.` and `Dr. A. X` do not.
_SENTENCE_END: Final = re.compile(r"(?<!\b[A-Za-z])(?<!\b[DdMm][Rr])(?<!\b[Pp][Tt])[.!](?= [^a-z]|$)|;|\n")

_SPACED: Final = ",:?()[]$@\u2610\u2611\u2612\u2022\u2192" + _STOP
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
_TURNS: Final = frozenset({"but", "however", "therefore", "\u2192"})

#: A line that begins so is a statement of its own: a bullet, a number, a label such as "SIDE:".
_OWN_LINE: Final = re.compile(r"(?:[-*\u2022\u00b7]|\d{1,2}[.)]|[A-Za-z]+(?: [A-Za-z]+)?:)\s?")


def normalise(text: str) -> str:
    """Return `text` as terms are looked for: one space around every word, sentence ends as one mark.

    Unicode compatibility forms, letter case, hyphens, dashes and quotes do not count (NFKC, casefold).
    """
    lines = _join_lines(unicodedata.normalize("NFKC", text)).replace("->", "\u2192").replace("~~", " strikethrough ")
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
        if not words or (joined and joined[-1].endswith((".", "!", "?", ";"))) or _OWN_LINE.match(words):
            joined.append("\n")
        if words:
            joined.append(words)
    return " ".join(joined)


def variants(term: str) -> Iterator[str]:
    """Yield the normalised term and its plural."""
    words = normalise(term).strip()
    yield words
    yield words[:-1] + "ies" if words.endswith("y") else words + "s"


class Mention(NamedTuple):
    """A term of a word list in a text; `cues` are those that reach it.

    `ordered`: an action governs it, or its sentence is a telegraphic order of plain words only.
    """

    word_list: str
    term: str
    cues: tuple[Cue, ...] = ()
    ordered: bool = False


class TermFinder:
    """Finds the terms of many word lists in one pass, and for names of services the cues that reach them.

    `services` are the lists whose terms name a service; the others (agents, sites) are only found.
    """

    def __init__(self, lists: Mapping[str, WordList], services: Collection[str], vocabulary: Vocabulary) -> None:
        self._services = frozenset(services)
        self._terms = _automaton(
            (variant, (name, variant, is_term))
            for name, words in lists.items()
            for terms, is_term in ((words.terms, True), (words.look_alikes, False))
            for term in terms
            for variant in variants(term)
        )
        cues = [(normalise(cue.phrase).strip(), cue) for cue in vocabulary.cues]
        pseudo = [(normalise(phrase).strip(), None) for phrase in vocabulary.pseudo_cues]
        self._cues = _automaton([*cues, *pseudo])
        self._actions = frozenset(vocabulary.actions)
        others = (variant for phrase in vocabulary.other_treatments for variant in variants(phrase))
        self._others = _automaton((variant, variant) for variant in others)
        known = (*vocabulary.plain_words, *(term for words in lists.values() for term in words.terms))
        self._plain = frozenset(token for term in known for v in variants(term) for token in v.split())

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in `text`: every one of a service, and the first of any other word list."""
        return self.find_in(normalise(text))

    def find_in(self, words: str) -> list[Mention]:
        """Return the mentions in normalised text, the longest where several begin or end together."""
        found = [(start, end, value) for start, end, values in _spans(self._terms, words) for value in values]
        mentions: dict[Any, Mention] = {}
        cues: list[tuple[int, int, Cue]] | None = None
        for start, end, (name, term, is_term) in _longest(found):
            if not is_term:
                continue
            if name not in self._services:
                mentions.setdefault(name, Mention(name, term))
            elif len(mentions) > _MOST_MENTIONS:
                mentions[start, name] = Mention(name, term, (_TOO_MANY,))
                break
            else:
                if cues is None:
                    cues = self._cue_spans(words)
                    starts = [span[0] for span in cues]
                reaching = tuple(self._reaching(words, start, end, cues, starts))
                mentions[start, name] = Mention(name, term, reaching, self._ordered(words, start, end))
        return list(mentions.values())

    def is_service(self, mention: Mention) -> bool:
        """Tell whether a mention names a service, not an agent, a site or the like."""
        return mention.word_list in self._services

    def halting_cue(self, words: str) -> Cue | None:
        """Return a cue in normalised text that stops the whole order, wherever it names its service."""
        return next((cue for _, _, cue in self._cue_spans(words) if cue.side == "anywhere"), None)

    def treatments(self, words: str) -> list[str]:
        """Return the treatments, of those given instead of a service, that normalised text names; each once."""
        return list(dict.fromkeys(values[0] for _, _, values in _spans(self._others, words)))

    def is_plain(self, words: str) -> bool:
        """Tell that normalised text has plain words of an order only, and so names no other service."""
        return all(token in self._plain or not token.isalpha() for token in words.split())

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
            key=itemgetter(0),
        )

    def _reaching(
        self, words: str, start: int, end: int, cues: Sequence[tuple[int, int, Cue]], starts: Sequence[int]
    ) -> Iterator[Cue]:
        first = bisect_left(starts, max(0, start - _FARTHEST))
        last = bisect_left(starts, end + _FARTHEST)
        for cue_start, cue_end, cue in cues[first:last]:
            if cue.side == "anywhere":
                yield cue
            elif cue_end <= start and cue.side != "after":
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

    def _ordered(self, words: str, start: int, end: int) -> bool:
        """Tell that an action governs the mention: "proceed with ...", "repeat ...", "... L SIJ today"."""
        before = words[max(0, start - 40) : start].split()[-2:]
        begin, stop = words.rfind(_STOP, 0, start) + 1, words.find(_STOP, end)
        sentence = words[max(begin, start - _FARTHEST) : stop if stop >= 0 else end + _FARTHEST].split()
        if self.is_plain(" ".join(sentence)):
            return True
        after = words[end : end + 100].partition(_STOP)[0].split()[:10]
        if before and (before[-1] in self._actions or (before[0] in self._actions and before[-1] not in _SEPARATORS)):
            return True
        return any(word in _NOW for word in after)


#: A text that names services more often than this is no order but a document, and in doubt as one.
_MOST_MENTIONS: Final = 40
_TOO_MANY: Final = Cue("negation", "anywhere", 0, "a text that names it very often")

#: Words after a mention that say it is meant for this visit.
_NOW: Final = frozenset({"today", "now"})

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
