"""The tokens that a client proves itself with (CDS Hooks 2.0, Trusting CDS Clients)."""

import secrets
import time
from typing import Final, NamedTuple

from jwt import PyJWK, encode

#: Seconds that a token is good for: one call, with clocks that differ a little.
_LIFETIME: Final = 120


class Signer(NamedTuple):
    """Who calls, and the key that proves it; `jku` is where its public key is published."""

    key: PyJWK
    issuer: str
    jku: str | None = None

    def authorization(self, url: str) -> str:
        """Return the header for one call of one URL: no token is used twice.

        https://cds-hooks.hl7.org/2.0/#trusting-cds-clients
        """
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": url, "iat": now, "exp": now + _LIFETIME, "jti": secrets.token_urlsafe()}
        header = {"kid": self.key.key_id, **({"jku": self.jku} if self.jku else {})}
        return f"Bearer {encode(claims, self.key.key, self.key.algorithm_name, header)}"
