"""From the lines of a file to rows: orders, the records they rest on, and lines that are set aside, with the reason."""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

import orjson

from cards import literal_reference, record_key
from cds_hooks.impact.batches import LINES, ORDER, SET_ASIDE
from cds_hooks.impact.sources import LONGEST_LINE, READ_ERRORS, FileRange, read_lines

#: What is answered on, and what answers rest on; other resources are counted as lines and passed over.
ORDER_TYPES: Final = frozenset({"ServiceRequest", "DeviceRequest", "MedicationRequest"})
RECORD_TYPES: Final = frozenset({"Coverage", "Organization", "Patient", "Medication", "Device", "Location"})

#: A line with none of these is no record; they are looked for before a line is read as JSON.
_MARKS: Final = tuple(f'"{kind}"'.encode() for kind in sorted(RECORD_TYPES))

#: The elements of an order, besides subject and insurance, that refer to records.
_REFERRING: Final = ("medicationReference", "codeReference", "locationReference", "insurance")


class Row(NamedTuple):
    """A line of a range: an order with the records it rests on by key, or a fault."""

    line: int
    kind: str
    fault: str | None = None
    order: bytes | None = None
    patient: str | None = None
    named: tuple[str, ...] = ()


class RecordRow(NamedTuple):
    """A record: its key, the patient that it covers, what it names in turn (payers), and its own bytes."""

    key: str
    patient: str | None
    named: tuple[str, ...]
    content: bytes


class Link(NamedTuple):
    """A record that an order of a patient names."""

    patient: str
    named: str


class Keys:
    """How resources are named: `Type/id`, behind the name of their folder where each folder is an export of its own."""

    def __init__(self, part: FileRange, *, apart: bool) -> None:
        self._before = f"{part.folder}|" if apart else ""

    def of(self, reference: str) -> str:
        """Return the key of what a literal reference names."""
        return self._before + record_key(reference)

    def all_of(self, value: Any) -> Iterator[str]:
        """Yield the keys of a Reference or a list of them; what is contained has none."""
        for item in value if isinstance(value, list) else (value,):
            reference = literal_reference(item)
            if reference and not reference.startswith("#"):
                yield self.of(reference)


def type_of(key: str) -> str:
    """Return the type in a key."""
    return key.rpartition("/")[0].rpartition("|")[2]


def read_rows(part: FileRange, *, apart: bool = False) -> Iterator[Row]:
    """Yield the orders and the faulty lines of a range, and as its last row how many lines it has."""
    keys, number = Keys(part, apart=apart), 0
    try:
        for number, line in enumerate(read_lines(part), start=1):
            if line is None:
                yield Row(number, SET_ASIDE, f"longer than {LONGEST_LINE >> 20} MiB")
            elif not line.isspace() and line and (row := _read_row(number, line, keys)):
                yield row
    except READ_ERRORS as error:
        number += 1
        yield Row(number, SET_ASIDE, f"the file cannot be read on from here: {type(error).__name__}")
    yield Row(number, LINES)


def _read_row(number: int, line: bytes, keys: Keys) -> Row | None:
    try:
        resource = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Row(number, SET_ASIDE, "not JSON in UTF-8")
    if not isinstance(resource, dict) or not isinstance(kind := resource.get("resourceType"), str):
        return Row(number, SET_ASIDE, "not a FHIR resource: no resourceType")
    if kind not in ORDER_TYPES:
        return None
    patient = next(keys.all_of(resource.get("subject")), None)
    return Row(number, ORDER, None, line, patient, _named_by(resource, keys))


def read_records(part: FileRange, *, apart: bool = False) -> Iterator[RecordRow]:
    """Yield the records of a range; a line that cannot be read is told of by `read_rows`."""
    keys = Keys(part, apart=apart)
    for line, resource in _resources(part, _MARKS):
        if record := _read_record(line, resource, keys):
            yield record


def read_links(part: FileRange, types: Collection[str], *, apart: bool = False) -> Iterator[Link]:
    """Yield which records of some types the orders of a range name, each patient's once: what a cluster joins by."""
    keys, seen = Keys(part, apart=apart), set[Link]()
    for _, resource in _resources(part, tuple(kind.encode() for kind in types)):
        if resource.get("resourceType") in ORDER_TYPES:
            patient = next(keys.all_of(resource.get("subject")), None)
            for named in _named_by(resource, keys) if patient else ():
                link = Link(patient or "", named)
                if type_of(named) in types and link not in seen:
                    seen.add(link)
                    yield link


def _read_record(line: bytes, resource: dict[str, Any], keys: Keys) -> RecordRow | None:
    kind, identity = resource.get("resourceType"), resource.get("id")
    if kind not in RECORD_TYPES or not isinstance(identity, str):
        return None
    is_coverage = kind == "Coverage"
    patient = next(keys.all_of(resource.get("beneficiary")), None) if is_coverage else None
    named = tuple(keys.all_of(resource.get("payor"))) if is_coverage else ()
    return RecordRow(keys.of(f"{kind}/{identity}"), patient, named, _least(kind, resource, line))


def _named_by(order: dict[str, Any], keys: Keys) -> tuple[str, ...]:
    return tuple([key for name in _REFERRING if name in order for key in keys.all_of(order[name])])


def _least(kind: str, resource: dict[str, Any], line: bytes) -> bytes:
    """Return a record as it is kept while the work goes on: of a Patient no more than an answer may rest on."""
    if kind != "Patient":
        return line
    return orjson.dumps({name: resource[name] for name in ("resourceType", "id", "birthDate") if name in resource})


def _resources(part: FileRange, marks: tuple[bytes, ...]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield the resources of a range whose lines hold one of some marks."""
    try:
        for line in read_lines(part):
            if line and any(mark in line for mark in marks):
                try:
                    resource = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(resource, dict):
                    yield line, resource
    except READ_ERRORS:
        return
