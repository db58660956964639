"""Builds the site: gathers the pages, writes the reference, runs the generator, and finishes what it made."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from documentation import links, navigation
from documentation.finishing import UnknownGeneratorError, finish
from documentation.pages import Tree, gather
from documentation.reference import write_reference

ROOT: Final = Path(__file__).resolve().parents[1]

#: The settings of the generator but for the navigation, which docs/README.md is.
_SETTINGS: Final = Path(__file__).with_name("zensical.toml")


#: What the pages have beside the generator's theme.
_OWN: Final = (Path(__file__).with_name("site.css"), Path(__file__).with_name("site.js"))

_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")
_WARNING: Final = re.compile(r"^Warning: (.+)\n.*\[ (\S+) \]", re.MULTILINE)


class BuildError(Exception):
    """The site could not be built; the text says why."""


def build(root: Path, out: Path) -> Path:
    """Build the site of a checkout in a folder, and return the folder of its pages; BuildError where a link is dead."""
    tree = Tree(root, out / "pages")
    gather(tree)
    reference = write_reference(root, tree.out / "reference")
    for own in _OWN:
        shutil.copyfile(own, tree.out / own.name)
    settings = _SETTINGS.read_text().replace("\nnav = []\n", f"\n{_navigation(tree, reference)}\n")
    (out / "zensical.toml").write_text(settings)
    _generate(out)
    finish(out / "site")
    if dead := links.faults(out / "site"):
        raise BuildError("\n".join(f"{fault.page}: {fault.link} leads nowhere" for fault in dead))
    return out / "site"


def _generate(out: Path) -> None:
    """Run the generator; what it says is shown where it finds something wrong."""
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False, env={"NO_COLOR": "1"})
    if done.returncode:
        plain = _COLOUR.sub("", done.stdout + done.stderr)
        raise BuildError("\n".join(f"{file}: {what}" for what, file in _WARNING.findall(plain)) or plain)


def _navigation(tree: Tree, reference: list[tuple[str, str]]) -> str:
    """Return the navigation in TOML: the index, its sections, and the generated pages in the reference."""
    generated = [navigation.Page(title, f"reference/{name}") for title, name in reference]
    sections = {section.title: list(section.pages) for section in navigation.read_sections(tree.docs)}
    sections["Reference"] = [*generated, *sections.get("Reference", [])]
    lines = ['  {"All documents" = "index.md"},', *(_entry(title, pages) for title, pages in sections.items())]
    return "\n".join(("nav = [", *lines, "]"))


def _entry(title: str, pages: list[navigation.Page]) -> str:
    """Return a section with its pages; a page that has its section for itself stands alone."""
    listed = ", ".join(f"{{{_text(one.title)} = {_text(one.path)}}}" for one in pages)
    return f"  {{{_text(title)} = {_text(pages[0].path) if len(pages) == 1 else f'[{listed}]'}}},"


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main() -> int:
    """Build the site, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docs", help="folder to build in, emptied first")
    out = parser.parse_args().out.absolute()
    shutil.rmtree(out, ignore_errors=True)
    try:
        site = build(ROOT, out)
    except (BuildError, UnknownGeneratorError) as error:
        print(f"The documentation was not built: {error}", file=sys.stderr)
        return 1
    print(f"The documentation is at {site}/index.html; a running service shows it at /docs/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
