"""Finding terms in what clinicians write, and whether a mention of a service is an order for it.

All work is linear in the length of the text: automatons read it once each, no pattern goes back.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cards.matching.cues import FARTHEST, SEPARATORS, CueFinder
from cards.matching.phrases import Hit, PhraseFinder, variants
from cards.matching.tokens import STOP, Tokens, read_tokens
from cards.vocabulary import Cue, Vocabulary, WordList

#: A text that names services more often than this is no order but a document, and in doubt as one.
_MOST_MENTIONS: Final = 40
_TOO_MANY: Final = Cue("negation", "anywhere", 0, "the same, very often")

#: Words after a mention that say it is meant for this visit.
_NOW: Final = frozenset({"today", "now"})

#: Signs that a plain order may have beside ASCII: degrees, plus-minus, times, fractions, Greek mu, boxes, arrows.
_KNOWN_SIGNS: Final = dict.fromkeys(map(ord, f"\xb0\xb1\xd7\xb7\u2022\u2044\u2192\u2264\u2265\u2610{STOP}"))

#: Letters outside Latin and Greek, and marks that did not join their letter, such as a stroke through it.
_UNREAD: Final = re.compile(r"[\u0300-\u036f]|(?![\u1e00-\u1fff\u2100-\u214f])[^\W\d_\u0000-\u03ff]")


class Mention(NamedTuple):
    """A term of a word list in a text; `cues` are those that reach it, `span` its characters in the text as sent,
    `clause` those of the sentence it stands in.

    `ordered`: an action governs it, or its sentence is a telegraphic order of plain words only.
    """

    word_list: str
    term: str
    cues: tuple[Cue, ...] = ()
    ordered: bool = False
    span: tuple[int, int] = (0, 0)
    clause: tuple[int, int] = (0, 0)


class TermFinder:
    """Finds the terms of many word lists in one pass, and for names of services the cues that reach them.

    `services` are the lists whose terms name a service; the others (agents, sites) are only found.
    """

    def __init__(self, lists: Mapping[str, WordList], services: Collection[str], vocabulary: Vocabulary) -> None:
        self._services = frozenset(services)
        self._terms: PhraseFinder[tuple[str, str, bool]] = PhraseFinder(
            (variant, (name, variant, is_term))
            for name, words in lists.items()
            for terms, is_term in ((words.terms, True), (words.look_alikes, False))
            for term in terms
            for variant in variants(term)
        )
        self._cues = CueFinder(vocabulary)
        self._actions = frozenset(vocabulary.actions)
        others = (variant for phrase in vocabulary.other_treatments for variant in variants(phrase))
        self._others = PhraseFinder((variant, variant) for variant in others)
        known = (*vocabulary.plain_words, *(term for words in lists.values() for term in words.terms))
        self._plain = frozenset(token for term in known for v in variants(term) for token in v.split())

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in a text as written."""
        return self.find_in(read_tokens(text))

    def find_in(self, tokens: Tokens) -> list[Mention]:
        """Return the mentions in a text: every one of a service, and the first of any other word list."""
        services: list[Mention] = []
        others: dict[str, Mention] = {}
        cues = None
        for first, end, (name, term, is_term) in _longest(self._terms.find_in(tokens)):
            if not is_term:
                continue
            if name not in self._services:
                others.setdefault(name, Mention(name, term, span=tokens.span(first, end)))
                continue
            if len(services) > _MOST_MENTIONS:
                services.append(Mention(name, term, (_TOO_MANY,), span=tokens.span(first, end)))
                break
            cues = cues or self._cues.find_in(tokens)
            reaching, ordered = (
                tuple(cues.reaching(first, end)),
                self._is_ordered(tokens, first, end, cues.heading_over(first)),
            )
            clause = tokens.span(*tokens.clause_range(first))
            services.append(Mention(name, term, reaching, ordered, tokens.span(first, end), clause))
        return [*services, *others.values()]

    def is_service(self, mention: Mention) -> bool:
        """Tell whether a mention names a service, not an agent, a site or the like."""
        return mention.word_list in self._services

    def halting_clause(self, tokens: Tokens) -> tuple[int, int] | None:
        """Return the characters of a sentence that stops the whole order, wherever it names its service."""
        halting = self._cues.find_in(tokens).halting
        return tokens.span(*tokens.clause_range(halting.first)) if halting else None

    def treatments(self, tokens: Tokens) -> list[str]:
        """Return the treatments, of those given instead of a service, that a text names; each once."""
        return list(dict.fromkeys(hit.value for hit in self._others.find_in(tokens)))

    def is_plain(self, words: Iterable[str]) -> bool:
        """Tell that words are those of an order only, and so name no other service."""
        return all(word in self._plain or is_number(word) for word in words)

    def _is_ordered(self, tokens: Tokens, first: int, end: int, heading: tuple[int, int] | None) -> bool:
        """Tell that an action governs the mention: "proceed with ...", "repeat ...", "... L SIJ today".

        A telegraphic sentence needs none, unless it stands under a heading that is not plain ("Alternatives:").
        """
        begin, stop = tokens.clause_range(first)
        over = [word for word in tokens.words[slice(*heading)] if word not in self._actions] if heading else ()
        if self.is_plain(over) and self.is_plain(
            tokens.words[max(begin, first - FARTHEST) : min(stop, end + FARTHEST)]
        ):
            return True
        before = tokens.words[max(0, first - 2) : first]
        if before and (before[-1] in self._actions or (before[0] in self._actions and before[-1] not in SEPARATORS)):
            return True
        return any(word in _NOW for word in tokens.words[end : min(stop, end + 10)])


def is_number(word: str) -> bool:
    """Tell that a word is no word: a number, a measure, a sign. Text in a script that is not read here is not one."""
    bare = word.translate(_KNOWN_SIGNS)
    return bare.isascii() and not bare.isalpha()


def has_unread_script(tokens: Tokens) -> bool:
    """Tell whether a text has letters or marks that no cue could be found in."""
    return not tokens.text.isascii() and bool(_UNREAD.search(tokens.text))


def _longest(found: Iterable[Hit[tuple[str, Any, bool]]]) -> Iterator[Hit[tuple[str, Any, bool]]]:
    """Yield the hits that no longer hit of the same word list contains, in the order of the text."""
    best_end: dict[str, int] = {}
    for hit in sorted(found, key=lambda hit: (hit.first, -hit.end)):
        if hit.end > best_end.get(hit.value[0], -1):
            best_end[hit.value[0]] = hit.end
            yield hit
