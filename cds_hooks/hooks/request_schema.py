"""Checks the JSON of a call against a JSON Schema, and says what is wrong where, without what the client wrote there.

One compiled engine, jsonschema-rs, decides and explains: its errors carry the path, the rule and the rule's value.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from cds_hooks.errors import InvalidRequestError, Issue

#: As many faults of a body are named; a body made of faults does not make an endless answer.
MOST_ISSUES: Final = 50


class RequestSchema:
    """A schema, compiled; formats (date-time, uri) are checked, which is not the default."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema: Any = schema
        self._validator = jsonschema_rs.validator_for(schema, validate_formats=True)

    def refuse_faults(self, document: Any) -> None:
        """Raise InvalidRequestError with the faults of a body, each once, in order of their places."""
        if self._validator.is_valid(document):
            return
        faults = islice(self._validator.iter_errors(document), 2 * MOST_ISSUES)
        issues = dict.fromkeys(self._issue(fault) for fault in faults)
        raise InvalidRequestError(*sorted(issues, key=str)[:MOST_ISSUES])

    def _issue(self, fault: jsonschema_rs.ValidationError) -> Issue:
        path = _expression(fault.instance_path)
        rule = self._part(fault.schema_path)
        match fault.kind.name:
            case "required":
                missing = str(fault.kind.value)
                where = f"{path}.{missing}" if path else missing
                return Issue("required", f"{where} is missing", where)
            case "type":
                kinds = " or ".join(map(_article, rule if isinstance(rule, list) else [rule]))
                return Issue("structure", f"{path or 'the body'} must be {kinds}", path or None)
            case "anyOf":
                named = [one["required"][0] for one in rule if "required" in one]
                where = f"{path}.{named[0]}"
                return Issue("required", f"{' or '.join([where, *named[1:]])} is missing", where)
            case "enum":
                return Issue("value", f"{path} must be one of {', '.join(rule)}", path)
            case "pattern" | "format":
                form = self._part(fault.schema_path[:-1]).get("description")
                return Issue("value", f"{path} does not have its form" + (f": {form}" if form else ""), path)
            case "maxLength" | "maxItems" as limit:
                unit = "characters" if limit == "maxLength" else "entries"
                return Issue("too-long", f"{path} must not have more than {rule} {unit}", path)
            case "const":
                return Issue("value", f"{path} must be {rule} at this service", path)
            case _:
                return Issue("invalid", f"{path or 'the body'} must not be empty", path or None)

    def _part(self, way: Sequence[str | int]) -> Any:
        """Return the part of the schema that is reached by these steps, in which references are resolved."""
        return reduce(lambda part, step: part[step], way, self._schema)


def _expression(path: Iterable[str | int]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return parts.removeprefix(".")


def _article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
