"""Reading JSON that came over the network: one object, nothing in it that two readers could read differently."""

import json
import re
from itertools import accumulate
from typing import Any, Final

import orjson

from cds_hooks.errors import Issue, UnreadableBodyError
from cds_hooks.json_documents import RepeatedMemberError, refuse_repeated_members


def read_json(body: bytes, max_nesting: int) -> dict[str, Any]:
    """Return the one JSON object of a body; NaN, repeated members and deep nesting are refused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableBodyError(Issue("structure", f"the body is not JSON: {_without_text(error)}")) from None
    if not isinstance(document, dict):
        raise UnreadableBodyError(Issue("structure", "the body must be a JSON object"))
    written = _write(document, body, max_nesting)
    _refuse_repeated_members(body, written)
    return document


def _without_text(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg.split(':')[0]} at line {error.lineno}, column {error.colno}"


def _write(document: dict[str, Any], body: bytes, max_nesting: int) -> bytes:
    """Return the document written again, once it is known not to be too deep.

    Of a small one, two spaces for every level show how deep it is, in microseconds. A large one is measured by its
    brackets: written with spaces, two megabytes could become hundreds.
    """
    is_large = len(body) > _LARGE
    too_deep = UnreadableBodyError(Issue("too-costly", f"the body is nested deeper than {max_nesting} levels"))
    if is_large and _depth(body) > max_nesting:
        raise too_deep
    try:
        written = orjson.dumps(document, option=None if is_large else orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # deeper than orjson writes, which is far deeper than any limit here
        raise too_deep from None
    if not is_large and b"\n" + b"  " * (max_nesting + 1) in written:
        raise too_deep
    return written


#: From this size on, in bytes, a body is large.
_LARGE: Final = 64 * 1024

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _depth(body: bytes) -> int:
    """Return how deep a JSON text is nested."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _refuse_repeated_members(body: bytes, written: bytes) -> None:
    """Raise for a member that an object has twice: orders and codes must not depend on who reads them.

    Every member has a colon. Strings have colons too, but then what the parse is `written` as has the same ones,
    unless an escape hides them. So without such escapes, as many colons prove that no member was lost in parsing;
    only other bodies are read again, slowly.
    """
    if body.count(b":") == written.count(b":") and (b"\\" not in body or b"\\u" not in body):
        return
    try:
        json.loads(body, object_pairs_hook=refuse_repeated_members)
    except RepeatedMemberError:
        raise UnreadableBodyError(Issue("structure", "an object of the body has the same member twice")) from None
