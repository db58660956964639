"""The checks of one token against what is registered of its issuer (docs/clients.md, steps 4 to 6).

PyJWT's algorithms verify the signature. Its `decode` is not called: it reads the token anew, letter by letter in
Python, which costs more than the check of an RSA signature. What it would refuse is refused by `jwt_reader`, and short
keys by `jwk`. The claims are checked here. PyJWT (2.15) takes an `exp` that is a string or an `iat` that is `true`,
cuts fractions of seconds off, compares `aud` letter by letter, knows no longest lifetime, and asks the machine for the
time itself. joserfc (1.8) is strict about types, but an `iat` in the future, an `nbf` and a claim of the wrong type are
one error there, where the log is to tell them apart; `aud` and the lifetime would still be ours.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from jwt import PyJWTError
from jwt.api_jws import PyJWS

from cds_hooks.auth.jwk import ALGORITHMS, Key
from cds_hooks.auth.jwt_reader import Token
from cds_hooks.errors import AuthenticationError, Cause

_VERIFIERS: Final = {name: PyJWS().get_algorithm_by_name(name) for name in ALGORITHMS}

#: As many keys of one id are tried.
_MOST_TRIED: Final = 4

#: Of seconds since 1970: no token is about a time before then, or after the year 33658.
_LATEST: Final = 10**12

_URL: Final = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/.*)?", re.ASCII)
_SLASHES: Final = re.compile("/{2,}")
#: Clients name a few URLs over and over: so many are read once.
_URLS: Final = 256

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def check_signature(token: Token, keys: Sequence[Key]) -> None:
    """Verify with the keys of the token's `kid` that fit its algorithm (docs/clients.md, step 4)."""
    fitting = [key for key in keys if key.fits(token.algorithm)]
    if not fitting:
        raise AuthenticationError(Cause.UNFIT_KEY)
    if not any(_is_signed_with(token, key) for key in fitting[:_MOST_TRIED]):
        raise AuthenticationError(Cause.SIGNATURE)


def _is_signed_with(token: Token, key: Key) -> bool:
    """Whether the signature is this key's, of the very text that header and claims were read from."""
    signed, _, signature = token.text.rpartition(".")
    try:
        decoded = base64.urlsafe_b64decode(signature + "==")  # more padding than needed is no fault to it
        return _VERIFIERS[token.algorithm].verify(signed.encode(), key.public, decoded)
    except (PyJWTError, ValueError, TypeError):
        return False


def check_audience(claims: Mapping[str, Any], accepted: Iterable[str]) -> None:
    """Require one of the accepted audiences in `aud`, a string or an array of them (docs/clients.md, step 5)."""
    audience = required(claims, "aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise AuthenticationError(Cause.MALFORMED)
    if {plain_url(one) for one in named}.isdisjoint(plain_url(one) for one in accepted):
        raise AuthenticationError(Cause.AUDIENCE)


@lru_cache(_URLS)
def plain_url(url: str) -> str:
    """Return a URL without its default port, its host in lower case, its path with the slashes that count.

    `web.middleware` routes a path with doubled slashes, or some at its end, as the one without them. Clients that join
    a base URL and a path carelessly call such a URL, and name it in `aud`.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return url
    scheme, host, port, path = found.groups()
    place = host.lower() + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")
    return f"{scheme}://{place}{_SLASHES.sub('/', path or '').rstrip('/')}"


def check_times(claims: Mapping[str, Any], now: float, skew: float, longest: float) -> float:
    """Return `exp` of a token that is valid now and not for longer than agreed (docs/clients.md, step 6)."""
    expires, issued = _date(claims, "exp"), _date(claims, "iat")
    if expires + skew <= now:
        raise AuthenticationError(Cause.EXPIRED)
    if issued - skew > now:
        raise AuthenticationError(Cause.ISSUED_IN_FUTURE)
    if "nbf" in claims and _date(claims, "nbf") - skew > now:
        raise AuthenticationError(Cause.NOT_YET_VALID)
    if expires - issued > longest:
        raise AuthenticationError(Cause.LIFETIME)
    return expires


def _date(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate, which may have a fraction."""
    value = required(claims, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= _LATEST:
        raise AuthenticationError(Cause.MALFORMED)
    return float(value)


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that must be there and a string with something in it."""
    value = required(claims, name)
    if not isinstance(value, str) or not value:
        raise AuthenticationError(Cause.MALFORMED)
    return value


def required(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim that must be there."""
    if claims.get(name) is None:
        raise AuthenticationError(Cause.MISSING_CLAIM)
    return claims[name]
