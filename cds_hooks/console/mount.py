"""Where the console stands: at `/` and under `/console` of `crd serve`, for browsers on this machine alone.

No page has a login yet, so none is shown to anybody else: not where the service listens on another address or stands
behind a proxy, and not to a request that came by another name (DNS rebinding) or through a proxy that nobody declared.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from cds_hooks.auth.access import is_loopback
from cds_hooks.settings import Settings
from cds_hooks.web.call_context import Application, Environ, StartResponse

#: The URL that the pages lie under; the first one is at `/`.
PREFIX: Final = "/console"

#: Headers by which proxies say that they are one.
_OF_PROXIES: Final = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST", "HTTP_VIA")


def why_hidden(settings: Settings) -> str | None:
    """Return why these settings show no page, None where they do."""
    if settings.console == "off":
        return "CRD_CONSOLE is off"
    if not is_loopback(settings.host):
        return "CRD_HOST is not a loopback address, and the console has no login"
    if settings.trusted_proxies:
        return "CRD_TRUSTED_PROXIES names a proxy, and the console has no login"
    if settings.public_base_url and not is_loopback(urlsplit(settings.public_base_url).hostname or ""):
        return "CRD_PUBLIC_BASE_URL is not a loopback address, and the console has no login"
    return None


def check_signing(settings: Settings) -> None:
    """Raise StartError where the console is to sign its calls and cannot."""
    if settings.console_sign:
        from cds_hooks.console.service_client import own_signer  # what signs is loaded where something is signed

        own_signer(settings)


def with_console(application: Application, create: Callable[[], Application]) -> Application:
    """Wrap the outermost application; the console is made when its first page is asked for."""
    console = _Lazy(create)

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if (path == "/" or path.startswith(PREFIX)) and _is_of_here(environ):
            return console.get()(environ, start_response)
        return application(environ, start_response)

    return answer


def _is_of_here(environ: Environ) -> bool:
    """Tell whether a browser on this machine asks, by a name of this machine."""
    host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    peer = environ.get("REMOTE_ADDR", "")
    return is_loopback(host) and is_loopback(peer) and not any(name in environ for name in _OF_PROXIES)


class _Lazy:
    """An application that is made once, by the first thread that needs it."""

    def __init__(self, create: Callable[[], Application]) -> None:
        self._create = create
        self._made: Application | None = None
        self._making = threading.Lock()

    def get(self) -> Application:
        """Return the application."""
        if self._made is None:
            with self._making:
                self._made = self._made or self._create()
        return self._made
