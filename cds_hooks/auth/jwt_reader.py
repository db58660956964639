"""Reads bearer tokens that are JWTs: what they say, before it is believed (docs/clients.md, steps 1 and 2)."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cds_hooks.auth.jwk import ALGORITHMS
from cds_hooks.errors import AuthenticationError, Cause, UnreadableBodyError
from cds_hooks.strict_json import read_json

#: Longer tokens are refused unread. Tokens with a key of 8192 bits and some hundred groups are shorter.
MOST_CHARACTERS: Final = 16 * 1024

#: The longest `kid` that is looked for.
_LONGEST_KEY_ID: Final = 512

#: The deepest nesting of a token's claims: authorization servers write groups of roles, not trees.
_DEEPEST: Final = 32

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)

#: What clients send for "no token" (HK-176): some write the word for an empty variable.
_EMPTY: Final = ("", "null", "undefined")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as received: nothing in it is verified, and nothing of it must be logged or stored."""

    text: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    algorithm: str
    type: str | None
    key_id: str = field(repr=False)
    jku: str | None = field(repr=False)


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an Authorization header; None where there is none (docs/clients.md, step 1).

    The scheme is read in any case; a header of another scheme, `null` and an empty token are no token.
    """
    scheme, *rest = (authorization or "").split(None, 1) or [""]
    token = rest[0].strip() if rest and scheme.lower() == "bearer" else ""
    return None if token.lower() in _EMPTY else token


def read_token(text: str) -> Token:
    """Return what a token says of itself (docs/clients.md, steps 1 and 2, HK-201, HK-203).

    `jwk`, `x5u` and `x5c` of its header are never looked at: a token must not bring the key it is verified with.
    """
    if len(text) > MOST_CHARACTERS or not _COMPACT.fullmatch(text):
        raise AuthenticationError(Cause.MALFORMED)
    first, second, _ = text.split(".")
    header = _read_header(first)
    claims = _read_object(_decode(second))
    return Token(text, claims, header.algorithm, header.type, header.key_id, header.jku)


class _Header(NamedTuple):
    """What the header of a token says."""

    algorithm: str
    type: str | None
    key_id: str
    jku: str | None


#: The headers of a client's tokens are all alike: so many are read once. Those that are refused are not kept.
_HEADERS: Final = 64


@lru_cache(_HEADERS)
def _read_header(segment: str) -> _Header:
    header = _read_object(_decode(segment))
    algorithm, key_id, jku = header.get("alg"), header.get("kid"), header.get("jku")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise AuthenticationError(Cause.ALGORITHM)
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise AuthenticationError(Cause.MALFORMED)
    if not isinstance(jku, str | None) or "crit" in header or "b64" in header:
        raise AuthenticationError(Cause.MALFORMED)
    return _Header(algorithm, _read_type(header.get("typ")), key_id, jku)


def _read_type(typ: Any) -> str | None:
    """Return `typ` in lower case, without the `application/` that RFC 7515 lets a producer write or leave."""
    if not isinstance(typ, str | None):
        raise AuthenticationError(Cause.MALFORMED)
    return None if typ is None else typ.lower().removeprefix("application/")


def _decode(segment: str) -> bytes:
    """Return the bytes of a segment: no padding, no stray bits, so that no two texts are the same token."""
    if len(segment) % 4 == 1:
        raise AuthenticationError(Cause.MALFORMED)
    decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(decoded).decode().rstrip("=") != segment:
        raise AuthenticationError(Cause.MALFORMED)
    return decoded


def _read_object(text: bytes) -> dict[str, Any]:
    """Return a JSON object in which no member is there twice and every number is one."""
    try:
        found = read_json(text, _DEEPEST)
    except UnreadableBodyError:
        found = None
    # Raised outside: an error about the text may have the text in it.
    if found is None:
        raise AuthenticationError(Cause.MALFORMED)
    return found
