"""Text as it was meant: markup decoded and Unicode forms folded, each character with its place in what was sent."""

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
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
_UNUSUAL: Final = re.compile(r"(?:[\x00-\x7f](?=[\u0300-\u036f]))?[^\x00-\x7f]{1,30}")


class Characters(NamedTuple):
    """A text and, for each of its characters, where what it stands for begins and ends in the text as sent."""

    text: str
    begins: Sequence[int]
    ends: Sequence[int]

    def replace(self, pattern: re.Pattern[str], rewrite: Callable[[str], str]) -> "Characters":
        """Return the text with every match of `pattern` rewritten; what changes its length stands for all of it."""
        pieces: list[str] = []
        begins: list[int] = []
        ends: list[int] = []
        done = 0
        for found in pattern.finditer(self.text):
            start, end = found.span()
            new = rewrite(found.group())
            pieces += (self.text[done:start], new)
            is_same = len(new) == end - start
            begins += self.begins[done : end if is_same else start]
            ends += self.ends[done : end if is_same else start]
            if not is_same:
                begins += [self.begins[start]] * len(new)
                ends += [self.ends[end - 1]] * len(new)
            done = end
        if not pieces:
            return self
        text = "".join((*pieces, self.text[done:]))
        return Characters(text, [*begins, *self.begins[done:]], [*ends, *self.ends[done:]])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the text as sent the characters from `start` to before `end` stand."""
        return self.begins[start], self.ends[end - 1]


def read_characters(text: str) -> Characters:
    """Return `text` without HTML and in Unicode's compatibility form (NFKC); case stays."""
    characters = Characters(text, range(len(text)), range(1, len(text) + 1))
    for _ in range(_MOST_ENCODINGS):
        if "&" in characters.text:
            characters = characters.replace(_ENTITY, html.unescape)
    if "<" in characters.text:
        characters = characters.replace(_TAG, _rewrite_tag)
    if not characters.text.isascii():
        characters = characters.replace(_UNUSUAL, _compose)
    return characters


def _compose(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _rewrite_tag(tag: str) -> str:
    found = _TAG.fullmatch(tag)
    name = found[1] if found else None
    return _BY_TAG.get(name.lower(), tag) if name else " "
