"""The resources that a context holds, in whatever shape they were put there: each is answered on, or named.

The hook library has a Bundle of orders. Clients also send an order by itself, an array, Bundles in Bundles, Parameters,
`{"resource": ...}`, references, and orders contained in a RequestGroup or a CarePlan.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final, NamedTuple

import msgspec

from cards import literal_reference
from cds_hooks.errors import InvalidRequestError, Issue


class Draft(NamedTuple):
    """One resource to answer on: its number in the call, what it is (anything at all), its bytes, and its FHIRPath.

    `container` is the resource that it is contained in: such a one has no bytes or place of its own.
    """

    number: int
    resource: Any
    raw: bytes
    path: str
    full_url: str | None = None
    container: Any = None


class OrderReference(NamedTuple):
    """An order that the call only refers to: its number, the literal reference, and where it stands."""

    number: int
    reference: str
    path: str


class HeldResources(NamedTuple):
    """What a context holds: resources, and references to be read. `is_simple`: in the shape that the hook defines."""

    drafts: list[Draft]
    references: list[OrderReference]
    is_simple: bool = True


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] | None = None


class _Parameter(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    part: "list[_Parameter] | None" = None


class _Parameters(msgspec.Struct):
    parameter: list[_Parameter] | None = None


_BUNDLE: Final = msgspec.json.Decoder(_Bundle)
_PARAMETERS: Final = msgspec.json.Decoder(_Parameters)
_WRAPPED: Final = msgspec.json.Decoder(_Entry)
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])

#: Resources that group orders: those contained in them are answered, those they refer to are read.
_GROUPS: Final = {"RequestGroup": ("action", "resource"), "CarePlan": ("activity", "reference")}


def read_held(held: Any, raw: msgspec.Raw, path: str) -> HeldResources:
    """Return the resources that a member of the context holds; InvalidRequestError for what is none in any shape."""
    reader = _HeldReader()
    if held:
        is_known = isinstance(held, list) or not _KNOWN_MEMBERS.isdisjoint(held)
        if not is_known:
            raise InvalidRequestError(Issue("structure", f"{path} is neither a Bundle nor a resource", path))
        reader.read(held, bytes(raw), path)
    return HeldResources(reader.drafts, reader.references, reader.is_simple)


#: Members by which an object is known as something that holds resources, is one, or refers to one.
_KNOWN_MEMBERS: Final = frozenset({"resourceType", "entry", "resource", "reference"})


class _HeldReader:
    """Collects the resources of one member of the context."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.references: list[OrderReference] = []
        self.is_simple = True
        self._numbers = count()

    def read(self, held: Any, raw: bytes, path: str, full_url: Any = None) -> None:
        """Read a value that holds resources, or is one."""
        kind = held.get("resourceType") if isinstance(held, dict) else None
        if isinstance(held, list):
            self.is_simple = self.is_simple and not any(_is_nesting(item) for item in held)
            for number, (item, own) in enumerate(zip(held, _ARRAY.decode(raw), strict=True)):
                self.read(item, bytes(own), f"{path}[{number}]")
        elif kind == "Bundle" or (isinstance(held, dict) and kind is None and "entry" in held):
            self._read_entries(held, raw, path)
        elif kind == "Parameters":
            self._read_parameters(held.get("parameter"), _read_parameters(raw), f"{path}.parameter")
        elif kind is None and isinstance(held, dict) and "resource" in held:
            self.is_simple = False
            self.read(held["resource"], bytes(_WRAPPED.decode(raw).resource), f"{path}.resource", held.get("fullUrl"))
        elif kind is None and (reference := held if isinstance(held, str) else literal_reference(held)) is not None:
            self.references.append(OrderReference(next(self._numbers), reference, path))
        else:
            self.is_simple = self.is_simple and path.endswith("]")
            self._read_resource(held, raw, path, full_url)

    def _read_entries(self, bundle: Any, raw: bytes, path: str) -> None:
        entries = bundle.get("entry") or ()
        written = _BUNDLE.decode(raw).entry or ()
        for number, entry in enumerate(entries):
            resource, own = entry.get("resource"), bytes(written[number].resource)
            here = f"{path}.entry[{number}].resource"
            if _is_nesting(resource):
                self.is_simple = False
                self.read(resource, own, here)
            else:
                self._read_resource(resource, own, here, entry.get("fullUrl"))

    def _read_parameters(self, parameters: Any, written: list[_Parameter], path: str) -> None:
        self.is_simple = False
        for number, (parameter, own) in enumerate(zip(parameters or (), written, strict=True)):
            here = f"{path}[{number}]"
            if "resource" in parameter:
                self.read(parameter["resource"], bytes(own.resource), f"{here}.resource")
            if own.part:
                self._read_parameters(parameter["part"], own.part, f"{here}.part")

    def _read_resource(self, resource: Any, raw: bytes, path: str, full_url: Any) -> None:
        """Read one resource: of a group the orders in it, else itself."""
        kind = str(resource.get("resourceType")) if isinstance(resource, dict) else ""
        found = list(_read_group(resource, *_GROUPS[kind])) if kind in _GROUPS else []
        for item, step in found:
            self.is_simple = False
            number, here = next(self._numbers), f"{path}.{step}"
            if isinstance(item, str):
                self.references.append(OrderReference(number, item, here))
            else:
                self.drafts.append(Draft(number, item, b"", here, full_url, resource))
        if not found:
            self.drafts.append(Draft(next(self._numbers), resource, raw, path, full_url))


def _is_nesting(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") in ("Bundle", "Parameters")


def _read_parameters(raw: bytes) -> list[_Parameter]:
    try:
        return _PARAMETERS.decode(raw).parameter or []
    except msgspec.ValidationError:
        return []


def _read_group(group: Any, element: str, member: str) -> Iterator[tuple[Any, str]]:
    """Yield the orders contained in a group, and the references of its elements to others, with their places."""
    contained = group.get("contained")
    for number, resource in enumerate(contained if isinstance(contained, list) else ()):
        yield resource, f"contained[{number}]"
    for path, item in _walk(group, element, element):
        reference = literal_reference(item.get(member))
        if reference and not reference.startswith("#"):
            yield reference, f"{path}.{member}"


def _walk(holder: Any, element: str, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the objects of a repeating element, and those nested in them under the same name."""
    items = holder.get(element)
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            here = f"{path}[{number}]"
            yield here, item
            yield from _walk(item, element, f"{here}.{element}")
