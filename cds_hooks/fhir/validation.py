"""The check of FHIR resources with fhir.resources, in a few microseconds where nothing is wrong.

The models are those of R4B, the nearest that fhir.resources has to R4, the wire version of CRD. For the request
resources of CRD the two have the same elements; they differ in `Extension.value[x]` only: R4B lacks valueMeta
(accepted here, as R4 has it) and adds valueCodeableReference and valueRatioRange (which R4 has not; not noticed).

A model costs some 8 microseconds for every object of an order, twenty times what deciding on it costs. So a JSON
Schema is derived from the models' own fields at start, stricter than they are and never laxer: what passes it, the
models accept (a property test holds this). Only what does not pass is shown to the models, who have the last word.
The models raise AttributeError, KeyError, TypeError and RecursionError on some; size, depth and resourceType are
therefore checked before. Their output is never used: `model_dump` loses decimals and rewrites times.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final, get_args

import jsonschema_rs
import orjson
from fhir.resources import R4B
from pydantic import BaseModel, ValidationError

from cards import ORDER_TYPES, Fault

#: No order is that large; the models take a second for a megabyte.
MOST_BYTES: Final = 256 * 1024

#: As many faults of one order are named.
_MOST_FAULTS: Final = 50

_STRING: Final = {"type": "string", "pattern": r"^[^\s]([ \t\r\n]?[^\s])*$"}
_MONTH_DAY: Final = "((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_DATE: Final = f"(19|20)[0-9]{{2}}-{_MONTH_DAY}"
_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])"

#: The primitive types that the quick check knows, narrower than the models' own; any other goes to the models.
_PRIMITIVES: Final[Mapping[str, dict[str, Any]]] = {
    "Id": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    "Code": {"type": "string", "pattern": r"^[^\s]+( [^\s]+)*$"},
    "Uri": {"type": "string", "pattern": r"^[^\s]+$"},
    "Canonical": {"type": "string", "pattern": r"^[^\s]+$"},
    "String": _STRING,
    "Markdown": _STRING,
    "DateTime": {"type": "string", "pattern": f"^{_DATE}(T{_TIME})?$"},
    "Instant": {"type": "string", "pattern": f"^{_DATE}T{_TIME}$"},
    "Date": {"type": "string", "pattern": f"^{_DATE}$"},
    "Decimal": {"type": "number", "minimum": -(10**9), "maximum": 10**9},
    "PositiveInt": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "UnsignedInt": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "Integer": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647},
}


class FhirCheck:
    """Checks the request resources of CRD and the Coverage they are paid by; built once at start."""

    def __init__(self) -> None:
        self._models: dict[str, type[BaseModel]] = {
            kind: R4B.get_fhir_model_class(kind) for kind in (*ORDER_TYPES, "Coverage")
        }
        #: The derived JSON Schemas: one definition for each resource and data type.
        self.definitions: dict[str, Any] = {}
        for model in self._models.values():
            _define(model, self.definitions, root=True)
        self._is_plainly_valid: dict[str, Callable[[Any], bool]] = {
            kind: jsonschema_rs.validator_for({"$ref": f"#/$defs/{kind}", "$defs": self.definitions}).is_valid
            for kind in self._models
        }

    def faults(self, resource: Any) -> tuple[Fault, ...]:
        """Return what in a draft order or Coverage breaks FHIR R4, with FHIRPaths from the resource on.

        The nesting of `resource` must have been limited before.
        """
        if not isinstance(resource, dict):
            return (Fault("", "must be a FHIR resource"),)
        kind = resource.get("resourceType")
        if not isinstance(kind, str) or kind not in self._models:
            return (Fault("Resource.resourceType", f"must be one of {', '.join(ORDER_TYPES)}"),)
        if self.is_plainly_valid(resource):
            return ()
        if len(orjson.dumps(resource)) > MOST_BYTES:
            return (Fault(kind, f"is larger than the {MOST_BYTES} bytes of an order that can be checked"),)
        return tuple(self._refused(kind, resource))[:_MOST_FAULTS]

    def is_plainly_valid(self, resource: Mapping[str, Any]) -> bool:
        """Tell that the models would accept the resource; False says nothing."""
        return self._is_plainly_valid[resource["resourceType"]](resource)

    def plain_call(self, hook: str) -> dict[str, Any]:
        """Return a schema of hook calls all of whose orders in the context, and Coverages, are plainly valid."""
        kinds = ("Appointment",) if hook == "appointment-book" else ORDER_TYPES
        orders = {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds]}
        is_coverage = {"properties": {"resourceType": {"const": "Coverage"}}, "required": ["resourceType"]}
        coverage = {"if": is_coverage, "then": {"$ref": "#/$defs/Coverage"}}
        entry = {"required": ["resource"], "properties": {"resource": orders}}
        bundle = {"properties": {"entry": {"items": {"properties": {"resource": coverage}}}}}
        in_context = {"type": "object", "properties": {"entry": {"items": entry}}}
        return {
            "properties": {
                "context": {"properties": {"draftOrders": in_context, "appointments": in_context}},
                "prefetch": {"additionalProperties": {"allOf": [coverage, bundle]}},
            }
        }

    def _refused(self, kind: str, resource: Mapping[str, Any]) -> Iterator[Fault]:
        unknown = list(_unknown_types(resource, kind))
        if unknown:
            yield from unknown
            return
        try:
            self._models[kind].model_validate(resource)
        except ValidationError as error:
            yield from _model_faults(kind, error)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            yield Fault(kind, "could not be checked: its structure is not that of FHIR R4")


def _define(model: type[BaseModel], definitions: dict[str, Any], *, root: bool = False) -> None:
    """Add a JSON Schema that accepts only what the model accepts, from the model's own fields."""
    definition = definitions[model.__name__] = {}
    definition.update(_derive(model, definitions, root))


