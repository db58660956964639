"""The navigation of the site: docs/README.md is its table of contents, on GitHub and in the site."""

import re
from pathlib import Path
from typing import Final, NamedTuple

_SECTION: Final = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW: Final = re.compile(r"^\| .* \| \[[^\]]+\]\(([\w-]+\.md)\) \|$", re.MULTILINE)
_TITLE: Final = re.compile(r"^# (.+)$", re.MULTILINE)


class Page(NamedTuple):
    """A page of the site, as the navigation names it."""

    title: str
    path: str


class Section(NamedTuple):
    """A heading of the navigation, and its pages."""

    title: str
    pages: tuple[Page, ...]


def read_sections(docs: Path) -> list[Section]:
    """Return the sections of docs/README.md that list pages, in its order."""
    found = _SECTION.findall((docs / "README.md").read_text())
    sections = [Section(title, tuple(_page(docs, name) for name in _ROW.findall(body))) for title, body in found]
    return [section for section in sections if section.pages]


def _page(docs: Path, name: str) -> Page:
    return Page(re.split("[:,]", read_title(docs / name))[0], name)


def read_title(page: Path) -> str:
    """Return the title of a page; its name, where it has none."""
    found = _TITLE.search(page.read_text())
    return found[1].replace("`", "") if found else page.name
