"""Files of ours that a schema describes: policies, payers, vocabulary, registrations.

They are written by hand, so what hands and editors do to JSON is told in words, and where: quotes that are curly, a
comma too many, a word that is nearly one of those allowed.
"""

import json
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from cds_hooks.errors import StartError
from cds_hooks.strict_json import DuplicateKeyError, parse_json

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError


class Schema:
    """A JSON Schema of ours (draft 2020-12); formats (date, uri) are checked, which is not the default."""

    def __init__(self, definition: dict[str, Any]) -> None:
        jsonschema_rs.meta.validate(definition)  # what jsonschema takes 20 ms for
        self.definition = definition

    @cached_property
    def validator(self) -> "Draft202012Validator":
        """Its validator by jsonschema, which tells faults in words; loading that takes 40 ms and 4 MB."""
        from jsonschema import Draft202012Validator

        return Draft202012Validator(self.definition, format_checker=Draft202012Validator.FORMAT_CHECKER)


def read_document(path: Path, schema: Schema, is_valid: Callable[[Any], bool] | None = None) -> Any:
    """Return a JSON document that has passed its schema; StartError says what is wrong where.

    `is_valid` is a `quick_check` of the same schema: only what does not pass it is looked at for its faults.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark (RFC 8259, 8.1)
        document = parse_json(text)
        json.dumps(document, ensure_ascii=False).encode()  # halves of characters could be neither printed nor logged
    except DuplicateKeyError as error:
        raise StartError(f"{path}: {error}") from None
    except json.JSONDecodeError as error:
        where = f"{path}: line {error.lineno}, column {error.colno}"
        raise StartError(f"{where}: not JSON: {_what_is_wrong(error)}") from None
    except RecursionError:
        raise StartError(f"{path}: nested too deep") from None
    except (OSError, ValueError) as error:
        raise StartError(f"{path}: {error}") from None
    if is_valid and is_valid(document):
        return document
    faults = sorted(_find_faults(document, schema), key=lambda fault: list(map(str, fault.absolute_path)))
    if faults:
        raise StartError("\n".join(f"{path}: {fault.json_path}: {_reason(fault)}" for fault in faults))
    return document


def load_schema(path: Path) -> Schema:
    """Return the schema of a file."""
    return Schema(json.loads(path.read_text(encoding="utf-8")))


def quick_check(schema: Schema) -> Callable[[Any], bool]:
    """Return what tells in microseconds that all is well, where the schema itself takes milliseconds to say so.

    What it cannot read (a number beyond 64 bits, say) has not passed.
    """
    is_valid = jsonschema_rs.validator_for(schema.definition, validate_formats=True).is_valid

    def passes(document: Any) -> bool:
        try:
            return is_valid(document)
        except ValueError:
            return False

    return passes


def tell_faults(document: Any, schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield what is wrong in a document, each fault as its JSON path and the reason."""
    yield from ((fault.json_path, _reason(fault)) for fault in _find_faults(document, schema))


def _find_faults(document: Any, schema: Schema) -> list["ValidationError"]:
    """Return the faults of a document; a member that is missing is none where another one is a misspelling of it."""
    faults = list(_leaves(schema.validator.iter_errors(document)))
    misspelt = {(fault.json_path, name) for fault in faults for name in _meant_names(fault)}
    return [fault for fault in faults if (fault.json_path, _missing_name(fault)) not in misspelt]


def _meant_names(fault: "ValidationError") -> Iterator[str]:
    """Yield the names that members without a place may have been meant to have."""
    schema = fault.schema if isinstance(fault.schema, dict) else {}
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        yield from (name for _, name in _nearest_pairs(fault.instance, schema.get("properties", {})))


def _missing_name(fault: "ValidationError") -> str | None:
    """Return the name of a member that is missing; None for any other fault."""
    schema = fault.schema if isinstance(fault.schema, dict) else {}
    if fault.validator != "required":
        return None
    names: list[str] = schema.get("required", [])
    return next((name for name in names if fault.message.startswith(repr(name))), None)


def _leaves(faults: Any) -> Iterator["ValidationError"]:
    """Yield the faults themselves instead of "is not valid under any of the given schemas"."""
    for fault in faults:
        deeper = [f for f in fault.context or () if f.validator != "type" or f.path]
        if deeper and not _is_name(fault):
            yield from _leaves(deeper)
        else:
            yield fault


def _is_name(fault: "ValidationError") -> bool:
    """Tell whether a member's name is none of those that may stand there: one fault, whatever it might have been."""
    return fault.validator == "anyOf" and "propertyNames" in fault.absolute_schema_path


def _reason(fault: "ValidationError") -> str:
    schema = fault.schema if isinstance(fault.schema, dict) else {}
    if _is_name(fault) and "description" in schema:
        return f"{fault.instance!r} is not {schema['description']}"
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        return fault.message + _nearest_names(fault.instance, schema.get("properties", {}))
    message = f"{fault.instance!r} is not a day such as 2026-01-31" if _is_no_day(fault) else fault.message
    allowed = schema.get("description") if fault.validator != "type" else None
    return message + _nearest_value(fault) + (f" ({allowed})" if allowed else "")


def _is_no_day(fault: "ValidationError") -> bool:
    return fault.validator == "format" and fault.validator_value == "date"


def _nearest_names(instance: dict[str, Any], known: dict[str, Any]) -> str:
    """Return, for each member that has no place here but a name like a known one, which may have been meant."""
    return "".join(f"; did you mean '{meant}' for '{name}'?" for name, meant in _nearest_pairs(instance, known))


def _nearest_pairs(instance: dict[str, Any], known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each member that has no place here with the name, like its own, that may have been meant."""
    free = [name for name in known if name not in instance]
    for name in instance:
        if name not in known and (found := _nearest_name(name, free)):
            yield name, found[0]


def _nearest_name(name: str, known: list[str]) -> list[str]:
    """Return the name that is spelled most like another, or else one that is a part of it, or that it is a part of."""
    parts = [one for one in known if len(name) > 2 and (name in one or one in name)]
    return get_close_matches(name, known, n=1) or parts[:1]


def _nearest_value(fault: "ValidationError") -> str:
    """Return which of the words that are allowed may have been meant."""
    allowed = fault.schema.get("enum") if isinstance(fault.schema, dict) else None
    if fault.validator != "enum" or not isinstance(fault.instance, str) or not allowed:
        return ""
    words = [word for word in allowed if isinstance(word, str)]
    nearest = get_close_matches(fault.instance, words, n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


#: What hands and editors write where JSON has something else, by the character at which it is noticed.
_NOT_OF_JSON: Final = {
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", 'curly quotes; JSON has straight ones: "'),
    **dict.fromkeys("\u2018\u2019'", 'single quotes; JSON has double ones: "'),
    **dict.fromkeys("/#", "a comment; JSON has none"),
}
_BEFORE: Final = re.compile(r"(\S)\s*$")


def _what_is_wrong(error: json.JSONDecodeError) -> str:
    """Return what is wrong with a text that is not JSON, in words where it is one of the usual slips."""
    found, before = error.doc[error.pos : error.pos + 1], _BEFORE.search(error.doc, 0, error.pos)
    if found in _NOT_OF_JSON and found:
        return _NOT_OF_JSON[found]
    if found and found in "]}" and before and before[1] == ",":
        return f"a comma before {found}; behind the last one JSON has none"
    return error.msg.removesuffix(" starting at")
