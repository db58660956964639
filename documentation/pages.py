"""The pages of the repository as pages of the site: links lead to what the site has, diagrams are pictures."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from documentation.diagrams import with_pictures
from documentation.navigation import read_title

#: Where pages and data of the repository lie that docs/ links to.
REPOSITORY: Final = Path("repository")

#: What a reader can open in a browser; a link to anything else, such as a test's source, keeps its words alone.
_SHOWN: Final = frozenset({".md", ".json", ".svg", ".png"})

_LINK: Final = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_FENCE: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


class Tree(NamedTuple):
    """A checkout, and the folder that the pages of its site are put together in."""

    root: Path
    out: Path

    @property
    def docs(self) -> Path:
        """The folder of the documents."""
        return self.root / "docs"

    def place(self, path: Path) -> Path:
        """Return where a file of the checkout lies among the pages."""
        inside = path.is_relative_to(self.docs)
        relative = path.relative_to(self.docs) if inside else REPOSITORY / path.relative_to(self.root)
        return relative.with_name("index.md") if relative == Path("README.md") else relative


def gather(tree: Tree) -> None:
    """Write the pages of docs/, and what they link to in the rest of the repository."""
    documents = sorted(tree.docs.glob("*.md"))
    found = {path for document in documents for path in _linked(document) if path.suffix in _SHOWN}
    shown = {path for path in found if path.is_relative_to(tree.root)} | set(documents)
    for path in sorted(shown):
        target = tree.out / tree.place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(_rewritten(tree, path, shown))
        else:
            shutil.copyfile(path, target)


def _rewritten(tree: Tree, page: Path, shown: set[Path]) -> str:
    """Return a page whose links lead to where things are in the site."""

    def link(found: re.Match[str]) -> str:
        target, hash_, anchor = found["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        path = _resolve(page, target)
        if path not in shown:
            return found["text"] if path.exists() else found[0]  # a dead link is the generator's to report
        place = _relative(tree.place(path), tree.place(page).parent)
        if found["picture"] and not anchor:  # one look at it in full is a click away
            return f"[![{found['text']}]({place}{hash_}{anchor})]({place})"
        if found["picture"]:
            return f"![{found['text']}]({place}{hash_}{anchor})"
        text = read_title(path) if found["text"] == path.name and path.suffix == ".md" else found["text"]
        return f"[{text}]({place}{hash_}{anchor})"

    return outside_code(lambda text: _LINK.sub(link, text), with_pictures(page.read_text(), page.stem))


def outside_code(change: Callable[[str], str], text: str) -> str:
    """Change a Markdown text everywhere but in its fenced blocks."""
    return "".join(part if part.startswith("```") else change(part) for part in _FENCE.split(text))


def _linked(page: Path) -> Iterator[Path]:
    """Yield the files that a page links to."""
    for part in _FENCE.split(with_pictures(page.read_text(), page.stem)):
        if not part.startswith("```"):
            for found in _LINK.finditer(part):
                target = found["target"].partition("#")[0]
                if target and not re.match(r"[a-z]+:", target) and (path := _resolve(page, target)).is_file():
                    yield path


def _resolve(page: Path, target: str) -> Path:
    return (page.parent / target).resolve()


def _relative(path: Path, start: Path) -> str:
    """Return a link from a folder of the site to a page of it."""
    shared = 0
    while shared < min(len(path.parts) - 1, len(start.parts)) and path.parts[shared] == start.parts[shared]:
        shared += 1
    return "/".join((*[".."] * (len(start.parts) - shared), *path.parts[shared:]))
