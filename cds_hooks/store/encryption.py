"""Compresses what is kept of a call, and encrypts it where a key is configured: AES-256-GCM, one fresh nonce each.

A sealed text starts with two bytes that say how to read it, what it is and which dictionary the Zstandard frame needs:

    0x01  dictionary, frame
    0x02  dictionary, 8 bytes of the key's digest, 12 of nonce, the frame encrypted with its tag

Dictionaries are files beside this one. They hold made-up calls, so that what all calls have in common is not kept with
each of them: a record takes a third of the space, and half the time. From the second on they hold the statistics of
calls, too, in place of tables in each frame: half the time again. A file that was ever used must never change;
`scripts/record-dictionary` makes the next one.

What a text is about (the record's id and what of it) is authenticated with it, so that no record can be given
another's text. Nonces are random: at one key, 2^32 texts are safe to write (NIST SP 800-38D, 8.3), so a key is to be
changed before that, which is after two thousand million calls.
"""

import base64
import binascii
import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import zstandard

from cds_hooks.errors import StartError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_DICTIONARIES: Final = Path(__file__).resolve().parent / "dictionaries"

#: The dictionary that new texts are compressed with.
_DICTIONARY: Final = 2

_PLAIN: Final = b"\x01"
_ENCRYPTED: Final = b"\x02"
_KEY_BYTES: Final = 32
_NAME: Final = 8
_NONCE: Final = 12
_HEAD: Final = 2

#: Higher levels cost more time than they save space on bodies of some kilobytes: 3, the default, saves 2 %.
_LEVEL: Final = 1

#: The largest text that is unpacked: a body and its answer are far smaller, at the largest limits one may set.
_MOST_BYTES: Final = 1 << 30


class SealError(Exception):
    """A sealed text cannot be opened: its key is not among those given, or it was changed."""


class RecordCipher:
    """Seals with the first of some keys, and opens with whichever it was sealed with; one for all threads."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._ciphers = {name_of_key(key): _aes(key) for key in keys}
        self._current = next(iter(self._ciphers.items()), None)
        self._lock = threading.Lock()
        dictionary = _dictionary(_DICTIONARY)
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=dictionary, write_dict_id=False)

    @property
    def encrypts(self) -> bool:
        """Whether there is a key to encrypt with."""
        return self._current is not None

    @property
    def key_name(self) -> bytes | None:
        """What tells the key that seals from others; None where nothing is encrypted."""
        return self._current[0] if self._current else None

    def seal(self, texts: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Return texts compressed, and encrypted where there is a key; with each comes what it is about.

        By one compressor, one thread at a time: one for each thread would not stay in the processor's cache.
        """
        with self._lock:
            packed = [self._compressor.compress(text) for text, _ in texts]
        head = bytes((_DICTIONARY,))
        return [self._seal(head + one, about) for one, (_, about) in zip(packed, texts, strict=True)]

    def packed(self, sealed: bytes, about: bytes) -> bytes:
        """Return the dictionary and the frame of a sealed text: the same under every key. SealError as for `open`."""
        return sealed[1:] if sealed[:1] == _PLAIN else sealed[1:_HEAD] + self._decrypt(sealed, about)

    def reseal(self, sealed: bytes, about: bytes) -> bytes:
        """Return a sealed text with the current key, its frame as it was. SealError where it cannot be opened."""
        return self._seal(self.packed(sealed, about), about)

    def _seal(self, packed: bytes, about: bytes) -> bytes:
        if self._current is None:
            return _PLAIN + packed
        name, cipher = self._current
        head, frame, nonce = packed[:1], packed[1:], os.urandom(_NONCE)
        return b"".join((_ENCRYPTED, head, name, nonce, cipher.encrypt(nonce, frame, head + about)))

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Return the text that was sealed; SealError where it cannot be had."""
        packed = sealed[_HEAD:] if sealed[:1] == _PLAIN else self._decrypt(sealed, about)
        try:
            decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(sealed[1]))
            return decompressor.decompress(packed, max_output_size=_MOST_BYTES)
        except (zstandard.ZstdError, IndexError, OSError):
            raise SealError("is damaged, or of a newer version") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether a text is sealed as it would be now: with the first key, or with none where there is none."""
        if self._current is None:
            return sealed[:1] == _PLAIN
        return sealed[:1] == _ENCRYPTED and sealed[_HEAD : _HEAD + _NAME] == self._current[0]

    def _decrypt(self, sealed: bytes, about: bytes) -> bytes:
        if sealed[:1] != _ENCRYPTED:
            raise SealError("is of a form that this version does not know")
        cipher = self._ciphers.get(sealed[_HEAD : _HEAD + _NAME])
        if cipher is None:
            raise SealError("was encrypted with a key that is not in CRD_AUDIT_KEYS")
        from cryptography.exceptions import InvalidTag

        start = _HEAD + _NAME
        try:
            return cipher.decrypt(sealed[start : start + _NONCE], sealed[start + _NONCE :], sealed[1:_HEAD] + about)
        except (InvalidTag, ValueError):
            raise SealError("was changed, or belongs to another record") from None


def _aes(key: bytes) -> "AESGCM":
    # Only where there is a key: cryptography takes 9 MB and 50 ms of a start.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    """Return a dictionary by its number; OSError where this version has none."""
    found = zstandard.ZstdCompressionDict((_DICTIONARIES / f"{number}.bin").read_bytes())
    found.precompute_compress(level=_LEVEL)
    return found


def read_keys(path: Path | None) -> tuple[bytes, ...]:
    """Return the keys of a file: 32 bytes in Base64 a line, the one to encrypt with first; `#` begins a comment.

    Without a file there are none. StartError names the line, never what it holds.
    """
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise StartError(f"{path}: cannot be read as text") from None
    texts = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, start=1)]
    keys = tuple(_read_key(text, f"{path}: line {number}") for number, text in texts if text)
    if not keys:
        raise StartError(f"{path}: has no key; `crd audit new-key` makes one")
    return keys


def make_key() -> str:
    """Return a new key as a line of the file of keys."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _read_key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, altchars=b"-_" if "-" in text or "_" in text else None, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise StartError(f"{where}: is not {_KEY_BYTES} bytes in Base64; `crd audit new-key` makes a key")
    return key


def name_of_key(key: bytes) -> bytes:
    """Return what tells keys apart, from which the key cannot be computed."""
    return hashlib.sha256(b"crd audit key\0" + key).digest()[:_NAME]
