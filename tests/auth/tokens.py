"""Keys made for the tests, and the tokens that a client would sign with them, good or not."""

import base64
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

#: The time of the tests: 2026-11-23 12:00 UTC.
NOW = 1_795_435_200

ISSUER = "https://ehr.example.org/fhir"
BASE = "https://payer.example.com/crd"
SERVICE = f"{BASE}/cds-services/order-sign-crd"

_JWS = PyJWS()


@cache
def private_key(kind: str) -> Any:
    """Return a private key: a curve of EC, Ed25519, or the bits of RSA; the same one again."""
    curves = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "secp256k1": ec.SECP256K1}
    name, _, _ = kind.partition("#")
    if name in curves:
        return ec.generate_private_key(curves[name]())
    return ed25519.Ed25519PrivateKey.generate() if name == "Ed25519" else rsa.generate_private_key(65537, int(name))


def jwk(kind: str, **members: Any) -> dict[str, Any]:
    """Return the public JWK of a key of the tests; members that are None are left out."""
    key = private_key(kind).public_key()
    to_jwk = RSAAlgorithm if kind[0].isdigit() else OKPAlgorithm if kind.startswith("Ed") else ECAlgorithm
    found = {"kid": "k1", **to_jwk.to_jwk(key, as_dict=True), **members}
    return {name: value for name, value in found.items() if value is not None and name != "key_ops"}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def register_one(folder: Path, client: str, issuer: str) -> dict[str, str]:
    """Register a client with our ES384 key in a folder, and return the settings by which it must prove itself."""
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    registered = {"id": client, "jwt": {"issuer": issuer, "jwks-file": "keys.json"}}
    (folder / "clients.json").write_text(json.dumps({"clients": [registered]}))
    return {"CRD_AUTH": "cds-hooks-jwt", "CRD_CLIENTS": str(folder / "clients.json")}


def claims(**changed: Any) -> dict[str, Any]:
    """Return the claims of a good token, some changed, those that are None left out."""
    good = {"iss": ISSUER, "aud": SERVICE, "iat": NOW, "exp": NOW + 300, "jti": "j1"}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def sign(
    payload: dict[str, Any] | bytes | None = None, algorithm: str = "ES384", kind: str = "P-384", **header: Any
) -> str:
    """Return a token; header members that are None are left out."""
    body = payload if isinstance(payload, bytes) else json.dumps(claims() if payload is None else payload).encode()
    full = {"kid": "k1", "typ": "JWT", **header}
    if full["typ"] is None:
        full["typ"] = ""  # so PyJWT leaves it out
    headers = {name: value for name, value in full.items() if value is not None}
    return _JWS.encode(body, private_key(kind), algorithm, headers)


def encoded(*parts: bytes) -> str:
    """Return the parts as a token would have them, whatever they are."""
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def secrets_of(tokens: Iterable[str]) -> list[str]:
    """Return what of some tokens must be nowhere: their long segments, and texts that only they have."""
    return [segment for token in tokens for segment in token.split(".") if len(segment) > 8]
