"""Registered clients and the tokens that they sign: for each call one of its own, since none is good twice."""

import json
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.api_jws import PyJWS

from benchmarks.bodies import SIGN

ALGORITHMS: Final = ("ES384", "RS384")
_ISSUER: Final = "https://ehr.example.org/fhir"
_BASE: Final = "https://payer.example.com/crd"

#: How long a token is good, in seconds; and how many are signed at a time by a process.
_LIFETIME: Final = 300
_CHUNK: Final = 500

_JWS: Final = PyJWS()

#: How often a signature is checked to know what that costs, and in how many batches.
_CHECKS: Final = 100
_BATCHES: Final = 5


class Client:
    """A client that is registered with a key of each algorithm, its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        folder.mkdir()
        self._keys: dict[str, Any] = {
            "ES384": ec.generate_private_key(ec.SECP384R1()),
            "RS384": rsa.generate_private_key(65537, 2048),
        }
        public = [
            {**_JWS.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True), "kid": name, "alg": name}
            for name, key in self._keys.items()
        ]
        (folder / "keys.json").write_text(json.dumps({"keys": public}))
        registered = {"id": "bench", "jwt": {"issuer": _ISSUER, "jwks-file": "keys.json"}}
        (folder / "clients.json").write_text(json.dumps({"clients": [registered]}))

    def variables(self) -> dict[str, str]:
        """Return the settings of a service that lets this client in and nobody else."""
        clients = str(self._folder / "clients.json")
        return {"CRD_AUTH": "cds-hooks-jwt", "CRD_CLIENTS": clients, "CRD_PUBLIC_BASE_URL": _BASE}

    def sign(self, algorithm: str, number: int) -> Path:
        """Sign so many tokens on all processors and return the file of them, one a line."""
        file = self._folder / f"tokens-{next(self._numbers)}"
        sign = partial(_sign, algorithm, self._pem(algorithm), file.name)
        with ProcessPoolExecutor() as pool, file.open("w") as out:
            for tokens in pool.map(sign, range(0, number, _CHUNK)):
                out.writelines(f"{token}\n" for token in tokens)
        return file

    def _pem(self, algorithm: str) -> bytes:
        private = self._keys[algorithm].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return bytes(private)

    def check_cost(self, algorithm: str) -> float:
        """Return what the bare check of a signature costs, in µs of processor time."""
        chosen, key = _JWS.get_algorithm_by_name(algorithm), self._keys[algorithm]
        message, public = b"a" * 250, key.public_key()
        signature = chosen.sign(message, key)
        costs = []
        for _ in range(_BATCHES):
            began = time.process_time()
            for _ in range(_CHECKS):
                assert chosen.verify(message, public, signature)  # noqa: S101
            costs.append((time.process_time() - began) / _CHECKS * 1e6)
        return median(costs)


def _sign(algorithm: str, pem: bytes, unique: str, first: int) -> list[str]:
    """Sign a chunk of tokens, in a process of the pool."""
    key: Any = load_pem_private_key(pem, None)
    now = int(time.time())
    claims = {"iss": _ISSUER, "aud": _BASE + SIGN, "iat": now, "exp": now + _LIFETIME}
    numbers = range(first, first + _CHUNK)
    return [jwt.encode({**claims, "jti": f"{unique}-{n}"}, key, algorithm, {"kid": algorithm}) for n in numbers]
