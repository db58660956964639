"""One text of an order as it is read: its words, its cues, the labels of a form in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cards.matching.cues import CueFinder, CuesOfText
from cards.matching.lazy import lazy
from cards.matching.plainness import PlainWords
from cards.matching.tokens import Tokens, read_tokens

#: Letters outside Latin and Greek, and marks that did not join their letter, such as a stroke through it.
_UNREAD: Final = re.compile(r"[\u0300-\u036f]|(?![\u1e00-\u1fff\u2100-\u214f])[^\W\d_\u0000-\u03ff]")

#: A number that may be a code, or refer to something; and the words that say which.
_DIGITS: Final = re.compile("[0-9]{4}")
_REFERENCE: Final = re.compile(r"[a-z]{0,3}[0-9]{4,}[a-z0-9]*")
_REFERRING_ONLY: Final = frozenset(
    {"ref", "reference", "conf", "confirmation", "acct", "mrn", "ext", "auth", "authorization", "approval", "precert"}
)
_REFERRING: Final = _REFERRING_ONLY | {"approved", "claim", "case", "ticket"}
_LIKE_A_CODE: Final = re.compile(r"[0-9]{4}[0-9a-z]|[a-z][0-9]{4}")


class ReadText:
    """A text as written, read when something is asked of it; `is_name`: it names the order, so every word counts."""

    def __init__(self, text: str, cues: CueFinder, plain: PlainWords, *, is_name: bool) -> None:
        self._text = text
        self._cues = cues
        self._plain = plain
        self.is_name = is_name

    @lazy
    def tokens(self) -> Tokens:
        """The words of the text."""
        return read_tokens(self._text)

    @lazy
    def cues(self) -> CuesOfText:
        """The cues of the text."""
        return self._cues.find_in(self.tokens)

    @lazy
    def labels(self) -> Sequence[tuple[int, int]]:
        """The labels of a form in the text, as tokens."""
        return self._plain.find_labels(self.tokens)

    @property
    def unlabelled(self) -> Iterator[str]:
        """The words of the text without those of labels, and without phrases that say nothing."""
        return iter(self.without_labels(self.cues.harmless.kept(0, len(self.tokens.words))))

    def without_labels(self, indexes: Iterable[int]) -> Sequence[str]:
        """Return the words of some tokens that are not of a label."""
        words = self.tokens.words
        return [words[index] for index in indexes if index not in self._of_labels]

    @lazy
    def _of_labels(self) -> frozenset[int]:
        return frozenset(index for label in self.labels for index in range(*label))

    @lazy
    def references(self) -> frozenset[int]:
        """The tokens of numbers that refer to something, and are no codes: "auth approved #88123", "ref 5521877"."""
        words = self.tokens.words
        if not _DIGITS.search(self.tokens.joined):
            return frozenset()
        found: set[int] = set()
        for at in (at for at, word in enumerate(words) if _REFERENCE.fullmatch(word)):
            before = words[at - 1] if at else ""
            if before in _REFERRING:
                found.update((at - 1, at) if before in _REFERRING_ONLY else (at,))
            elif not _LIKE_A_CODE.fullmatch(words[at]) and self.tokens.sign_before(at) == "#":
                found.add(at)
        return frozenset(found)

    def field(self, index: int) -> tuple[tuple[int, int] | None, int, int]:
        """Return the label before a token, if one is, and the tokens between it and the next label of the sentence."""
        begin, stop = self.tokens.clause_range(index)
        before = None
        for label in self.labels:
            if begin <= label[0] and label[1] <= index:
                if self._plain.are_open(self.tokens.words[begin : label[0]]):
                    before, begin = label, label[1]
            elif index < label[0] < stop:
                stop = label[0]
        return before, begin, stop

    @property
    def has_unread_script(self) -> bool:
        """Tell whether the text has letters or marks that no cue could be found in."""
        return not self.tokens.text.isascii() and bool(_UNREAD.search(self.tokens.text))
