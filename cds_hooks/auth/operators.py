"""Who may log in to the console with a password: a file of names, roles and hashes (argon2id, RFC 9106)."""

import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from cds_hooks.errors import StartError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

#: A reader sees figures; an operator may open calls, too.
READER: Final = "reader"
OPERATOR: Final = "operator"
ROLES: Final = (READER, OPERATOR)

#: Names are put into logs of access, and told from those of providers, which have blanks.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

#: Characters of a password at the least (NIST SP 800-63B-4, 3.1.1.2, for one that is the only factor), and at the most.
SHORTEST: Final = 15
LONGEST: Final = 256


class Operator(NamedTuple):
    """Somebody who may log in."""

    name: str
    role: str


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    role: str
    password: str


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    operators: list[_Entry] = []


class OperatorFile:
    """The operators of a file, read anew when it changes; one for all threads. StartError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state: tuple[int, int] | None = None
        self._entries: Mapping[str, _Entry] = {}

    def find(self, name: str) -> Operator | None:
        """Return an operator by name, with the role of this moment; None where there is none."""
        entry = self._read().get(name)
        return Operator(entry.name, entry.role) if entry else None

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody is in it."""
        return not self._read()

    def verify(self, name: str, password: str) -> Operator | None:
        """Return the operator whose password this is; a name that is not there takes as long. One at a time: 64 MiB."""
        entry = self._read().get(name)
        with self._lock:
            is_right = _is_right(entry.password if entry else _nobodys(), password)
        return Operator(entry.name, entry.role) if entry and is_right else None

    def set(self, name: str, role: str, password: str) -> None:
        """Add an operator, or give one another role and password."""
        if not _NAME.fullmatch(name):
            raise StartError("a name has letters, digits and . _ @ -, 64 at the most")
        if not SHORTEST <= len(password) <= LONGEST:
            raise StartError(f"a password has {SHORTEST} to {LONGEST} characters")
        entry = _Entry(name, role, _hasher().hash(password))
        self._write({**self._read(), name: entry})

    def remove(self, name: str) -> None:
        """Take an operator out: whoever is logged in by this name is not from now on."""
        entries = dict(self._read())
        if entries.pop(name, None) is None:
            raise StartError(f"there is no operator {name}")
        self._write(entries)

    def all(self) -> list[Operator]:
        """Return all operators, by name."""
        return [Operator(entry.name, entry.role) for _, entry in sorted(self._read().items())]

    def _read(self) -> Mapping[str, _Entry]:
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_ino)
            if state != self._state:
                document = msgspec.json.decode(self._path.read_bytes(), type=_Document)
                self._entries, self._state = {entry.name: entry for entry in document.operators}, state
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise StartError(f"{self._path}: cannot be read as a file of operators ({type(error).__name__})") from None
        return self._entries

    def _write(self, entries: Mapping[str, _Entry]) -> None:
        """Write the file anew, for its owner alone; whoever reads it meanwhile has the old one whole."""
        text = msgspec.json.format(msgspec.json.encode(_Document(list(entries.values()))), indent=2)
        draft = self._path.with_name(f"{self._path.name}.new")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(text + b"\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise StartError(f"{self._path}: cannot be written ({error.strerror})") from None
        self._state = None


_hashers: list["PasswordHasher"] = []
_hashes_of_nobody: list[str] = []


def _hasher() -> "PasswordHasher":
    # Only where somebody logs in: nothing of it is needed to answer calls.
    from argon2 import PasswordHasher

    if not _hashers:
        _hashers.append(PasswordHasher())
    return _hashers[0]


def _nobodys() -> str:
    """Return a hash that no password has, to take as long over a name that is not there."""
    if not _hashes_of_nobody:
        _hashes_of_nobody.append(_hasher().hash(os.urandom(16)))
    return _hashes_of_nobody[0]


def _is_right(hashed: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
