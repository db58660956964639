"""Text as words: each with the sentence and the line it stands in, and its place in the text as sent."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Final, NamedTuple

from cards.matching.characters import Characters, read_characters
from cards.matching.lazy import lazy

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


_WORD: Final = re.compile(rf"[^\s{_of(_BETWEEN)}{_of(_SIGNS)}]+|[{_of(_SIGNS)}]|->|~~|(?<=\S\s)[-\u2013\u2014](?=\s)")
_SPELLED: Final = {"->": "\u2192", "~~": "strikethrough", "&": "and", "-": ",", "\u2013": ",", "\u2014": ","}

#: What ends a field of a line: a bar between spaces, and each box of a list of boxes of which one is ticked.
_BAR: Final = re.compile(r"(?<=\s)\|(?=\s)")
_BOX: Final = re.compile(r"\[\s?[xX\u2713\u2714]?\s?\]|\(\s?[xXoO\u2713\u2714]?\s?\)|[\u2610-\u2612]")
_TICKED: Final = re.compile(r"[\[(\u2611\u2612](?:(?<=[\u2611\u2612])|\s?[xXoO\u2713\u2714]\s?[\])])")
#: What a line ends with that is a sentence of its own.
_ENDING: Final = frozenset(".!?;")

_SPELLED_SIGN: Final = re.compile("[-~&\u2013\u2014]")

#: What `str.splitlines` breaks at.
_LINE_BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
#: The number of an item in a list that lost its lines: "Tried: 1. PT 2. NSAIDs".
_FIRST_NUMBER: Final = re.compile(r":[ \t]1[.)]\s")
_NUMBER: Final = re.compile(r"[ \t](?=(\d{1,2})[.)]\s)")
_ITEM: Final = re.compile(r"[-*\u2022\u00b7](?![-*])|\d{1,2}[.)]|\[\s?\w?\s?\]|\(\s?[xXoO]?\s?\)|[\u2610-\u2612]")
#: A line that begins so is a statement of its own: a bullet, a number, a label such as "SIDE:", a box.
_OWN_LINE: Final = re.compile(
    r"(?:[-*\u2022\u00b7]|\d{1,2}[.)/]|[A-Za-z]+(?:\s[A-Za-z]+)?:|\[\s?\w?\s?\]|\(\s?[xXoO]?\s?\)|[\u2610-\u2612])"
)


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
        self._kept = _keep(found) if STOP in found or "" in found else None
        self.words = found if self._kept is None else [found[index] for index in self._kept]
        self.joined = f" {' '.join(self.words)} "
        self._characters = characters
        self._lines = lines
        self._places = _WORD.finditer(marked)
        self._found_places: list[tuple[int, int]] = []

    @property
    def text(self) -> str:
        """The text without markup, in Unicode's compatibility form."""
        return self._characters.text

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Return which tokens the characters of `joined` from `start` to `end` are: the first, and one past them."""
        return bisect_left(self._offsets, start), bisect_left(self._offsets, end)

    @property
    def is_one_line(self) -> bool:
        """Tell whether no line of the text ends before it does."""
        return len(self._lines) == 1

    @lazy
    def _offsets(self) -> Sequence[int]:
        return list(accumulate([len(word) + 1 for word in self.words], initial=1))

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

    def at(self, character: int) -> int:
        """Return the token that begins at a character of `text`, or the next one."""
        return bisect_left(range(len(self.words)), character, key=lambda index: self._place(index)[0])

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return the characters of the text as sent that the tokens from `first` to before `end` cover."""
        return self._characters.span(self._place(first)[0], self._place(end - 1)[1])

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
        return Line(bisect_left(starts, start), bisect_left(starts, end), not text, bool(_ITEM.match(text)))

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
    lines = _split(characters.text)
    marked = _mark_sentences(characters.text, lines)
    if not characters.text.isascii() or "'" in marked:
        found = [word.casefold().translate(_DROPPED) for word in _WORD.findall(marked)]
    else:
        found = _WORD.findall(marked.lower())
    if _SPELLED_SIGN.search(marked):
        found = [_SPELLED.get(word, word) for word in found]
    return Tokens(found, marked, characters, lines)


def _keep(words: Sequence[str]) -> Sequence[int]:
    """Return which words count: not those of dropped signs only, and no `STOP` of an empty sentence."""
    kept: list[int] = []
    before = STOP
    for index, word in enumerate(words):
        if word and (word != STOP or before != STOP):
            kept.append(index)
            before = word
    return kept


def normalise(term: str) -> str:
    """Return a term as it stands in `Tokens.joined`."""
    return read_tokens(term).joined


def _split(text: str) -> Sequence[tuple[int, int]]:
    """Return where each line begins and ends, before what breaks it."""
    lines: list[tuple[int, int]] = []
    start = 0
    for line in text.splitlines(keepends=True):
        whole = len(line)
        kept = len(line.rstrip(_LINE_BREAKS)) if line[-1] in _LINE_BREAKS else whole
        lines.append((start, start + kept))
        start += whole
    if not text or text[-1] in _LINE_BREAKS:
        lines.append((start, start))
    if _FIRST_NUMBER.search(text):
        items = list(_inline_items(text))
        edges = sorted([*(edge for line in lines for edge in line), *(edge for item in items for edge in item)])
        return list(zip(edges[::2], edges[1::2], strict=True))
    return lines


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
    if "|" in text:
        text = _BAR.sub(STOP, text)
    if _TICKED.search(text):
        text = _part_boxes(text)
    if len(lines) == 1:
        return _SENTENCE_END.sub(STOP, text)
    pieces: list[str] = []
    before, done = "", 0
    for start, end in lines:
        part = text[start:end]
        line = part.strip()
        if start:
            is_new = not line or before[-1:] in _ENDING or _OWN_LINE.match(line)
            pieces.append((STOP if is_new else " ").ljust(start - done))
        pieces.append(part)
        before, done = line, end
    return _SENTENCE_END.sub(STOP, "".join(pieces))


def _part_boxes(text: str) -> str:
    """Return a text with a `STOP` before each box that stands before its item: "[ ] PRP [x] Prolotherapy"."""
    boxes = list(_BOX.finditer(text))
    lead = text[: boxes[0].start()].rstrip(" \t")
    if len(boxes) == 1 or not (not lead or lead.endswith((":", "?", "\n", "-", ".", ";"))):
        return text  # boxes behind their items, or one of a kind that says nothing of a list
    pieces: list[str] = []
    done = 0
    for box in boxes:
        start = box.start()
        if start and text[start - 1] in " \t":
            pieces += (text[done : start - 1], STOP)
            done = start
    return "".join((*pieces, text[done:]))
