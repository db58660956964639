"""Which words of a name say nothing of another service: a list of what is known, never a list of what is not."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from cards.matching.phrases import PhraseFinder, variants
from cards.matching.tokens import STOP, Tokens, normalise
from cards.vocabulary import Vocabulary

#: Signs that a plain order may have beside ASCII: degrees, plus-minus, times, fractions, Greek mu, boxes, arrows.
_KNOWN_SIGNS: Final = dict.fromkeys(map(ord, f"\xb0\xb1\xd7\xb7\xbf\u2022\u2044\u2192\u2264\u2265\u2610\u2611{STOP}"))

#: How complaints of joints, tendons and bones are called, whichever they are.
_COMPLAINT: Final = re.compile(r"[a-z]{3}(?:itis|osis|opathy|algia|dynia|malacia)$")

#: Behind these comes a clinician's name, of so many words.
_BEFORE_A_NAME: Final = frozenset({"per", "by", "dr", "w dr", "md"})
_NAME_LENGTH: Final = 2


class PlainWords:
    """The words of telegraphic orders, and of names that leave the procedure open."""

    def __init__(self, vocabulary: Vocabulary, terms: Iterable[str]) -> None:
        self._plain = _tokens_of((*vocabulary.plain_words, *terms))
        self._open = self._plain | _tokens_of(vocabulary.open_words)
        services = (*vocabulary.other_services, *vocabulary.other_treatments)
        labels = (*vocabulary.labels, *vocabulary.order_labels)
        self._labels = PhraseFinder((f"{label} {sign}", None) for label in labels for sign in "?:")
        self._orders = frozenset(normalise(label).strip() for label in vocabulary.order_labels)
        self._services = PhraseFinder((variant, None) for service in services for variant in variants(service))

    def are_plain(self, words: Sequence[str], *, before_a_name: bool = False) -> bool:
        """Tell that words are those of an order only, and so name no other service.

        `before_a_name`: a clinician may be named behind "per", "by" or "Dr".
        """
        allowed = 0
        for word in words:
            if before_a_name and word in _BEFORE_A_NAME:
                allowed = _NAME_LENGTH
            elif word in self._plain or is_number(word) or _COMPLAINT.search(word):
                continue
            elif allowed:
                allowed -= 1
            else:
                return False
        return True

    def are_open(self, words: Iterable[str]) -> bool:
        """Tell that words name nothing, so that what is done has to be said elsewhere."""
        return all(word in self._open or is_number(word) for word in words)

    def find_labels(self, tokens: Tokens) -> list[tuple[int, int]]:
        """Return the labels of a form in a text ("Type of injection?", "Site:"), as tokens."""
        if "?" not in tokens.words and ":" not in tokens.words:
            return []
        return sorted((hit.first, hit.end) for hit in self._labels.find_in(tokens))

    def is_order_label(self, label: tuple[int, int], tokens: Tokens) -> bool:
        """Tell whether what is ordered stands behind a label ("Procedure:"), not what goes with it ("Sedation:")."""
        first, end = label
        return " ".join(tokens.words[first : end - 1]) in self._orders

    def name_another(self, tokens: Tokens) -> bool:
        """Tell that words name another service or treatment."""
        return next(self._services.find_in(tokens), None) is not None


def is_number(word: str) -> bool:
    """Tell that a word is no word: a number, a measure, a sign. Text in a script that is not read here is not one."""
    bare = word.translate(_KNOWN_SIGNS)
    return bare.isascii() and not bare.isalpha()


def _tokens_of(terms: Iterable[str]) -> frozenset[str]:
    return frozenset(token for term in terms for variant in variants(term) for token in variant.split())
