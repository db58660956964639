"""The outermost WSGI middleware: what every call and every response has, whatever its URL and status.

A request id in and out, CORS and security headers, slashes that clients get wrong, the call's context, and one log
record a call. It stands outside Flask so that nothing, not even an error of Flask's own, leaves without it.
"""

import itertools
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any, Final

from cds_hooks.settings import Settings, read_networks
from cds_hooks.telemetry.logs import record
from cds_hooks.web.call_context import Application, CallContext, Environ, StartResponse, begin_call
from cds_hooks.web.client_address import peer_finder

_SLASHES: Final = re.compile(r"/{2,}")

#: Request ids of callers are taken over if they are hexadecimal, as UUIDs and trace ids are; any other might carry a
#: name or a birth date into the logs.
_PLAIN_ID: Final = re.compile(r"(?=.*[A-Fa-f])[A-Fa-f0-9-]{16,64}")

#: Any other method is a word of the caller's, which might be a name.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})

#: CORS (HK-208): no cookies are used, tokens travel in a header. Any origin may call where `*` is set; only one that is
#: listed may with `credentials: "include"`, which some clients set always, and which would use a browser's certificate.
_CORS: Final = [("Access-Control-Expose-Headers", "X-Request-ID, WWW-Authenticate, Retry-After")]
_PREFLIGHT: Final = (("Access-Control-Allow-Methods", "GET, POST, OPTIONS"), ("Access-Control-Max-Age", "600"))
#: Allowed where a preflight does not ask for headers, or asks for something that is no list of names (RFC 9110, token).
_USUAL_HEADERS: Final = "Authorization, Content-Type, Accept, X-Request-ID"
_NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}"
_HEADER_NAMES: Final = re.compile(rf"{_NAME}(?: ?, ?{_NAME}){{0,31}}")
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


def with_call_context(application: Application, settings: Settings) -> Application:
    """Wrap a WSGI application in the outermost middleware."""
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
        peer = find_peer(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR"))
        call = begin_call(environ, request_id, peer)

        def begin(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            headers += (*always, *_allow_origin(origins, environ), ("X-Request-ID", request_id))
            _log(call, environ["REQUEST_METHOD"], status, started)
            return start_response(status, headers, *exc_info)

        return application(environ, begin)

    return answer


def with_preflight(application: Application) -> Application:
    """Answer the preflights of browsers (CORS), at any URL and whatever headers they are to send.

    Whoever asks may send any header: none that a page can set carries a credential that the browser has of its own.
    """

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "OPTIONS":
            return application(environ, start_response)
        asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        allowed = asked if _HEADER_NAMES.fullmatch(asked) else _USUAL_HEADERS
        start_response("204 No Content", [*_PREFLIGHT, ("Access-Control-Allow-Headers", allowed)])
        return ()

    return answer


def _log(call: CallContext, method: str, status: str, started: float) -> None:
    """Write the one record of a call."""
    record(
        "info",
        "call",
        method=method if method in _METHODS else "other",
        endpoint=call.endpoint.name,
        status=int(status[:3]),
        ms=round((time.perf_counter() - started) * 1000, 2),
        id=call.request_id,
        **call.facts,
    )


def _allow_origin(origins: frozenset[str], environ: Environ) -> tuple[tuple[str, str], ...]:
    if "*" in origins:
        return _ANY_ORIGIN
    origin = environ.get("HTTP_ORIGIN")
    return (_VARIES, ("Access-Control-Allow-Origin", origin), _CREDENTIALS) if origin in origins else (_VARIES,)


_ANY_ORIGIN: Final = (("Access-Control-Allow-Origin", "*"),)
_VARIES: Final = ("Vary", "Origin")
_CREDENTIALS: Final = ("Access-Control-Allow-Credentials", "true")
