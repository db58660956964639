"""A client's keys: the private JWK it signs with, and the JWK Set it publishes (https://cds-hooks.hl7.org/2.0/#trusting-cds-clients)."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWK, PyJWTError
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from cds_hooks.errors import StartError

Jwk = Mapping[str, Any]

#: In bits; NIST SP 800-57 has 3072 beside the 384 bits of the curve's digest.
_RSA_BITS: Final = 3072

#: The two algorithms that CDS Hooks recommends, and how a key of each is made.
MAKERS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "ES384": lambda: ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()), as_dict=True),
    "RS384": lambda: RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, _RSA_BITS), as_dict=True),
}

#: The public members of each kind of key: all that the thumbprint is made of, and all that is published (RFC 7638).
_PUBLIC: Final = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}


def make_key(algorithm: str, kid: str | None) -> dict[str, Any]:
    """Return a new private JWK; without a `kid` it is the key's thumbprint."""
    made = MAKERS[algorithm]()
    made.pop("key_ops", None)
    return {**made, "kid": kid or _thumbprint(made), "alg": algorithm, "use": "sig"}


def public_set(private: Jwk) -> dict[str, Any]:
    """Return the JWK Set to publish for a private key."""
    names = (*_PUBLIC[private["kty"]], "kid", "alg", "use")
    return {"keys": [{name: private[name] for name in names}]}


def _thumbprint(key: Jwk) -> str:
    members = {name: key[name] for name in _PUBLIC[key["kty"]]}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_new(path: Path, document: Jwk, mode: int) -> None:
    """Write JSON to a file of a mode from its first byte on; StartError where it is there already."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise StartError(f"{path}: is there already; keys are never written over") from None
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}") from None
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        os.fchmod(opened, mode)
        json.dump(document, file, indent=2)
        file.write("\n")


def read_key(path: Path) -> PyJWK:
    """Return the private key in a file that `crd jwks new` wrote; StartError where it is none, without its content."""
    try:
        document = json.loads(path.read_bytes())
        if "d" not in document or not document.get("kid"):
            raise StartError(f"{path}: no private JWK with a kid; crd jwks new makes one")
        return PyJWK(document, document.get("alg"))
    except (ValueError, TypeError, PyJWTError):
        raise StartError(f"{path}: no private JWK; crd jwks new makes one") from None
