"""JSON Web Keys: which may verify a token, and with which algorithm (docs/clients.md, step 4).

PyJWT builds the keys from their public members. Which key fits which algorithm is decided here: PyJWT takes an RSA key
without `alg` for one of RS256 only, and raises TypeError where key and algorithm are of different kinds.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import orjson

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

#: The algorithms that a registration may list, with the kind and curve of their keys. None is symmetric (HK-203).
ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
}

#: What keys are published as: a JWK Set (RFC 7517), or the list of `{"pem": key, "id": kid}` of crd-request-generator.
Style = Literal["jwks", "pem-list"]

#: More keys in one document are taken for a mistake; clients have two or three.
MOST_KEYS: Final = 100

#: The public members by kind; a JWK that has `d` too gives its private key away, and proves nothing any more.
_PUBLIC: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}

#: For each kind and curve, an algorithm by which PyJWT can build the key.
_BUILDERS: Final = {kind: algorithm for algorithm, kind in ALGORITHMS.items()}

#: In bits: below, a key can be broken; above, it costs more time to verify with than a client is given.
_RSA_BITS: Final = range(2048, 8193)
_LONGEST_MEMBER: Final = 2048


class Key(NamedTuple):
    """A public key, what it is for, and the algorithm it was published for, if it says."""

    kind: tuple[str, str | None]
    algorithm: str | None
    public: Any

    def fits(self, algorithm: str) -> bool:
        """Whether tokens of an algorithm can be verified with this key."""
        return ALGORITHMS[algorithm] == self.kind and self.algorithm in (None, algorithm)


#: Keys by `kid`. Ids may repeat, as RFC 7517 allows for keys of different kinds.
KeySet = Mapping[str, tuple[Key, ...]]


class KeySetError(ValueError):
    """A document is no set of keys; the text has nothing of the document in it."""


def read_key_set(text: bytes, style: Style = "jwks") -> KeySet:
    """Return the usable keys of a document; those for encryption, of other kinds or broken are left out."""
    members = _members(text, style)
    if len(members) > MOST_KEYS:
        raise KeySetError(f"more than {MOST_KEYS} keys")
    keys: dict[str, tuple[Key, ...]] = {}
    for kid, jwk in _identified(members, style):
        key = _read_key(jwk)
        if key is not None:
            keys[kid] = (*keys.get(kid, ()), key)
    return keys


def _members(text: bytes, style: Style) -> list[Any]:
    try:
        document = orjson.loads(text)  # which refuses deep nesting, where json exhausts the stack
    except orjson.JSONDecodeError:
        raise KeySetError("not JSON") from None
    if style == "jwks":
        document = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(document, list):
        raise KeySetError("not a JWK Set" if style == "jwks" else "not a list of keys")
    return document


def _identified(members: list[Any], style: Style) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for member in members:
        if isinstance(member, dict):
            jwk, kid = (member, member.get("kid")) if style == "jwks" else (member.get("pem"), member.get("id"))
            if isinstance(jwk, dict) and isinstance(kid, str) and kid:
                yield kid, jwk


def _read_key(jwk: Mapping[str, Any]) -> Key | None:
    """Return the key of a JWK; None for one that cannot or must not verify tokens."""
    name, algorithm = jwk.get("kty"), jwk.get("alg")
    members = {member: jwk.get(member) for member in _PUBLIC.get(str(name), ())}
    is_whole = members and all(isinstance(v, str) and len(v) <= _LONGEST_MEMBER for v in members.values())
    if not is_whole or "d" in jwk or jwk.get("use") == "enc" or not isinstance(algorithm, str | None):
        return None
    kind = (str(name), members.get("crv"))
    if kind not in _BUILDERS:
        return None
    # Only here: a service that asks for no tokens loads no cryptography, which takes 9 MB and 50 ms.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt import PyJWK, PyJWTError

    try:
        public = PyJWK({"kty": name, **members}, algorithm=_BUILDERS[kind]).key
    except (PyJWTError, ValueError, TypeError):
        return None
    return None if isinstance(public, RSAPublicKey) and not _is_sound(public) else Key(kind, algorithm, public)


def _is_sound(key: "RSAPublicKey") -> bool:
    return key.key_size in _RSA_BITS and key.public_numbers().e.bit_length() <= 32
