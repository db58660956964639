"""What the generator's pages lack for a strict Content-Security-Policy, and to ask for nothing anywhere else.

Inline scripts become files. The search's styles, which its script writes into its own part of the page, are allowed by
their digest; so the policy is known only here, and lies beside the pages for whoever serves them.
"""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent

#: The file that holds the policy to serve the site with.
POLICY_FILE: Final = "content-security-policy.txt"

#: Where the generator names the shim of the search for pages that are opened as files.
_SHIM: Final = "https://unpkg.com/iframe-worker/shim"
_SCRIPTS: Final = Path("assets/javascripts")

_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE_NAME: Final = re.compile(r'\("style",\{\},(\w+)\.toString\(\)\)')

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' {styles}",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class UnknownGeneratorError(Exception):
    """The generator's files are not as this module knows them: its version changed."""


def finish(site: Path) -> None:
    """Move inline scripts into files, bring the shim, and write the policy; UnknownGeneratorError where that fails."""
    shutil.copyfile(HERE / "vendor" / "iframe-worker.js", site / _SCRIPTS / "iframe-worker.js")
    (site / "404.html").unlink(missing_ok=True)  # its links are good at one URL alone
    for page in site.rglob("*.html"):
        page.write_text(_finished(site, page))
    (site / POLICY_FILE).write_text(_POLICY.format(styles=_digest(_search_styles(site))) + "\n")


def _finished(site: Path, page: Path) -> str:
    scripts = "../" * (len(page.relative_to(site).parts) - 1) + _SCRIPTS.as_posix()

    def move(found: re.Match[str]) -> str:
        name = f"inline.{hashlib.sha256(found[1].encode()).hexdigest()[:8]}.js"
        (site / _SCRIPTS / name).write_text(found[1])
        return f'<script src="{scripts}/{name}"></script>'

    return _INLINE.sub(move, page.read_text().replace(_SHIM, f"{scripts}/iframe-worker.js"))


def _search_styles(site: Path) -> str:
    """Return the styles that the search writes into the page, as the script has them in a string."""
    [bundle] = (site / _SCRIPTS).glob("bundle.*.js")
    text = bundle.read_text()
    name = _STYLE_NAME.search(text)
    string = re.search(rf"\b{re.escape(name[1])}='((?:[^'\\]|\\.)*)'", text) if name else None
    if string is None:
        raise UnknownGeneratorError(f"{bundle.name} has no styles of the search where they were")
    return str(json.loads('"' + string[1].replace("\\'", "'").replace('"', '\\"') + '"'))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
