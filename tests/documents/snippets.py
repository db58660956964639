"""The fenced blocks of a document, and what the comments before each say is done with it.

| comment | the block |
| --- | --- |
| none, before `sh` | is run, after the blocks of its page before it |
| `<!-- prints -->` | is what the last commands print, among other things: its lines, in this order; `…` is anything |
| `<!-- file: PATH -->` | is written there, before the commands that follow |
| `<!-- schema: NAME -->` | is valid against it |
| `<!-- held by: PATH -->` | is run or read by that test |
| `<!-- not run here: why -->` | is neither |
"""

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"(?P<comments>(?:^ *<!-- [^\n]*? -->\n)*)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S
)
_COMMENT = re.compile(r"<!-- (?P<kind>[a-z ]+?)(?:: (?P<said>.*?))? -->")


class Snippet(NamedTuple):
    """A block: the line it begins in, its language, its text, and what is said of it."""

    line: int
    language: str
    text: str
    said: dict[str, str]


def read(page: Path) -> list[Snippet]:
    """Return the blocks of a page in their order."""
    text = page.read_text()
    return [
        Snippet(
            text.count("\n", 0, found.end("comments")) + 1,
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.M),
            {one["kind"]: one["said"] or "" for one in _COMMENT.finditer(found["comments"])},
        )
        for found in _BLOCK.finditer(text)
    ]
