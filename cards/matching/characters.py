"""Text as it was meant: markup decoded and Unicode forms folded, each character with its place in what was sent."""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple

#: `&amp;`, `&#39;`, `&#x27;`; of those that HTML also reads without a semicolon only the five that escape markup.
_ENTITY: Final = re.compile(
    r"&(?:#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};|(?:nbsp|amp|lt|gt|quot)(?![A-Za-z0-9;]))"
)
#: Text that went through several HTML fields is encoded as often.
_MOST_ENCODINGS: Final = 3

_TAG: Final = re.compile(r"<(/?[A-Za-z][A-Za-z0-9]*)(?:[\s/][^<>]*)?>|<!--[^<>]*-->")
#: What stands for a tag of HTML: nothing for one within a line. Text in angle brackets that is no tag stays.
_INLINE: Final = "a abbr b big cite code em font i img ins kbd mark q samp small span strong sub sup tt u var"
_TAGS: Final = {
    "": f"{_INLINE} /{_INLINE.replace(' ', ' /')}",
    " ": "td th ul ol table tbody dl body html /td /th /tr /li /p /div /pre /dt /dd /tbody /s /del /strike",
    "\n": "br p div tr h1 h2 h3 h4 h5 h6 hr blockquote pre dt dd /h1 /h2 /h3 /h4 /h5 /h6",
    "\n\n": "/ul /ol /table /dl /blockquote /body /html",
    "\n- ": "li",
    " strikethrough ": "s del strike",
}
_BY_TAG: Final = {name: text for text, names in _TAGS.items() for name in names.split()}

#: A stretch that is not ASCII, with the character its first mark may belong to. Normalising costs the square of the
#: number of marks in a row, so that no stretch is longer than 30 (Unicode UAX #15, stream-safe text).
_UNUSUAL: Final = re.compile(r"[^\x00-\x7f]{1,30}")
_UNUSUAL_OR_MARKED: Final = re.compile(r"(?:[\x00-\x7f](?=[\u0300-\u036f]))?[^\x00-\x7f]{1,30}")
_MARK: Final = re.compile("[\u0300-\u036f]")


class _Edits(NamedTuple):
    """What changed the length of a text: where each change begins and ends, after it and before it."""

    begins: list[int]
    ends: list[int]
    old_begins: list[int]
    old_ends: list[int]

    def old(self, index: int) -> tuple[int, int]:
        """Return the first and the last character, before the changes, of what a character stands for."""
        number = bisect_right(self.begins, index) - 1
        if number < 0:
            return index, index
        if index < self.ends[number]:
            return self.old_begins[number], self.old_ends[number] - 1
        old = self.old_ends[number] + index - self.ends[number]
        return old, old


class Characters(NamedTuple):
    """A text and how it came of the text as sent, so that each of its characters can be found there."""

    text: str
    edits: tuple[_Edits, ...] = ()

    def replace(self, pattern: re.Pattern[str], rewrite: Callable[[str], str]) -> "Characters":
        """Return the text with every match of `pattern` rewritten; what changes its length stands for all of it."""
        pieces: list[str] = []
        edits = _Edits([], [], [], [])
        done = length = 0
        for found in pattern.finditer(self.text):
            start, end = found.span()
            new = rewrite(found.group())
            pieces += (self.text[done:start], new)
            length += start - done
            if len(new) != end - start:
                for numbers, number in zip(edits, (length, length + len(new), start, end), strict=True):
                    numbers.append(number)
            length += len(new)
            done = end
        if not pieces:
            return self
        return Characters("".join((*pieces, self.text[done:])), (*self.edits, edits))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the text as sent the characters from `start` to before `end` stand."""
        first, last = start, end - 1
        for edits in reversed(self.edits):
            first, last = edits.old(first)[0], edits.old(last)[1]
        return first, last + 1


def read_characters(text: str) -> Characters:
    """Return `text` without HTML and in Unicode's compatibility form (NFKC); case stays."""
    characters = Characters(text)
    for _ in range(_MOST_ENCODINGS):
        if "&" in characters.text:
            characters = characters.replace(_ENTITY, html.unescape)
    if "<" in characters.text:
        characters = characters.replace(_TAG, _rewrite_tag)
    if not characters.text.isascii():
        unusual = _UNUSUAL_OR_MARKED if _MARK.search(characters.text) else _UNUSUAL
        characters = characters.replace(unusual, _compose)
    return characters


def _compose(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _rewrite_tag(tag: str) -> str:
    found = _TAG.fullmatch(tag)
    name = found[1] if found else None
    return _BY_TAG.get(name.lower(), tag) if name else " "
