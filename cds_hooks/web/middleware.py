"""The outermost layer, plain WSGI: what every call and every response has, whatever its URL and status.

A request id in and out, CORS headers and the preflight, slashes that clients get wrong, and one log record a call.
It stands outside Flask so that nothing, not even an error of Flask's own, leaves without it.
"""

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from cds_hooks.settings import Settings, read_networks
from cds_hooks.telemetry.logs import record
from cds_hooks.web.client_address import peer_finder

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Where the layers leave each other notes: the id of the request, facts about the call that may be logged,
#: and the address of the caller (which may not).
REQUEST_ID: Final = "crd.request_id"
FACTS: Final = "crd.facts"
PEER: Final = "crd.peer"

_SLASHES: Final = re.compile(r"/{2,}")

#: Request ids of callers are taken over if they are hexadecimal, as UUIDs and trace ids are; any other might carry a
#: name or a birth date into the logs.
_PLAIN_ID: Final = re.compile(r"(?=.*[A-Fa-f])[A-Fa-f0-9-]{16,64}")

#: Any other method is a word of the caller's, which might be a name.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})

#: CORS needs no credentials here: no cookies are used, tokens travel in a header (HK-208).
_CORS: Final = [("Access-Control-Expose-Headers", "X-Request-ID, WWW-Authenticate, Retry-After")]
_PREFLIGHT: Final = [
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, X-Request-ID"),
    ("Access-Control-Max-Age", "600"),
]
#: What OWASP's REST Security Cheat Sheet asks of every response: nothing here is to be shown, framed or kept.
_ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    *_CORS,
)
#: For a year browsers shall come over TLS only; where this service is reached over TLS at all.
_TLS_ONLY: Final = ("Strict-Transport-Security", "max-age=31536000")


def with_edge(application: Application, settings: Settings) -> Application:
    """Wrap a WSGI application in the outermost layer."""
    origins = frozenset(origin.strip() for origin in settings.cors_origins.split(","))
    is_https = settings.tls_certificate is not None or settings.public_base_url.startswith("https://")
    always = (*_ALWAYS, _TLS_ONLY) if is_https else _ALWAYS
    find_peer = peer_finder(read_networks(settings.trusted_proxies))
    process, number = secrets.token_hex(8), itertools.count(1)

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        path = environ["PATH_INFO"]
        if "//" in path or path.endswith("/"):
            # Clients join URLs so, and a browser's preflight cannot follow a redirect.
            environ["PATH_INFO"] = _SLASHES.sub("/", path).rstrip("/") or "/"
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and _PLAIN_ID.fullmatch(given) else f"{process}-{next(number):x}"
        environ[REQUEST_ID] = request_id
        environ[PEER] = find_peer(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR"))

        def begin(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            headers += (*always, *_allow_origin(origins, environ), ("X-Request-ID", request_id))
            ms = round((time.perf_counter() - started) * 1000, 2)
            method = environ["REQUEST_METHOD"]
            method = method if method in _METHODS else "other"
            record(
                "info", "call", method=method, status=int(status[:3]), ms=ms, id=request_id, **environ.get(FACTS, {})
            )
            return start_response(status, headers, *exc_info)

        if environ["REQUEST_METHOD"] == "OPTIONS":
            begin("204 No Content", list(_PREFLIGHT))
            return ()
        return application(environ, begin)

    return answer


def _allow_origin(origins: frozenset[str], environ: Environ) -> tuple[tuple[str, str], ...]:
    if "*" in origins:
        return _ANY_ORIGIN
    origin = environ.get("HTTP_ORIGIN")
    return (_VARIES, ("Access-Control-Allow-Origin", origin)) if origin in origins else (_VARIES,)


_ANY_ORIGIN: Final = (("Access-Control-Allow-Origin", "*"),)
_VARIES: Final = ("Vary", "Origin")
