"""Derives from the models of fhir.resources a JSON Schema that accepts only what they accept, in microseconds.

It is derived when the models change, not at start: `scripts/fhir-schema` writes it beside this module, and a test
holds that it is what the models of the installed fhir.resources give.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final, get_args

from fhir.resources import R4B
from fhir.resources.R4B import fhirtypes
from pydantic import BaseModel

from cds_hooks.fhir.validation import CHECKED

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


def derive_schema() -> dict[str, Any]:
    """Return a definition for each checked resource and data type, and the names of all resource types of R4B."""
    return {"$defs": derive_definitions(), "resourceTypes": sorted(_resource_types())}


def derive_definitions() -> dict[str, Any]:
    """Return a definition for each checked resource and data type; all their models are built by then."""
    definitions: dict[str, Any] = {}
    for kind in CHECKED:
        _define(R4B.get_fhir_model_class(kind), definitions, root=True)
    return definitions


def _resource_types() -> Iterator[str]:
    """Yield the names of the resources that there are models of."""
    resource = R4B.get_fhir_model_class("Resource")
    for name in dir(fhirtypes):
        model = getattr(fhirtypes, name)
        if (
            name.endswith("Type")
            and hasattr(model, "get_model_klass")
            and issubclass(model.get_model_klass(), resource)
        ):
            yield name.removesuffix("Type")


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
