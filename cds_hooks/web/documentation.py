"""The documentation site at `/docs/`, where `make docs` built it: files, for whoever reaches this service.

It stands before the service, and is no part of a call's path where there is no site. What can be asked for is listed
once at the start, so that no path of a request is ever looked up in the file system.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from werkzeug.utils import redirect, send_file
from werkzeug.wrappers import Response

from cds_hooks.web.call_context import Application, Environ, StartResponse

#: The URL that the pages lie under.
PREFIX: Final = "/docs"

#: Where a checkout builds its site.
BUILT: Final = Path(__file__).resolve().parents[2] / "build" / "docs" / "site"

#: The file of the site that says what its pages may do.
_POLICY_FILE: Final = "content-security-policy.txt"

_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, and asked for again: the next build has pages of the same names
}


def find_site(setting: str) -> Path | None:
    """Return the folder of the site by its setting; None where it is off, or nothing was built."""
    folder = None if setting == "off" else Path(setting) if setting else BUILT
    return folder if folder and (folder / _POLICY_FILE).is_file() else None


def with_documentation(application: Application, site: Path) -> Application:
    """Wrap the outermost application; what the site does not have is answered by what lies within."""
    files = {_url(site, path): path for path in sorted(site.rglob("*")) if path.is_file()}
    headers = {**_HEADERS, "Content-Security-Policy": (site / _POLICY_FILE).read_text().strip()}

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(PREFIX) or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return application(environ, start_response)
        if path == PREFIX:
            response: Response = redirect("docs/", 308)
        elif found := files.get(path):
            response = send_file(found, environ, conditional=True)
        else:
            return application(environ, start_response)
        response.headers.update(headers)
        return response(environ, start_response)

    return answer


def _url(site: Path, path: Path) -> str:
    relative = path.relative_to(site).as_posix()
    return f"{PREFIX}/{'' if relative == 'index.html' else relative}"
