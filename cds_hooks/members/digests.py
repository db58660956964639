"""Keyed digests: by which members are found, and birth dates compared, without any of them standing anywhere."""

import hashlib
from collections.abc import Sequence
from typing import Final

from cds_hooks.store.encryption import name_of_key

#: 96 bits: among a thousand million ids no two are alike.
DIGEST: Final = 12

#: Two birth dates differ in these 64 bits.
_BORN: Final = 8


class Digests:
    """Digests with one key, or without where nothing is encrypted; then ids can be tried by whoever has the file."""

    def __init__(self, key: bytes | None) -> None:
        #: The name of the key, as the store has it; None without one.
        self.name = name_of_key(key) if key else None
        #: There are few days on which somebody was born.
        self._born: dict[str, str] = {}
        self._key = hashlib.blake2b(b"crd directory", key=key or b"", digest_size=32).digest()

    def of_id(self, value: str) -> bytes:
        """Return the digest of an id, whatever its system."""
        return self._digest(value.strip(), b"id", DIGEST)

    def of_birth_date(self, day: str) -> str:
        """Return what tells birth dates apart."""
        found = self._born.get(day)
        if found is None:
            found = self._born[day] = self._digest(day, b"born", _BORN).hex()
        return found

    def _digest(self, text: str, kind: bytes, size: int) -> bytes:
        return hashlib.blake2b(
            text.encode(errors="surrogatepass"), key=self._key, person=kind, digest_size=size
        ).digest()


def digests_of(keys: Sequence[bytes]) -> list[Digests]:
    """Return the digests of all keys, the current one first; of none where nothing is encrypted."""
    return [Digests(key) for key in keys] or [Digests(None)]
