"""WSGI middleware that reads the whole body of a request before a call begins: only whole requests are worked on.

granian gives each connection a thread (`CRD_CONNECTIONS`), which may wait for a body; of these, `CRD_THREADS` work.
"""

import time
from collections.abc import Iterable
from io import BytesIO
from queue import SimpleQueue
from typing import Final

import orjson

from cds_hooks.errors import HTTP_STATUS, BodyTimeoutError, Issue, operation_outcome
from cds_hooks.settings import Settings
from cds_hooks.telemetry.metrics import ThreadGauge
from cds_hooks.web.call_context import Application, Environ, StartResponse

#: The threads of this process that work on a call whose body is there.
BUSY: Final = ThreadGauge()

_KEY: Final = "crd.body"

_LATE: Final = f"{HTTP_STATUS[BodyTimeoutError]} Request Timeout"
_ISSUE: Final = Issue("timeout", "the body did not come in whole, or not in time")


def with_whole_bodies(application: Application, settings: Settings) -> Application:
    """Wrap a WSGI application so that it is called with complete bodies, CRD_THREADS calls at a time."""
    max_body_bytes, seconds = settings.max_body_bytes, settings.body_timeout
    permits: SimpleQueue[None] = SimpleQueue()
    for _ in range(settings.threads):
        permits.put(None)

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":  # discovery and the probes: quick, and never to be kept waiting
            return application(environ, start_response)
        if not _read_body(environ, max_body_bytes, seconds):
            return _refuse(start_response)
        permits.get()
        try:
            with BUSY:
                return application(environ, start_response)
        finally:
            permits.put(None)

    return answer


def whole_body(environ: Environ) -> bytes | None:
    """Return the body of a POST, perhaps a byte over the limit; None where it said so itself, and was not read."""
    body: bytes | None = environ.get(_KEY)
    return body


def _read_body(environ: Environ, max_body_bytes: int, seconds: float) -> bool:
    """Read the body, unless it is over the limit anyway, and say whether all of it came in time."""
    started = time.monotonic()
    length = environ.get("CONTENT_LENGTH")
    expected = int(length) if length and length.isdecimal() else None
    if expected is not None and expected > max_body_bytes:
        return True
    most = _most_unmeasured(environ, max_body_bytes) if expected is None else expected
    body = environ["wsgi.input"].read(most) if most else b""
    environ[_KEY], environ["wsgi.input"] = body, BytesIO(body)
    return (expected is None or len(body) == expected) and time.monotonic() - started < seconds


def _most_unmeasured(environ: Environ, max_body_bytes: int) -> int:
    """Return how much to read of a chunked body; one over the limit shows that it is. Not every server knows an end."""
    return max_body_bytes + 1 if environ.get("wsgi.input_terminated") else 0


def _refuse(start_response: StartResponse) -> list[bytes]:
    start_response(_LATE, [("Content-Type", "application/json"), ("Connection", "close")])
    return [orjson.dumps(operation_outcome([_ISSUE]))]
