"""Where the console stands: at `/` and under `/console` of `crd serve`, for browsers on this machine, or for operators.

Where no login is asked for, no page is shown to anybody else: not where the service listens on another address or
stands behind a proxy, and not to a request that came by another name (DNS rebinding) or through a proxy that nobody
declared. With CRD_CONSOLE=login pages are shown everywhere, and each of them asks who is there (`login`).
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from cds_hooks.auth.access import is_loopback
from cds_hooks.auth.operators import OperatorFile
from cds_hooks.errors import StartError
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
    place = None if settings.console == "login" else _where_others_are(settings)
    return f"{place}, and CRD_CONSOLE is not login" if place else None


def _where_others_are(settings: Settings) -> str | None:
    """Return what says that others than this machine may call; None where nothing does."""
    if not is_loopback(settings.host):
        return "CRD_HOST is not a loopback address"
    if settings.trusted_proxies:
        return "CRD_TRUSTED_PROXIES names a proxy"
    if settings.public_base_url and not is_loopback(urlsplit(settings.public_base_url).hostname or ""):
        return "CRD_PUBLIC_BASE_URL is not a loopback address"
    return None


def check_signing(settings: Settings) -> None:
    """Raise StartError where the console is to sign its calls and cannot."""
    if settings.console_sign:
        from cds_hooks.console.service_client import own_signer  # what signs is loaded where something is signed

        own_signer(settings)


def check_console(settings: Settings) -> None:
    """Refuse, with StartError, a login that nobody passes, or whose passwords others on the way can read."""
    if settings.oidc_issuer and not settings.oidc_client:
        raise StartError("CRD_OIDC_ISSUER: needs CRD_OIDC_CLIENT, the id of this service there")
    if settings.console != "login":
        return
    if not settings.oidc_issuer and (settings.operators is None or OperatorFile(settings.operators).is_empty):
        ways = "set CRD_OPERATORS and `crd operators add NAME`, or CRD_OIDC_ISSUER"
        raise StartError(f"CRD_CONSOLE=login: nobody can log in; {ways}")
    if not is_secure(settings) and _where_others_are(settings):
        ways = "set CRD_TLS_CERTIFICATE, or the https URL of the proxy in front as CRD_PUBLIC_BASE_URL"
        raise StartError(f"CRD_CONSOLE=login: passwords would travel in the clear; {ways}")


def is_secure(settings: Settings) -> bool:
    """Tell whether browsers reach this service over TLS."""
    return settings.tls_certificate is not None or settings.public_base_url.startswith("https://")


def with_console(
    application: Application, create: Callable[[], Application], *, everywhere: bool = False, root: str = ""
) -> Application:
    """Wrap the outermost application; the console is made when its first page is asked for.

    `everywhere`: for any browser, as each page asks for a login. `root` is the path that the public URL of this service
    ends with, which a proxy takes off.
    """
    console = _Lazy(create)

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        is_page = (path == "/" or path.startswith(PREFIX)) and environ["REQUEST_METHOD"] != "OPTIONS"
        if is_page and (everywhere or _is_of_here(environ)):
            if root:
                environ["SCRIPT_NAME"] = root
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
