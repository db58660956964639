"""Reading JSON that people wrote: strictly, against a JSON Schema, with errors that say file, path and reason."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cds_hooks.errors import StartError


class RepeatedMemberError(ValueError):
    """A JSON object has a member twice; which one is meant cannot be known."""


def refuse_repeated_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from its members (an `object_pairs_hook` of json.loads), each name once."""
    built = dict(members)
    if len(built) != len(members):
        counts = Counter(name for name, _ in members)
        raise RepeatedMemberError(next(name for name, count in counts.items() if count > 1))
    return built


def refuse_constant(constant: str) -> Any:
    """Refuse NaN and Infinity (a `parse_constant` of json.loads): they are not JSON."""
    raise ValueError(f"{constant} is not JSON")


def read_document(path: Path, schema: Draft202012Validator, is_valid: Callable[[Any], bool] | None = None) -> Any:
    """Return a JSON document that has passed its schema; StartError says what is wrong where.

    `is_valid` is a `quick_check` of the same schema: only what does not pass it is looked at for its faults.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=refuse_repeated_members, parse_constant=refuse_constant)
        json.dumps(document, ensure_ascii=False).encode()  # halves of characters could be neither printed nor logged
    except RepeatedMemberError as error:
        raise StartError(f"{path}: the member {error} is there twice") from None
    except json.JSONDecodeError as error:
        raise StartError(f"{path}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise StartError(f"{path}: nested too deep") from None
    except (OSError, ValueError) as error:
        raise StartError(f"{path}: {error}") from None
    if is_valid and is_valid(document):
        return document
    faults = sorted(_leaves(schema.iter_errors(document)), key=lambda fault: list(map(str, fault.absolute_path)))
    if faults:
        raise StartError("\n".join(f"{path}: {fault.json_path}: {_reason(fault)}" for fault in faults))
    return document


def load_schema(path: Path) -> Draft202012Validator:
    """Return the validator of a schema file; formats (date, uri) are checked, which is not the default."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def quick_check(schema: Draft202012Validator) -> Callable[[Any], bool]:
    """Return what tells in microseconds that all is well, where the schema itself takes milliseconds to say so.

    What it cannot read (a number beyond 64 bits, say) has not passed.
    """
    definition: Any = schema.schema
    is_valid = jsonschema_rs.validator_for(definition, validate_formats=True).is_valid

    def passes(document: Any) -> bool:
        try:
            return is_valid(document)
        except ValueError:
            return False

    return passes


def _leaves(faults: Any) -> Iterator[ValidationError]:
    """Yield the faults themselves instead of "is not valid under any of the given schemas"."""
    for fault in faults:
        deeper = [f for f in fault.context or () if f.validator != "type" or f.path]
        if deeper:
            yield from _leaves(deeper)
        else:
            yield fault


def _reason(fault: ValidationError) -> str:
    allowed = fault.schema.get("description") if isinstance(fault.schema, dict) else None
    return f"{fault.message}" + (f" ({allowed})" if allowed and fault.validator != "type" else "")
