"""Every link of the built site leads somewhere: pages, pictures, files and anchors; links elsewhere are well-formed."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

_ATTRIBUTES: Final = {"a": "href", "link": "href", "img": "src", "script": "src"}


class _Page(HTMLParser):
    """Collects the links of a page, and the places within it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up a tag."""
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if (attribute := _ATTRIBUTES.get(tag)) and (target := given.get(attribute)):
            self.links.append((tag, target))


class Fault(NamedTuple):
    """A link that leads nowhere: the page it is on, and where it was to lead."""

    page: str
    link: str


def faults(site: Path) -> list[Fault]:
    """Return every link of a site that leads nowhere."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    return [
        Fault(path.relative_to(site).as_posix(), link)
        for path, page in pages.items()
        for link in _dead(path, page, pages)
    ]


def _dead(path: Path, page: _Page, pages: dict[Path, _Page]) -> Iterator[str]:
    for tag, link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            # pages may link elsewhere, but fetch nothing there
            if tag != "a" or parts.scheme not in ("http", "https") or "." not in parts.netloc:
                yield link
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or (target in pages and _is_dead_anchor(parts.fragment, pages[target])):
            yield link


def _is_dead_anchor(fragment: str, page: _Page) -> bool:
    return bool(fragment) and unquote(fragment) not in page.anchors


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text())
    return page
