"""What of the records a call may need came with it. Records are found by resource type, whatever their key: clients
name keys as they like, and send Bundles of any type, or none, or null, or an OperationOutcome."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from cds_hooks.fhir.validation import element_name

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
    for again. `unfinished` are Bundles with further pages (cds-hooks.md 4.5): their key and the type they hold.
    """

    resources: list[Prefetched]
    empty: frozenset[str]
    failed: frozenset[str]
    unfinished: list[tuple[str, str, Json]]


def read_prefetch(prefetch: Json, templates: Mapping[str, str]) -> Prefetch:
    """Read the prefetch of a call to a service that announced `templates`."""
    resources: list[Prefetched] = []
    unfinished: list[tuple[str, str, Json]] = []
    empty: set[str] = set()
    failed: set[str] = set()
    for key, value in prefetch.items():
        before = len(resources)
        is_error = isinstance(value, dict) and _read_value(key, value, resources)
        found = resources[before:]
        kind = _type_of(templates[key]) if key in templates else None
        if _has_next(value):
            kinds = [str(item.resource.get("resourceType")) for item in found]
            unfinished.append((key, kind or next((k for k in kinds if k not in _INCLUDED), ""), value))
        elif kind and not found and (is_error or value is None or _is_bundle(value)):
            (failed if is_error else empty).add(kind)
    return Prefetch(resources, frozenset(empty), frozenset(failed), unfinished)


def outcomes(sent: Json, read: Prefetch, templates: Mapping[str, str]) -> dict[str, str]:
    """Return what came for each key that was announced, as a code; of other keys only that something did."""
    given = {item.key for item in read.resources}
    found = {key: "given" if key in given else _outcome(key, sent, read, templates[key]) for key in templates}
    return found if given <= found.keys() else {**found, "other": "given"}


def _outcome(key: str, sent: Json, read: Prefetch, template: str) -> str:
    if key not in sent:
        return "absent"
    return "null" if sent[key] is None else "failed" if _type_of(template) in read.failed else "empty"


#: What searches include beside what they search for.
_INCLUDED: Final = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location", "Patient"})


def _read_value(key: str, value: Json, resources: list[Prefetched]) -> bool:
    """Add the resources of a value, and tell whether it, or an entry, is an OperationOutcome that says of an error."""
    entries = value.get("entry")
    if not isinstance(entries, list):
        kind = value.get("resourceType")
        if kind not in ("Bundle", "OperationOutcome"):
            resources.append(Prefetched(value, key, None))
        return kind == "OperationOutcome"
    is_error = False
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome":
            is_error = is_error or _is_error(resource)
        elif isinstance(resource, dict):
            resources.append(Prefetched(resource, key, number, entry.get("fullUrl")))
    return is_error


def _is_error(outcome: Json) -> bool:
    """Tell whether an outcome inside a Bundle says of more than a warning (cds-hooks.md 4.5: inspect)."""
    issues = outcome.get("issue")
    severities = [i.get("severity") for i in issues if isinstance(i, dict)] if isinstance(issues, list) else []
    return not severities or any(severity not in ("warning", "information") for severity in severities)


def _is_bundle(value: Any) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == "Bundle"


def _has_next(value: Any) -> bool:
    links = value.get("link") if isinstance(value, dict) else None
    found = links if isinstance(links, list) else []
    return any(isinstance(link, dict) and link.get("relation") == "next" for link in found)


@cache
def _type_of(template: str) -> str:
    found = _TYPE.match(template)
    return found.group() if found else template
