"""Text as words: each with the sentence and the line it stands in, and its place in the text as sent."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from cards.matching.characters import Characters, read_characters

#: The word that stands for the end of a sentence.
STOP: Final = "¶"

#: `.` and `!` end a sentence before anything but a lower-case letter; `12.5`, `prev. inj.` and `Dr. A. X` do not.
_SENTENCE_END: Final = re.compile(r"[.!](?<!\b[A-Za-z].)(?<!\b[DdMm][Rr].)(?<!\b[Pp][Tt].)(?=\s+[^a-z\s]|\s*¶|\s*\Z)|;")

#: Signs that are words by themselves: punctuation that cues count, boxes, arrows, crosses.
_SIGNS: Final = ",:?()[]$@&\u2022\u2192\u2610-\u2612\u2715-\u2718\u26d4\u274c\u274e\U0001f6ab" + STOP
#: What only parts words.
_BETWEEN: Final = '-_/\\.+*%!"|#~<>=^`{}\u200b\u2010-\u2015\u2212\u201c\u201d\xab\xbb'
#: Characters inside a word that do not count: apostrophes, soft hyphens, what has no width.
_DROPPED: Final = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\u00ad\u200c\u200d\u2060\ufeff"))


def _of(characters: str) -> str:
    return re.sub(r"[\[\]\\^]|^-", r"\\\g<0>", characters)


_WORD: Final = re.compile(rf"->|~~|[{_of(_SIGNS)}]|[^\s{_of(_BETWEEN)}{_of(_SIGNS)}]+")
_SPELLED: Final = {"->": "\u2192", "~~": "strikethrough", "&": "and"}

_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
#: The number of an item in a list that lost its lines: "Tried: 1. PT 2. NSAIDs".
_FIRST_NUMBER: Final = re.compile(r":[ \t]1[.)]\s")
_NUMBER: Final = re.compile(r"[ \t](?=(\d{1,2})[.)]\s)")
_ITEM: Final = re.compile(r"[-*\u2022\u00b7](?![-*])|\d{1,2}[.)]")
#: A line that begins so is a statement of its own: a bullet, a number, a label such as "SIDE:".
_OWN_LINE: Final = re.compile(r"(?:[-*\u2022\u00b7]|\d{1,2}[.)]|[A-Za-z]+(?:\s[A-Za-z]+)?:)")


class Line(NamedTuple):
    """One line of a text: its tokens from `first` to before `end`, whether it is blank, or an item of a list."""

    first: int
    end: int
    is_blank: bool
    is_item: bool


class Tokens:
    """The words of a text, folded as terms are, with one `STOP` between sentences.

    `joined` is all of them with one space on every side, for a search; `characters` is what they were read from,
    where each word and each line stands in it are `places` and `lines`.
    """

    def __init__(
        self,
        words: Sequence[str],
        characters: Characters,
        places: Sequence[tuple[int, int]],
        lines: Sequence[tuple[int, int]],
    ) -> None:
        self.words = words
        self.joined = f" {' '.join(words)} "
        self._characters = characters
        self._places = places
        self._lines = lines
        self._offsets = list(accumulate((len(word) + 1 for word in words), initial=1))

    @property
    def text(self) -> str:
        """The text without markup, in Unicode's compatibility form."""
        return self._characters.text

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Return which tokens the characters of `joined` from `start` to `end` are: the first, and one past them."""
        return bisect_left(self._offsets, start), bisect_left(self._offsets, end)

    @cached_property
    def _stops(self) -> Sequence[int]:
        return [-1, *(index for index, word in enumerate(self.words) if word == STOP), len(self.words)]

    def clause(self, index: int) -> int:
        """Return the number of the sentence that a token stands in; a `STOP` still belongs to what it ends."""
        return bisect_left(self._stops, index) - 1

    def clause_range(self, index: int) -> tuple[int, int]:
        """Return the tokens of a token's sentence, without its `STOP`."""
        number = self.clause(index)
        return self._stops[number] + 1, self._stops[number + 1]

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return the characters of the text as sent that the tokens from `first` to before `end` cover."""
        return self._characters.span(self._places[first][0], self._places[end - 1][1])

    @cached_property
    def lines(self) -> Sequence[Line]:
        """The lines of the text, blank ones too; the items of a list that lost its lines are lines again."""
        starts = [place[0] for place in self._places]
        return [self._line(starts, *bounds) for bounds in self._lines]

    def _line(self, starts: Sequence[int], start: int, end: int) -> Line:
        text = self.text[start:end].strip()
        return Line(bisect_left(starts, start), bisect_left(starts, end), not text, bool(_ITEM.match(text)))

    def line(self, index: int) -> int:
        """Return the number of the line that a token stands in."""
        return bisect_right(self._line_firsts, index) - 1

    @cached_property
    def _line_firsts(self) -> Sequence[int]:
        return [line.first for line in self.lines]


def read_tokens(text: str) -> Tokens:
    """Read a text as words; Unicode forms, letter case, hyphens, dashes, quotes and markup do not count."""
    characters = read_characters(text)
    lines = _split(characters.text)
    words: list[str] = []
    places: list[tuple[int, int]] = []
    for found in _WORD.finditer(_mark_sentences(characters.text, lines)):
        word = found.group().casefold()
        if "'" in word or not word.isascii():
            word = word.translate(_DROPPED)
        if word and (word != STOP or (words and words[-1] != STOP)):
            words.append(_SPELLED.get(word, word))
            places.append(found.span())
    return Tokens(words, characters, places, lines)


def normalise(term: str) -> str:
    """Return a term as it stands in `Tokens.joined`."""
    return read_tokens(term).joined


def _split(text: str) -> list[tuple[int, int]]:
    """Return where each line begins and ends, before what breaks it."""
    breaks = [found.span() for found in _LINE_BREAK.finditer(text)]
    if _FIRST_NUMBER.search(text):
        breaks = sorted([*breaks, *_inline_items(text)])
    starts = [0, *(end for _, end in breaks)]
    return list(zip(starts, [*(start for start, _ in breaks), len(text)], strict=True))


def _inline_items(text: str) -> Iterator[tuple[int, int]]:
    """Yield the space before each item of a numbered list that follows a colon on one line."""
    expected = None
    for found in _NUMBER.finditer(text):
        number, start = int(found[1]), found.start()
        if number == 1 and text[start - 1] == ":":
            expected = 1
        if number == expected:
            expected = number + 1
            yield found.span()


def _mark_sentences(text: str, lines: Sequence[tuple[int, int]]) -> str:
    """Return the text with a `STOP` in the place of whatever ends a sentence; nothing else moves.

    A line break ends one only where it surely does, since a break in mid-sentence must not hide the "no" above it.
    """
    if len(lines) == 1:
        return _SENTENCE_END.sub(STOP, text)
    pieces: list[str] = []
    before, done = "", 0
    for start, end in lines:
        line = text[start:end].strip()
        is_new = not line or before.endswith((".", "!", "?", ";")) or _OWN_LINE.match(line)
        pieces += ((STOP if is_new else " ").ljust(start - done), text[start:end]) if start else (text[:end],)
        before, done = line, end
    return _SENTENCE_END.sub(STOP, "".join(pieces))
