"""Reads the file of registered clients, and reads it again when it changes; an invalid one changes nothing."""

import threading
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final

from cds_hooks.auth.jwk import KeySet, read_key_set
from cds_hooks.auth.registrations import Clients, RegistrationError, read_clients
from cds_hooks.documents import Schema, load_schema, read_document
from cds_hooks.errors import StartError
from cds_hooks.file_watch import State, states_of
from cds_hooks.telemetry.logs import record

SCHEMA: Final = Path(__file__).resolve().parents[1] / "schemas" / "clients.schema.json"

#: The files are looked at this often, in seconds, by a call that comes then.
_LOOK_EVERY: Final = 1.0


def load_clients(path: Path, services: frozenset[str] = frozenset(), seen: dict[str, State] | None = None) -> Clients:
    """Return the registrations of a file, or raise StartError with the file, the JSON path and the reason.

    `services` are the ids that clients may be allowed. `seen` gets the state of each file before it was read.
    """
    seen = {} if seen is None else seen
    seen |= states_of([str(path)])
    document = read_document(path, _schema())
    try:
        return read_clients(document, partial(_read_keys, path.parent, seen), services)
    except RegistrationError as error:
        raise StartError(f"{path}: {error}") from None


@cache
def _schema() -> Schema:
    return load_schema(SCHEMA)


def _read_keys(folder: Path, seen: dict[str, State], name: str) -> KeySet:
    path = folder / name
    seen |= states_of([str(path)])
    try:
        keys = read_key_set(path.read_bytes())
    except FileNotFoundError:
        raise StartError(f"{path}: no such file (a relative name is looked for beside the registrations)") from None
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # a KeySetError, or a name that no file can have
        raise StartError(f"{path}: {error}") from None
    if not keys:
        raise StartError(f"{path}: has no key that could verify a token (each needs a kid, and no private part)")
    return keys


class ClientFile:
    """The registrations as they stand in the file now, for all threads of a process."""

    def __init__(
        self, path: Path, services: frozenset[str] = frozenset(), now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._services = services
        self._now = now
        self._lock = threading.Lock()
        self._looked = now()
        self._seen: dict[str, State] = {}
        self._clients = load_clients(path, services, self._seen)

    def current(self) -> Clients:
        """Return the registrations, read again if their files changed: one thread reads, the others go on."""
        if self._now() - self._looked >= _LOOK_EVERY and self._lock.acquire(blocking=False):
            try:
                self._look_again()
            finally:
                self._lock.release()
        return self._clients

    def _look_again(self) -> None:
        self._looked = self._now()
        states = states_of(self._seen)
        if states == self._seen:
            return
        seen: dict[str, State] = {}
        try:
            self._clients = load_clients(self._path, self._services, seen)
        except StartError as error:
            self._seen = {**states, **seen}  # the fault may be mended in any of them
            record("error", "clients-not-changed", reason=str(error), clients=len(self._clients.clients))
            return
        self._seen = seen
        record("info", "clients-changed", clients=len(self._clients.clients))
