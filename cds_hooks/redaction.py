"""Takes the access token out of a request body before the body is kept (X-1 to X-8; cds-hooks.md 7.6)."""

import re
from typing import Any, Final

import msgspec
import orjson

REMOVED: Final = "[removed]"

#: Shorter tokens are not looked for in the rest of the body: by chance they might stand for something else there.
_SHORTEST: Final = 16


class _Authorized(msgspec.Struct):
    authorization: msgspec.Raw = msgspec.field(name="fhirAuthorization", default=msgspec.Raw(b"null"))


_AUTHORIZED: Final = msgspec.json.Decoder(_Authorized)
_MEMBER: Final = b"fhirAuthorization"

#: A letter written as an escape, as no encoder does: a member's name may be hidden so.
_ESCAPED_LETTER: Final = re.compile(rb"\\u00(?:4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa])")

#: A token elsewhere than in fhirAuthorization.
_TOKEN: Final = re.compile(rb'token"\s*:\s*"(?!\[removed\]")', re.IGNORECASE)


def without_tokens(body: bytes, is_json: bool = False) -> bytes | None:
    """Return a hook request as it came, but with its tokens replaced; None for what is not JSON, unless that is known.

    The rest of the bytes stay as they are, so that what was asked can be proven. Where a token is written in a way that
    cannot be replaced in place (escaped, or too short to be told from other text), the body is written anew.
    """
    folded = body.lower()
    if is_json and b"token" not in folded and b"authorization" not in folded and b"\\u00" not in body:
        return body  # there is none
    try:
        authorization = bytes(_AUTHORIZED.decode(body).authorization)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _rewritten(body)
    is_hidden = b"\\u00" in body and _ESCAPED_LETTER.search(body)
    if is_hidden or b"\\" in authorization or body.count(_MEMBER) > 1:
        return _rewritten(body)
    tokens = [value for value in _values(orjson.loads(authorization)) if value]
    if any(len(token) < _SHORTEST for token in tokens):
        return _rewritten(body)
    for token in tokens:
        body = body.replace(orjson.dumps(token)[1:-1], REMOVED.encode())
    return _rewritten(body) if b'token"' in folded and _TOKEN.search(body) else body


def _values(document: Any) -> list[str]:
    """Return the texts of all members that are named as tokens are."""
    if isinstance(document, list):
        return [value for one in document for value in _values(one)]
    if not isinstance(document, dict):
        return []
    found = []
    for name, value in document.items():
        found += [value] if _is_token(name) and isinstance(value, str) else _values(value)
    return found


def _is_token(name: str) -> bool:
    folded = name.lower()
    return folded.endswith("token") or folded == "authorization"


def _rewritten(body: bytes) -> bytes | None:
    """Return a body written anew, without the texts of all members that are named as tokens are."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    try:
        return orjson.dumps(_emptied(document))
    except (orjson.JSONEncodeError, RecursionError):  # nested deeper than any call: refused, and not worth keeping
        return None


def _emptied(document: Any) -> Any:
    if isinstance(document, list):
        return [_emptied(one) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        name: REMOVED if _is_token(name) and isinstance(value, str) else _emptied(value)
        for name, value in document.items()
    }
