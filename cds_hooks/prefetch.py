"""What of the records a call may need came with it. Records are found by resource type, whatever their key: clients
name keys as they like, and send Bundles of any type, or none, or null, or an OperationOutcome."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from cds_hooks.fhir_check import element_name

Json = Mapping[str, Any]

#: The resource type that a template reads or searches.
_TYPE: Final = re.compile(r"[A-Za-z]+")


class Prefetched(NamedTuple):
    """A resource that came along: under which key, and at which place of its Bundle."""

    resource: Json
    key: str
    number: int | None

    @property
    def path(self) -> str:
        """The FHIRPath of the resource in the request."""
        entry = "" if self.number is None else f".entry[{self.number}].resource"
        return f"prefetch.{element_name(self.key)}{entry}"


class Prefetch(NamedTuple):
    """What came with a call. `empty` are the resource types that the client asked for and found none of (null, or a
    Bundle without entries: HK-53); `failed` those it could not ask for (an OperationOutcome: HK-52). Neither is asked
    for again. `unfinished` are Bundles with further pages (HK-48).
    """

    resources: list[Prefetched]
    empty: frozenset[str]
    failed: frozenset[str]
    unfinished: list[Json]


def read_prefetch(prefetch: Json, templates: Mapping[str, str]) -> Prefetch:
    """Read the prefetch of a call to a service that announced `templates`."""
    resources: list[Prefetched] = []
    unfinished: list[Json] = []
    empty: set[str] = set()
    failed: set[str] = set()
    for key, value in prefetch.items():
        found = list(_read_value(key, value))
        resources += found
        if isinstance(value, dict) and "link" in value:
            unfinished.append(value)
        if key in templates and not found:
            kind = _type_of(templates[key])
            if value is None or _is_kind(value, "Bundle"):
                empty.add(kind)
        if key in templates and any(_is_kind(item.resource, "OperationOutcome") for item in found):
            failed.add(_type_of(templates[key]))
    return Prefetch(resources, frozenset(empty), frozenset(failed), unfinished)


def _read_value(key: str, value: Any) -> Iterator[Prefetched]:
    if not isinstance(value, dict):
        return
    entries = value.get("entry")
    if isinstance(entries, list):
        for number, entry in enumerate(entries):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                yield Prefetched(resource, key, number)
    elif value.get("resourceType") != "Bundle":
        yield Prefetched(value, key, None)


def _is_kind(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == kind


def _type_of(template: str) -> str:
    found = _TYPE.match(template)
    return found.group() if found else template
