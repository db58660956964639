"""Tells whether a value is, in JSON, a value of its FHIR R4 datatype: the datatypes coverage-information uses."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

_STRING = re.compile(r"[\s\S]*\S[\s\S]*")
_CODE = re.compile(r"\S+( \S+)*")
_URI = re.compile(r"\S+")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_DATE_TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")

#: Members of the complex datatypes; a list's datatype stands in brackets.
_MEMBERS: dict[str, dict[str, str]] = {
    "Coding": {
        "system": "absolute",
        "version": "string",
        "code": "code",
        "display": "string",
        "userSelected": "boolean",
    },
    "CodeableConcept": {"coding": "[Coding]", "text": "string"},
    "Reference": {"reference": "string", "type": "uri", "identifier": "Identifier", "display": "string"},
    "Identifier": {
        "use": "code",
        "type": "CodeableConcept",
        "system": "absolute",
        "value": "string",
        "period": "Period",
        "assigner": "Reference",
    },
    "Period": {"start": "dateTime", "end": "dateTime"},
    "Quantity": {"value": "decimal", "comparator": "code", "unit": "string", "system": "absolute", "code": "code"},
    "SimpleQuantity": {"value": "decimal", "unit": "string", "system": "absolute", "code": "code"},
    "ContactPoint": {
        "system": "contact system",
        "value": "string",
        "use": "contact use",
        "rank": "positiveInt",
        "period": "Period",
    },
    "ContactDetail": {"name": "string", "telecom": "[ContactPoint]"},
}


def datatype_faults(kind: str, value: Any, path: str) -> Iterator[str]:
    """Yield what is wrong with `value` as a `kind`: its JSON type, its form, its members."""
    if kind.startswith("["):
        if not isinstance(value, list):
            yield f"{path}: is no array"
            return
        for number, item in enumerate(value):
            yield from datatype_faults(kind[1:-1], item, f"{path}[{number}]")
    elif kind in _MEMBERS:
        yield from _complex_faults(kind, value, path)
    elif not _PRIMITIVES[kind](value):
        yield f"{path}: {value!r} is no {kind}"


def _complex_faults(kind: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{path}: {value!r} is no {kind}"
        return
    members = _MEMBERS[kind]
    for name, item in value.items():
        if name in members:
            yield from datatype_faults(members[name], item, f"{path}.{name}")
        elif name not in ("id", "extension"):
            yield f"{path}: {kind} has no {name!r}"
    if kind in _INVARIANTS and not _INVARIANTS[kind][1](value):
        yield f"{path}: {_INVARIANTS[kind][0]}"


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_date(value: Any, pattern: re.Pattern[str] = _DATE) -> bool:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        return False
    parts = [int(part) for part in value[:10].split("-")]
    try:
        date(*(*parts, 1, 1)[:3])
    except ValueError:
        return False
    return True


def _is_decimal(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


_PRIMITIVES: dict[str, Callable[[Any], bool]] = {
    "absolute": _matches(_ABSOLUTE),
    "boolean": lambda value: isinstance(value, bool),
    "canonical": _matches(_URI),
    "code": _matches(_CODE),
    "contact system": lambda value: value in ("phone", "fax", "email", "pager", "url", "sms", "other"),
    "contact use": lambda value: value in ("home", "work", "temp", "old", "mobile"),
    "date": _is_date,
    "dateTime": lambda value: _is_date(value, _DATE_TIME),
    "decimal": _is_decimal,
    "positiveInt": lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    "string": _matches(_STRING),
    "uri": _matches(_URI),
    "url": _matches(_URI),
}

#: Invariants of the datatypes themselves.
_INVARIANTS: dict[str, tuple[str, Callable[[Mapping[str, Any]], bool]]] = {
    "ContactPoint": (
        "cpt-2: a system is required if a value is provided",
        lambda value: "value" not in value or "system" in value,
    ),
    "Quantity": (
        "qty-3: if a code for the unit is present, the system is too",
        lambda value: "code" not in value or "system" in value,
    ),
    "SimpleQuantity": (
        "qty-3: if a code for the unit is present, the system is too",
        lambda value: "code" not in value or "system" in value,
    ),
    "Period": (
        "per-1: start is not after end",
        lambda value: str(value.get("start", "")) <= str(value.get("end", "\uffff")),
    ),
}