def _derive(model: type[BaseModel], definitions: dict[str, Any], root: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for field in model.model_fields.values():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("element_property"):
            known = _field_schema(field.annotation, field.metadata, definitions)
            if known:
                properties[str(field.alias)] = known
    if root:
        properties["resourceType"] = {"const": model.get_resource_type()}  # type: ignore[attr-defined]
        # No fault of the models' is worth a wrong answer: what may hold anything is shown to them.
        for anything in ("contained", "text"):
            properties.pop(anything, None)
    required = [str(f.alias) for f in model.model_fields.values() if f.is_required()]
    required += [name for name, _ in model.get_required_fields(None)]  # type: ignore[attr-defined]
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": [*required, *(["resourceType"] if root else [])],
        "properties": properties,
        "minProperties": 1,
    }
    if model.__name__ == "Extension":
        schema["maxProperties"] = 2  # url and one value, or url and extensions
        return schema
    rules = list(_choice_rules(model))
    return {**schema, "allOf": rules} if rules else schema


def _choice_rules(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Yield the rules of the model's choice elements (`value[x]`): at most one, or exactly one."""
    for names in model.get_one_of_many_fields(None).values():  # type: ignore[attr-defined]
        for one, other in combinations(names, 2):
            yield {"not": {"required": [one, other]}}
        if _is_required_choice(model, names):
            yield {"anyOf": [{"required": [name]} for name in names]}


def _is_required_choice(model: type[BaseModel], names: list[str]) -> bool:
    extra = model.model_fields[names[0]].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("one_of_many_required"))


def _field_schema(annotation: Any, metadata: list[Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    if annotation is bool:
        return {"type": "boolean"}
    for mark in metadata:
        if type(mark).__name__ in _PRIMITIVES:
            return _PRIMITIVES[type(mark).__name__]
    if hasattr(annotation, "get_model_klass"):
        return _reference(annotation.get_model_klass(), definitions)
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if getattr(annotation, "__origin__", None) is list or str(annotation).startswith("typing.List"):
        items = _field_schema(arguments[0], [], definitions)
        return {"type": "array", "minItems": 1, "items": items} if items else None
    if hasattr(annotation, "__metadata__"):
        return _field_schema(arguments[0], list(annotation.__metadata__), definitions)
    return _field_schema(arguments[0], [], definitions) if len(arguments) == 1 else None


def _reference(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any] | None:
    name = model.__name__
    if name in ("Resource", "Narrative"):
        return None
    if name not in definitions:
        _define(model, definitions)
    return {"$ref": f"#/$defs/{name}"}


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
    if not isinstance(kind, str) or not re.fullmatch(r"[A-Z][A-Za-z]+", kind):
        return False
    try:
        R4B.get_fhir_model_class(kind)
    except ValueError:
        return False
    return True


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
