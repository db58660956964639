"""Where lines, sentences and fields of a text end, before its words are read."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cards.matching.sentence_ends import STOP, end_sentences

#: What ends a field of a line: a bar between spaces, and each box of a list of boxes of which one is ticked.
_BAR: Final = re.compile(r"(?<=\s)\|(?=\s)")
_BOX: Final = re.compile(r"\[\s?[xX\u2713\u2714]?\s?\]|\(\s?[xXoO\u2713\u2714]?\s?\)|[\u2610-\u2612]")
_LABELLED_BOX: Final = re.compile(rf":([ \t]?(?:{_BOX.pattern}))([ \t,;]?)")
_TICKED: Final = re.compile(r"[\[(\u2611\u2612](?:(?<=[\u2611\u2612])|\s?[xXoO\u2713\u2714]\s?[\])])")
#: Punctuation that was spoken and typed: "no fever comma no swelling period proceed with ... period".
_DICTATED: Final = re.compile(r" comma | period\s*\Z")
_SPOKEN_STOP: Final = re.compile(r"\bperiod\b")

#: What a line ends with that is a sentence of its own.
_ENDING: Final = frozenset(".!?;")

#: What `str.splitlines` breaks at.
_LINE_BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
#: The number of an item in a list that lost its lines: "Tried: 1. PT 2. NSAIDs".
_FIRST_NUMBER: Final = re.compile(r"(?::[ \t]|\A)1[.)]\s")
_NUMBER: Final = re.compile(r"(?:[ \t]|\A)(?=(\d{1,2})[.)]\s)")
ITEM: Final = re.compile(r"[-*\u2022\u00b7](?![-*])|\d{1,2}[.)]|\[\s?\w?\s?\]|\(\s?[xXoO]?\s?\)|[\u2610-\u2612]")
#: A line that begins so is a statement of its own: a bullet, a number, a label such as "SIDE:", capitals, a box,
#: a title in signs.
_OWN_LINE: Final = re.compile(
    r"""[-*\u2022\u00b7] | \d{1,2}[.)/] | ={2,} | \#{1,4}[ \t]
    | [A-Za-z\#][\w'\#/&-]*(?:[ \t][\w'\#/&-]+){0,3}\s?: | [A-Z]{3,}(?:[ -][A-Z]{2,})+
    | \[\s?\w?\s?\] | \(\s?[xXoO]?\s?\) | [\u2610-\u2612]""",
    re.VERBOSE,
)


#: The words of a box that is not ticked.
_EMPTY_BOXES: Final = (("[", "]"), ("(", ")"), ("\u2610",))


def is_empty_box(words: Sequence[str]) -> bool:
    """Tell that a clause begins with a box that is not ticked."""
    return any(tuple(words[: len(box)]) == box for box in _EMPTY_BOXES)


def split_lines(text: str) -> Sequence[tuple[int, int]]:
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
    """Yield the space before each item of a numbered list on one line, which a text begins with or a colon leads to."""
    expected = None
    for found in _NUMBER.finditer(text):
        number, start = int(found[1]), found.start()
        if number == 1 and found.start() == found.end() == 0:
            expected = 2
            continue
        if number == 1 and text[start - 1] == ":":
            expected = 1
        if number == expected:
            expected = number + 1
            yield found.span()


def mark_sentences(text: str, lines: Sequence[tuple[int, int]]) -> str:
    """Return the text with a `STOP` in the place of whatever ends a sentence; nothing else moves.

    A line break ends one only where it surely does, since a break in mid-sentence must not hide the "no" above it.
    """
    if _DICTATED.search(text):
        text = _SPOKEN_STOP.sub(STOP.ljust(6), text).replace(" comma ", " ,     ")
    if " = " in text:
        text = text.replace(" = ", " : ")
    if "|" in text:
        text = _BAR.sub(STOP, text)
    if _TICKED.search(text):
        text = _part_boxes(_part_labelled_boxes(text))
    if len(lines) == 1:
        return end_sentences(text)
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
    return end_sentences("".join(pieces))


def _part_labelled_boxes(text: str) -> str:
    """Return a text in which each label and its box are a sentence, where all boxes stand so: "PRP: [ ] HA: [x]"."""
    if len(_LABELLED_BOX.findall(text)) < max(2, len(_BOX.findall(text))):
        return text
    return _LABELLED_BOX.sub(lambda found: f" {found[1]}{STOP if found[2] else ''}", text)


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
