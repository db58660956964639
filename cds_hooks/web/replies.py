"""What is sent back: a status, a body of JSON or none, and what every error becomes (an OperationOutcome)."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson

from cds_hooks.answering.recording import internal_error
from cds_hooks.errors import HTTP_STATUS, AuthenticationError, CallError, operation_outcome
from cds_hooks.telemetry.logs import record, where
from cds_hooks.web.call_context import CallContext, StartResponse

_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Reply(NamedTuple):
    """A response: its status, its body, and headers beside those that every response has."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Send it as a WSGI application does: a list, which WSGI servers send at once."""
        kind = (("Content-Type", "application/json"),) if self.body else ()
        start_response(_LINES[self.status], [*kind, ("Content-Length", str(len(self.body))), *self.headers])
        return [self.body]


def reply_to_error(error: Exception, call: CallContext) -> Reply:
    """Return what a caller is told of what ended its call, and note for the log what may be logged of it.

    Whose token is no good gets a bare 401, the same whatever the cause: only the log has it, so that nobody can try out
    tokens. An error of this service's own is a 500 with the request id and nothing else; the log has its kind and
    where, no values.
    """
    if not isinstance(error, CallError):
        record("error", "internal-error", error=type(error).__name__, where=where(error), id=call.request_id)
        error = internal_error(call.request_id)
    call.add(_facts_of(error))
    if isinstance(error, AuthenticationError):
        return Reply(HTTP_STATUS[AuthenticationError], headers=(("WWW-Authenticate", "Bearer"),))
    retry = (("Retry-After", str(error.retry_after)),) if error.retry_after else ()
    return Reply(HTTP_STATUS[type(error)], orjson.dumps(operation_outcome(error.issues)), retry)


def _facts_of(error: CallError) -> dict[str, Any]:
    """Return what may be logged of an error: its kind and codes, of a token the cause and whose it says it is."""
    if isinstance(error, AuthenticationError):
        claimed = {"claimed": error.claimed} if error.claimed else {}
        return {"error": "AuthenticationError", "cause": error.cause.value, **claimed}
    codes = sorted({issue.code for issue in error.issues})
    return {"error": type(error).__name__, "issues": len(error.issues), "codes": codes}
