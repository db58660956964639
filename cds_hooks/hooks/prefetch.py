"""What of the records a call may need came with it. Records are found by resource type, whatever their key: clients
name keys as they like, and send Bundles of any type (of responses to a batch too), entries of Bundles, arrays, null, or
an OperationOutcome."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec

from cds_hooks.fhir.outcomes import is_error
from cds_hooks.fhir.validation import element_name

Json = Mapping[str, Any]

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])

#: The resource type that a template reads or searches.
_TYPE: Final = re.compile(r"[A-Za-z]+")


class Prefetched(NamedTuple):
    """A resource that came along: under which key, and the members and places that lead to it in the key's value."""

    resource: Json
    key: str
    steps: tuple[str | int, ...] = ()
    full_url: Any = None

    @property
    def path(self) -> str:
        """The FHIRPath of the resource in the request."""
        inner = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return f"prefetch.{element_name(self.key)}{inner}"

    def bytes_in(self, value: bytes) -> bytes:
        """Return the resource's own bytes in those of the key's value."""
        for step in self.steps:
            value = bytes(_ARRAY.decode(value)[step] if isinstance(step, int) else _OBJECT.decode(value)[step])
        return value


class Prefetch(NamedTuple):
    """What came with a call. `empty` are the resource types that the client asked for and found none of (null, or a
    Bundle without entries); `failed` those it could not ask for (an OperationOutcome: HK-52). Neither is asked
    for again. `unfinished` are Bundles with further pages (CDS Hooks 2.0, Prefetch Template): their key
    and the type they hold.
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
        read = _Value(key)
        read.take(value, ())
        resources += read.resources
        kind = _type_of(templates[key]) if key in templates else None
        if read.unfinished:
            kinds = [str(item.resource.get("resourceType")) for item in read.resources]
            of = kind or next((k for k in kinds if k not in _INCLUDED), "")
            unfinished += [(key, of, bundle) for bundle in read.unfinished]
        elif kind and not read.resources and (read.is_failed or read.is_answer):
            (failed if read.is_failed else empty).add(kind)
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


class _Value:
    """What one value of prefetch holds, whatever its shape."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.resources: list[Prefetched] = []
        self.unfinished: list[Json] = []
        #: Whether it tells of an error, and whether it is an answer at all: that nothing was found is one.
        self.is_failed = self.is_answer = False

    def take(self, value: Any, steps: tuple[str | int, ...], full_url: Any = None) -> None:
        """Take a resource, a Bundle, an entry of one (or of a batch's responses), or an array of any of them."""
        if isinstance(value, list):
            self.is_answer = True
            for number, item in enumerate(value):
                self.take(item, (*steps, number))
        elif not isinstance(value, dict):
            self.is_answer = self.is_answer or value is None
        elif _is_bundle(value):
            self.is_answer = True
            if _has_next(value):
                self.unfinished.append(value)
            self._take_entries(value.get("entry"), (*steps, "entry"))
        elif _is_entry(value):
            self._take_entry(value, steps)
        elif value.get("resourceType") == "OperationOutcome":
            # Instead of the data it is an error whatever it says; among data it may be a comment on them.
            self.is_failed = self.is_failed or not steps or is_error(value)
        else:
            self.resources.append(Prefetched(value, self._key, steps, full_url))

    def _take_entries(self, entries: Any, steps: tuple[str | int, ...]) -> None:
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                self._take_entry(entry, (*steps, number))

    def _take_entry(self, entry: Json, steps: tuple[str | int, ...]) -> None:
        """Take what an entry holds; one whose response is an error holds at most an OperationOutcome."""
        resource, status = entry.get("resource"), _status_of(entry)
        is_data = isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome"
        if status[:1] in ("4", "5") and not is_data:
            self.is_answer = self.is_answer or status in _NONE_THERE
            self.is_failed = self.is_failed or status not in _NONE_THERE
        elif isinstance(resource, dict):
            self.take(resource, (*steps, "resource"), entry.get("fullUrl"))


#: Statuses of a response that say that there is no such record.
_NONE_THERE: Final = frozenset({"404", "410"})

#: Members of an entry of a Bundle, of which one alone may stand for a resource that was asked for.
_OF_ENTRIES: Final = frozenset({"resource", "response", "fullUrl"})


def _is_bundle(value: Json) -> bool:
    return value.get("resourceType") == "Bundle" or isinstance(value.get("entry"), list)


def _is_entry(value: Json) -> bool:
    """Tell whether an object is an entry of a Bundle; an object that is nothing known is told as a resource's fault."""
    return "resourceType" not in value and not _OF_ENTRIES.isdisjoint(value)


def _status_of(entry: Json) -> str:
    response = entry.get("response")
    return str(response.get("status"))[:3] if isinstance(response, dict) else ""


def _has_next(bundle: Json) -> bool:
    links = bundle.get("link")
    found: Sequence[Any] = links if isinstance(links, list) else ()
    return any(isinstance(link, dict) and link.get("relation") == "next" and bool(link.get("url")) for link in found)


@cache
def _type_of(template: str) -> str:
    found = _TYPE.match(template)
    return found.group() if found else template
