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

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.free_ports import free_port

#: What is done with a block: what the comments before it say; without one, what its language says.
KINDS: Final = frozenset(
    {"prints", "file", "schema", "held by", "not run here", "usage", "settings", "metrics", "part of", "cases"}
)

#: The pages that are for whoever has started `make demo`: tests/documents/test_demo.py runs them with it.
WITH_DEMO: Final = ("start.md", "connect.md")

#: The address that commands name, where the service under test is put; the port of a second one, which pages start.
_ADDRESS: Final = "http://127.0.0.1:8000"
_SECOND_PORT: Final = "8010"

#: A page stops what it starts; if it fails before, this does.
_BEGIN: Final = ("set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT")

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


def _script_of(snippets: list[Snippet], folder: Path) -> Iterator[str]:
    """Yield the lines that run a page's blocks one after the other, as somebody would who follows it."""
    for snippet in snippets:
        if path := snippet.said.get("file"):
            source = folder / f"block-{snippet.line}"
            source.write_text(snippet.text)
            yield f"mkdir -p $(dirname {path}) && cp {source} {path}"
        elif snippet.language == "sh" and not KINDS & set(snippet.said):
            yield f"echo 'block {snippet.line}'"
            yield snippet.text


def assert_page_does_what_it_says(page: Path, base: str, work: Path, folder: Path) -> None:
    """Run a page's commands in `work` against a service; `folder` is for what the page has as files."""
    snippets = read(page)
    script = "\n".join([*_BEGIN, *_script_of(snippets, folder)])
    own = {name: value for name, value in os.environ.items() if not name.startswith("CRD_")}
    second = str(free_port())

    done = subprocess.run(
        ["bash", "-c", script.replace(_ADDRESS, base).replace(_SECOND_PORT, second)],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
        env={**own, "PATH": f"{Path(sys.executable).parent}:{own['PATH']}"},
    )

    said = (done.stdout + done.stderr).replace(second, _SECOND_PORT)
    assert done.returncode == 0, said
    for shown in (one for one in snippets if "prints" in one.said):
        lines = [re.escape(line).replace("…", ".*") for line in shown.text.splitlines() if line.strip()]
        assert re.search(".*".join(lines), said, re.DOTALL), f"{page.name}:{shown.line} is not in:\n{said}"
