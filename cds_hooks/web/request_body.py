"""The body of a request, as far as HTTP goes: its media type, its encoding and its size."""

from typing import Final

from cds_hooks.errors import BodyTooLargeError, Issue, MediaTypeError
from cds_hooks.strict_json import replace_lone_surrogates
from cds_hooks.web.body_buffering import whole_body
from cds_hooks.web.call_context import Environ

#: What JSON has been called: by its own name, and as FHIR DSTU 2 and old clients call it.
_JSON_TYPES: Final = frozenset({"application/json", "application/json+fhir", "text/json"})

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def read_body(environ: Environ, limit: int) -> bytes:
    """Return the JSON text of a call's body, of so many bytes at most; MediaTypeError or BodyTooLargeError."""
    kind = environ.get("CONTENT_TYPE", "")
    if kind != "application/json" and not _is_json(kind.partition(";")[0].strip().lower()):
        raise MediaTypeError(Issue("not-supported", "the body must be sent as application/json"))
    if environ.get("HTTP_CONTENT_ENCODING", "").lower() not in ("", "identity"):
        raise MediaTypeError(Issue("not-supported", "the body must be sent without a Content-Encoding"))
    body = whole_body(environ)
    if body is None or len(body) > limit:
        raise BodyTooLargeError(Issue("too-long", f"the body is larger than {limit} bytes"))
    return replace_lone_surrogates(body.removeprefix(_BYTE_ORDER_MARK))


def _is_json(kind: str) -> bool:
    return not kind or kind in _JSON_TYPES or kind.endswith("+json")
