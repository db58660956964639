"""What of the records a call may need came with it. Records are found by resource type, whatever their key: clients
name keys as they like, and send Bundles of any type, or none, or null, or an OperationOutcome."""

import re
from collections.abc import Mapping
from functools import cache
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
    full_url: Any = None

    @property
    def path(self) -> str:
        """The FHIRPath of the resource in the request."""
        entry = "" if self.number is None else f".entry[{self.number}].resource"
        return f"prefetch.{element_name(self.key)}{entry}"


class Prefetch(NamedTuple):
    """What came with a call. `empty` are the resource types that the client asked for and found none of (null, or a
    Bundle without entries); `failed` those it could not ask for (an OperationOutcome: HK-52). Neither is asked
    for again. `unfinished` are Bundles that may have further pages (cds-hooks.md 4.5), with the type they hold.
    """

    resources: list[Prefetched]
    empty: frozenset[str]
    failed: frozenset[str]
    unfinished: list[tuple[str, Json]]


def read_prefetch(prefetch: Json, templates: Mapping[str, str]) -> Prefetch:
    """Read the prefetch of a call to a service that announced `templates`."""
    resources: list[Prefetched] = []
    unfinished: list[tuple[str, Json]] = []
    empty: set[str] = set()
    failed: set[str] = set()
    for key, value in prefetch.items():
        before = len(resources)
        if isinstance(value, dict):
            _read_value(key, value, resources)
            if "link" in value and len(resources) > before:
                unfinished.append((str(resources[before].resource.get("resourceType")), value))
        if key in templates:
            _read_state(value, resources[before:], _type_of(templates[key]), empty, failed)
    return Prefetch(resources, frozenset(empty), frozenset(failed), unfinished)


def _read_value(key: str, value: Json, resources: list[Prefetched]) -> None:
    entries = value.get("entry")
    if isinstance(entries, list):
        for number, entry in enumerate(entries):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                resources.append(Prefetched(resource, key, number, entry.get("fullUrl")))
    elif value.get("resourceType") != "Bundle":
        resources.append(Prefetched(value, key, None))


def _read_state(value: Any, found: list[Prefetched], kind: str, empty: set[str], failed: set[str]) -> None:
    """Note what the value of an announced key says of a resource type: that there is none, or that it failed."""
    if not found and (value is None or (isinstance(value, dict) and value.get("resourceType") == "Bundle")):
        empty.add(kind)
    for item in found:
        if item.resource.get("resourceType") == "OperationOutcome":
            failed.add(kind)


@cache
def _type_of(template: str) -> str:
    found = _TYPE.match(template)
    return found.group() if found else template
