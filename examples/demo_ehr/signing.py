"""Who asks: this EHR's key, published for services to read, and a token of its own for each call.

CDS Hooks 2.0, Trusting CDS Clients: https://cds-hooks.hl7.org/2.0/#trusting-cds-clients
"""

import secrets
import time
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

#: Seconds that a token is good for.
_LIFETIME: Final = 120


class Signer:
    """Signs with ES384, by a key that lives as long as this process."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.jku = f"{issuer}/.well-known/jwks.json"
        self._kid = secrets.token_hex(8)
        self._key = ec.generate_private_key(ec.SECP384R1())

    def key_set(self) -> dict[str, Any]:
        """Return the JWK Set that `jku` answers with: the public key."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self._kid, "alg": "ES384", "use": "sig"}]}

    def claims(self, url: str) -> dict[str, Any]:
        """Return what a token for one call of one URL says."""
        now = int(time.time())
        return {"iss": self.issuer, "aud": url, "iat": now, "exp": now + _LIFETIME, "jti": secrets.token_urlsafe()}

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the token."""
        return jwt.encode(claims, self._key, "ES384", {"kid": self._kid, "jku": self.jku})

    def registration(self, fhir_server: str) -> dict[str, Any]:
        """Return what a service has to know of this EHR, as CRD_CLIENTS has it."""
        known = {"issuer": self.issuer, "jku": [self.jku], "max-lifetime": _LIFETIME}
        note = "The demo EHR, on the same machine."
        return {"clients": [{"id": "demo-ehr", "note": note, "jwt": known, "fhir-servers": [fhir_server]}]}
