"""Text as words: each with the sentence and the line it stands in, and its place in the text as sent."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import compress, islice
from typing import Final, NamedTuple

from cards.matching.characters import Characters, read_characters
from cards.matching.lazy import lazy
from cards.matching.sentence_ends import STOP
from cards.matching.sentences import ITEM, mark_sentences, split_lines

#: Signs that are words by themselves: punctuation that cues count, boxes, arrows, crosses.
_SIGNS: Final = ",:?()[]$@&\u2022\u2192\u2610-\u2612\u2715-\u2718\u26d4\u274c\u274e\U0001f6ab" + STOP
#: What only parts words.
_BETWEEN: Final = '-_/\\.+*%!"|#~<>=^`{}\u200b\u2010-\u2015\u2212\u201c\u201d\xab\xbb'
#: Characters inside a word that do not count: apostrophes, soft hyphens, what has no width.
DROPPED: Final = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\u00ad\u200c\u200d\u2060\ufeff"))


def _of(characters: str) -> str:
    return re.sub(r"[\[\]\\^]|^-", r"\\\g<0>", characters)


_WORD: Final = re.compile(rf"[^\s{_of(_BETWEEN)}{_of(_SIGNS)}]+|[{_of(_SIGNS)}]|->|~~|(?<=\S\s)[-\u2013\u2014](?=\s)")
_SPELLED: Final = {"->": "\u2192", "~~": "strikethrough", "&": "and", "-": ",", "\u2013": ",", "\u2014": ","}

#: The same for `_find_words`: signs that need a look around them, signs that are words, what only parts words.
_NUL: Final = "\0"
_DASH: Final = re.compile(r"-(?<=\s-)(?=\s)")
_ASCII_SIGNS: Final = tuple(sign for sign in _SIGNS if sign.isascii())
_TO_SPACES: Final = {ord(sign): " " for sign in _BETWEEN if sign.isascii()}

#: Words of letters and digits alone, behind which may stand what ends a label.
_PLAIN_TERM: Final = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+)*(?: [:?])?")
_SPELLED_SIGN: Final = re.compile("[-~&\u2013\u2014]")

#: Nothing is looked for farther from what it speaks of than this many tokens.
FARTHEST: Final = 100


class Line(NamedTuple):
    """One line of a text: its tokens from `first` to before `end`, whether it is blank, or an item of a list."""

    first: int
    end: int
    is_blank: bool
    is_item: bool


class Tokens:
    """The words of a text, folded as terms are, with one `STOP` between sentences.

    `joined` is all of them with one space on every side, for a search; `characters` is what they were read from,
    `marked` the same with a `STOP` where a sentence ends, in which the words were found.
    """

    def __init__(
        self, found: Sequence[str], marked: str, characters: Characters, lines: Sequence[tuple[int, int]]
    ) -> None:
        self._marked = marked
        self.words = found
        self.joined = f" {' '.join(found)} "
        self._is_kept: Sequence[bool] | None = None
        if self.joined.startswith(f" {STOP} ") or f" {STOP} {STOP} " in self.joined or "" in found:
            self._is_kept = _keep(found)
            self.words = list(compress(found, self._is_kept))
            self.joined = f" {' '.join(self.words)} "
        self._characters = characters
        self._lines = lines
        self._places = _WORD.finditer(marked)
        self._found_places: list[tuple[int, int]] = []

    @property
    def text(self) -> str:
        """The text without markup, in Unicode's compatibility form."""
        return self._characters.text

    @property
    def is_one_line(self) -> bool:
        """Tell whether no line of the text ends before it does."""
        return len(self._lines) == 1

    @lazy
    def _kept(self) -> Sequence[int] | None:
        """Which of the words that were found are the words, where not all are."""
        return None if self._is_kept is None else list(compress(range(len(self._is_kept)), self._is_kept))

    def _place(self, index: int) -> tuple[int, int]:
        """Return the characters of a token; they are looked for as far as they are asked for."""
        number = index if self._kept is None else self._kept[index]
        if missing := max(0, number + 1 - len(self._found_places)):
            self._found_places += [found.span() for found in islice(self._places, missing)]
        return self._found_places[number]

    @lazy
    def _stops(self) -> Sequence[int]:
        return [-1, *(index for index, word in enumerate(self.words) if word == STOP), len(self.words)]

    def clause(self, index: int) -> int:
        """Return the number of the sentence that a token stands in; a `STOP` still belongs to what it ends."""
        return bisect_left(self._stops, index) - 1

    def clause_range(self, index: int) -> tuple[int, int]:
        """Return the tokens of a token's sentence, without its `STOP`."""
        number = self.clause(index)
        return self._stops[number] + 1, self._stops[number + 1]

    def clause_near(self, index: int) -> tuple[int, int]:
        """Return the tokens of a token's sentence that are not farther from it than `FARTHEST`."""
        begin, stop = self.clause_range(index)
        return max(begin, index - FARTHEST), min(stop, index + FARTHEST)

    def at(self, character: int) -> int:
        """Return the token that begins at a character of `text`, or the next one."""
        return bisect_left(range(len(self.words)), character, key=lambda index: self._place(index)[0])

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return the characters of the text as sent that the tokens from `first` to before `end` cover."""
        return self._characters.span(self._place(first)[0], self._place(end - 1)[1])

    def sign_before(self, index: int) -> str:
        """Return the character before a token, as "#" of "#1"."""
        start = self._place(index)[0]
        return self._marked[start - 1 : start] if start else ""

    @lazy
    def lines(self) -> Sequence[Line]:
        """The lines of the text, blank ones too; the items of a list that lost its lines are lines again."""
        if self.words:
            self._place(len(self.words) - 1)
        places = self._found_places
        starts = [start for start, _ in (places if self._kept is None else map(places.__getitem__, self._kept))]
        return [self._line(starts, *bounds) for bounds in self._lines]

    def _line(self, starts: Sequence[int], start: int, end: int) -> Line:
        text = self.text[start:end].strip()
        return Line(bisect_left(starts, start), bisect_left(starts, end), not text, bool(ITEM.match(text)))

    def line(self, index: int) -> int:
        """Return the number of the line that a token stands in."""
        return bisect_right(self._line_firsts, index) - 1

    @lazy
    def _line_firsts(self) -> Sequence[int]:
        return [line.first for line in self.lines]


def read_tokens(text: str) -> Tokens:
    """Read a text as words; Unicode forms, letter case, hyphens, dashes, quotes and markup do not count.

    Some signs are words of another spelling; a dash between spaces parts statements as a comma does.
    """
    characters = read_characters(text)
    lines = split_lines(characters.text)
    marked = mark_sentences(characters.text, lines)
    is_ascii = characters.text.isascii()
    folded = marked.lower() if is_ascii else marked.casefold()
    if len(folded) != len(marked):  # a letter that is two when folded: words are found first
        found = [word.casefold() for word in _WORD.findall(marked)]
    else:
        found = _find_words(folded) if is_ascii else _WORD.findall(folded)
    if not is_ascii:
        found = [word if word.isascii() or word == STOP else word.translate(DROPPED) for word in found]
    if "'" in marked:
        found = [word.replace("'", "") if "'" in word else word for word in found]
    if _SPELLED_SIGN.search(marked):
        found = list(map(_SPELLED.get, found, found))
    return Tokens(found, marked, characters, lines)


def _find_words(marked: str) -> list[str]:
    """Return what `_WORD` finds in ASCII text, at half the cost where no sign is of two characters."""
    if "->" in marked or "~~" in marked or _NUL in marked or _DASH.search(marked):
        return _WORD.findall(marked)
    text = marked.replace(STOP, _NUL).translate(_TO_SPACES)
    for sign in _ASCII_SIGNS:
        if sign in text:
            text = text.replace(sign, f" {sign} ")
    return text.replace(_NUL, f" {STOP} ").split()


def _keep(found: Sequence[str]) -> Sequence[bool]:
    """Tell of each word whether it counts: none of dropped signs only, and no `STOP` of an empty sentence."""
    if "" not in found:
        return _keep_no_empty_sentence(found)
    kept: list[bool] = []
    before = STOP
    for word in found:
        is_kept = bool(word) and (word != STOP or before != STOP)
        before = word if is_kept else before
        kept.append(is_kept)
    return kept


def _keep_no_empty_sentence(found: Sequence[str]) -> Sequence[bool]:
    """Tell the same where no word is empty, of which `index` finds the few that matter."""
    kept = [True] * len(found)
    before = -1
    for _ in range(found.count(STOP)):
        at = found.index(STOP, before + 1)
        kept[at] = at != before + 1
        before = at
    return kept


def normalise(term: str) -> str:
    """Return a term as it stands in `Tokens.joined`; most are plain words, of which there are thousands."""
    if _PLAIN_TERM.fullmatch(term):
        return f" {term.lower()} "
    return read_tokens(term).joined
