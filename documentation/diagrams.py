"""Diagrams: Mermaid in the Markdown, as GitHub shows it; in the site a picture that was drawn of it.

A page that drew them itself would need Mermaid and its inline styles, which no page of a running service may have. So
`make screenshots` draws them, in light and dark colours, and a picture bears the digest of the text it was drawn of.
"""

import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

#: A diagram and the comment before it that says what it shows.
_DIAGRAM: Final = re.compile(r"(?:<!-- shows: (?P<shows>[^>]*?) -->\n)?^```mermaid\n(?P<text>.*?)^```$", re.M | re.S)


class Diagram(NamedTuple):
    """A diagram of a page: the name of its picture, what it shows, and its text."""

    name: str
    shows: str
    text: str

    @property
    def digest(self) -> str:
        """What its picture bears: a picture of another text is out of date."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def find(page: Path) -> list[Diagram]:
    """Return the diagrams of a page."""
    return [_diagram(found, page.stem, n) for n, found in enumerate(_DIAGRAM.finditer(page.read_text()), 1)]


def with_pictures(text: str, page: str) -> str:
    """Return a page's text with pictures in the place of its diagrams."""
    numbers = iter(range(1, 100))

    def picture(found: re.Match[str]) -> str:
        diagram = _diagram(found, page, next(numbers))
        shown = [f"![{diagram.shows}](pictures/{diagram.name}-{one}.svg#only-{one})" for one in ("light", "dark")]
        return "\n".join((*shown, f"\n[The picture in full size](pictures/{diagram.name}-light.svg)"))

    return _DIAGRAM.sub(picture, text)


def _diagram(found: re.Match[str], page: str, number: int) -> Diagram:
    return Diagram(f"{page}-{number}", found["shows"] or "Diagram", found["text"])
