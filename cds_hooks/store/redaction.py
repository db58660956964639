"""Takes the access token out of a request body before it is kept (CDS Hooks 2.0, FHIR Resource Access; HK-61)."""

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

#: What stands beside the token (CDS Hooks 2.0, FHIR Authorization; SMART's patient).
_NO_SECRETS: Final = frozenset({"token_type", "expires_in", "scope", "subject", "patient"})

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
        tokens = [text for text in _secrets(orjson.loads(authorization)) if text]
    except (msgspec.MsgspecError, orjson.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return _rewritten(body)
    is_hidden = b"\\u00" in body and _ESCAPED_LETTER.search(body)
    if is_hidden or b"\\" in authorization or body.count(_MEMBER) > 1:
        return _rewritten(body)
    if any(len(token) < _SHORTEST for token in tokens):
        return _rewritten(body)
    for token in tokens:
        body = body.replace(orjson.dumps(token)[1:-1], REMOVED.encode())
    return _rewritten(body) if b'token"' in folded and _TOKEN.search(body) else body


def _secrets(authorization: Any) -> list[str]:
    """Return the texts of an fhirAuthorization, but for what CDS Hooks has beside the token: a name may be misspelt."""
    if isinstance(authorization, dict):
        return [text for name, value in authorization.items() if name not in _NO_SECRETS for text in _texts(value)]
    return _texts(authorization)


def _texts(document: Any) -> list[str]:
    if isinstance(document, str):
        return [document]
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [text for one in inner for text in _texts(one)]


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
    return {name: _without_secret(name, value) for name, value in document.items()}


def _without_secret(name: str, value: Any) -> Any:
    folded = name.lower()
    if folded == "fhirauthorization" and isinstance(value, dict):
        return {inner: one if inner in _NO_SECRETS else REMOVED for inner, one in value.items()}
    is_secret = folded.endswith(("token", "authorization")) and value is not None
    return REMOVED if is_secret else _emptied(value)
