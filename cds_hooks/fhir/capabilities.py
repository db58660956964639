"""What a FHIR server calls its search parameters (from its CapabilityStatement), and a cache of what servers do."""

import re
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from cds_hooks.fhir.queries import Asked
from cds_hooks.outbound.places import Place

T = TypeVar("T")

#: The names that a server has for search parameters, by the type searched and FHIR's name; only where the two differ.
Names = Mapping[tuple[str, str], str]

#: Values of a TtlCache are kept for so many seconds, and of so many servers.
SECONDS_REMEMBERED: Final = 600.0
MOST_REMEMBERED: Final = 256

#: Names are kept only so many of one server: anybody can name servers, and what they say must not fill the memory.
_MOST_NAMES: Final = 64

#: Parameters that find the same, where a server has only the second.
_SAME: Final = {("Coverage", "patient"): "beneficiary"}

#: FHIR's own definitions and those of US Core; types that share one have a word such as `clinical` for the type.
_DEFINITION: Final = re.compile(
    r"http://hl7\.org/fhir/(?:us/core/)?SearchParameter/(?:us-core-)?[A-Za-z]+-([a-z0-9-]{1,64})(?:\|.*)?"
)
_TYPE: Final = re.compile("[A-Z][A-Za-z]{1,63}")
_NAME: Final = re.compile("[A-Za-z][A-Za-z0-9_-]{0,63}")


class TtlCache(Generic[T]):
    """A cache of one value for each FHIR server, by base URL; for all threads. The oldest makes room for a new one."""

    def __init__(self) -> None:
        self._entries: dict[Place, tuple[float, T]] = {}
        self._lock = Lock()

    def get(self, base: Place) -> T | None:
        """Return the value of a server; None where there is none, or none any more."""
        expires, value = self._entries.get(base, (0.0, None))
        return value if expires > time.monotonic() else None

    def add(self, base: Place, value: T) -> None:
        """Keep a value of a server for a while, instead of a former one."""
        with self._lock:
            self._entries.pop(base, None)
            self._entries[base] = (time.monotonic() + SECONDS_REMEMBERED, value)
            if len(self._entries) > MOST_REMEMBERED:
                del self._entries[next(iter(self._entries))]


def read_names(statement: Mapping[str, Any]) -> Names:
    """Return the names of search parameters in which a server's CapabilityStatement deviates from FHIR (CRD-60)."""
    return dict(islice(_deviations(statement), _MOST_NAMES))


def _deviations(statement: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    resources = (resource for rest in _parts(statement, "rest") for resource in _parts(rest, "resource"))
    for resource in resources:
        kind = resource.get("type")
        if isinstance(kind, str) and _TYPE.fullmatch(kind):
            names = _names_of(kind, _parts(resource, "searchParam"))
            yield from (((kind, name), own) for name, own in names.items() if own != name)


def _names_of(kind: str, parameters: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return a server's names for the parameters of one type, by FHIR's; FHIR's own name wins where it has both."""
    names: dict[str, str] = {}
    for parameter in parameters:
        own, definition = parameter.get("name"), parameter.get("definition")
        if isinstance(own, str) and _NAME.fullmatch(own):
            name = _standard_name(own, definition)
            if name and names.get(name) != name:
                names[name] = own
    for (of, name), same in _SAME.items():
        if of == kind and same in names:
            names.setdefault(name, names[same])
    return names


def _standard_name(own: str, definition: Any) -> str | None:
    """Return FHIR's name for a parameter; one without a definition is taken at its name."""
    if definition is None:
        return own
    found = _DEFINITION.fullmatch(definition) if isinstance(definition, str) else None
    return found[1] if found else None


def _parts(element: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    parts = element.get(name)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def translate(asked: Asked, names: Names) -> str:
    """Return a search in a server's own names, modifiers and chains kept; `_include` has names too, and is left out."""
    path, mark, query = asked.without_include.partition("?")
    return f"{path}{mark}{'&'.join(_translated(asked.kind, part, names) for part in query.split('&'))}"


def _translated(kind: str, part: str, names: Names) -> str:
    name = _NAME.match(part)
    return names.get((kind, name[0]), name[0]) + part[name.end() :] if name else part
