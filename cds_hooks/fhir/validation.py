"""The check of FHIR resources with fhir.resources, in a few microseconds where nothing is wrong.

The models are those of R4B, the nearest that fhir.resources has to R4, the wire version of CRD. For the request
resources of CRD the two have the same elements; they differ in `Extension.value[x]` only: R4B lacks valueMeta
(accepted here, as R4 has it) and adds valueCodeableReference and valueRatioRange (which R4 has not; not noticed).

A model costs some 8 microseconds for every object of an order, twenty times what deciding on it costs, and building
the models takes 0.3 s. So a JSON Schema is derived from the models' own fields (`schema_derivation`) and
shipped, stricter than they are and never laxer: what passes it, the models accept (a property test holds this). Only
what does not pass is shown to the models, who have the last word; they are built for the first such order, which takes
0.1 s, and 4 of the 12 MB that all would take.
The models raise AttributeError, KeyError, TypeError and RecursionError on some; size, depth and resourceType are
therefore checked before. Their output is never used: `model_dump` loses decimals and rewrites times.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson
from pydantic import ValidationError

from cards import ORDER_TYPES, Fault

#: What `schema_derivation` derives from the models; `scripts/fhir-schema` writes it.
SCHEMA: Final = Path(__file__).resolve().parent / "r4-requests.schema.json"

#: The resources that are checked.
CHECKED: Final = (*ORDER_TYPES, "Coverage")

#: No order is that large; the models take a second for a megabyte.
MOST_BYTES: Final = 256 * 1024

#: As many faults of one order are named.
_MOST_FAULTS: Final = 50


class FhirCheck:
    """Checks the request resources of CRD and the Coverage they are paid by; built once at start."""

    def __init__(self) -> None:
        #: The derived JSON Schemas: one definition for each resource and data type.
        self.definitions: dict[str, Any] = _read_schema()["$defs"]
        self._compiled: dict[str, Callable[[Any], bool]] = {}

    def faults(self, resource: Any) -> tuple[Fault, ...]:
        """Return what in a draft order or Coverage breaks FHIR R4, with FHIRPaths from the resource on.

        The nesting of `resource` must have been limited before.
        """
        if not isinstance(resource, dict):
            return (Fault("", "must be a FHIR resource"),)
        kind = resource.get("resourceType")
        if not isinstance(kind, str) or kind not in CHECKED:
            return (Fault("Resource.resourceType", f"must be one of {', '.join(ORDER_TYPES)}"),)
        if self.is_plainly_valid(resource):
            return ()
        if len(orjson.dumps(resource)) > MOST_BYTES:
            return (Fault(kind, f"is larger than the {MOST_BYTES} bytes of an order that can be checked"),)
        return tuple(self._refused(kind, resource))[:_MOST_FAULTS]

    def is_plainly_valid(self, resource: Mapping[str, Any]) -> bool:
        """Tell that the models would accept the resource; False says nothing."""
        kind = resource["resourceType"]
        if kind not in self._compiled:  # a megabyte and 5 ms each; most calls are told to be plain as a whole
            schema = {"$ref": f"#/$defs/{kind}", "$defs": self.definitions}
            self._compiled[kind] = jsonschema_rs.validator_for(schema).is_valid
        return self._compiled[kind](resource)

    def plain_call(self, hook: str) -> dict[str, Any]:
        """Return a schema of hook calls all of whose orders in the context, and Coverages, are plainly valid.

        Of prefetch it knows resources and Bundles of them; whatever comes in another shape is not plainly valid.
        """
        kinds = ("Appointment",) if hook == "appointment-book" else ORDER_TYPES
        orders = {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds]}
        is_coverage = {"properties": {"resourceType": {"const": "Coverage"}}, "required": ["resourceType"]}
        coverage = {"if": is_coverage, "then": {"$ref": "#/$defs/Coverage"}}
        entry = {"required": ["resource"], "properties": {"resource": orders}}
        is_bundle = {"properties": {"resourceType": {"const": "Bundle"}}, "required": ["resourceType"]}
        in_bundle = {"properties": {"resource": {"allOf": [coverage, {"not": is_bundle}]}}, "required": ["resource"]}
        bundle = {"required": ["resourceType"], "properties": {"entry": {"items": in_bundle}}}
        value = {"type": ["object", "null"], "if": {"type": "object"}, "then": {"allOf": [coverage, bundle]}}
        in_context = {"type": "object", "properties": {"entry": {"items": entry}}}
        return {
            "properties": {
                "context": {"properties": {"draftOrders": in_context, "appointments": in_context}},
                "prefetch": {"additionalProperties": value},
            }
        }

    def _refused(self, kind: str, resource: Mapping[str, Any]) -> Iterator[Fault]:
        unknown = list(_unknown_types(resource, kind))
        if unknown:
            yield from unknown
            return
        from fhir.resources.R4B import get_fhir_model_class  # takes its time, see above

        try:
            get_fhir_model_class(kind).model_validate(resource)
        except ValidationError as error:
            yield from _model_faults(kind, error)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            yield Fault(kind, "could not be checked: its structure is not that of FHIR R4")


def _unknown_types(value: Any, path: str) -> Iterator[Fault]:
    """Yield every `resourceType` that names no R4B type: the models raise KeyError or TypeError on them."""
    if isinstance(value, dict):
        kind = value.get("resourceType")
        if "resourceType" in value and not is_resource_type(kind):
            yield Fault(f"{path}.resourceType", "is no FHIR R4 resource type")
        for name, item in value.items():
            yield from _unknown_types(item, f"{path}.{element_name(name)}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown_types(item, f"{path}[{number}]")


def is_resource_type(kind: Any) -> bool:
    """Tell whether a `resourceType` names a resource of FHIR R4."""
    return isinstance(kind, str) and kind in _resource_types()


@cache
def _resource_types() -> frozenset[str]:
    return frozenset(_read_schema()["resourceTypes"])


def _read_schema() -> Any:
    return orjson.loads(SCHEMA.read_bytes())


def _model_faults(kind: str, error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        location = fault["loc"]
        if location and location[-1] == "valueMeta" and fault["type"] == "extra_forbidden":
            continue  # R4 has it, R4B has not
        yield Fault(_path(kind, location), _PROBLEMS.get(fault["type"], "is not valid FHIR R4"))


#: What the models' own words for a fault mean; theirs may repeat a value of the order.
_PROBLEMS: Final[Mapping[str, str]] = {
    "extra_forbidden": "is not an element of FHIR R4 here",
    "missing": "is missing",
    "model_type": "must be an object",
    "list_type": "must be an array",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "string_pattern_mismatch": "does not have the form of its FHIR type",
    "json_invalid": "must be an object",
}


def _path(kind: str, location: tuple[int | str, ...]) -> str:
    return kind + "".join(f"[{part}]" if isinstance(part, int) else f".{element_name(part)}" for part in location)


def element_name(name: str) -> str:
    """Return the name of a member as it may be repeated: a client could write anything, even about a patient."""
    return name if _ELEMENT.match(name) else "*"


_ELEMENT: Final = re.compile(r"_?[A-Za-z][A-Za-z]{0,39}\Z")
