"""Reading JSON so that no two readers could read it differently: bodies off the network, and documents of people.

A body is one object, and what is wrong with it is said without its values; a document has passed its JSON Schema, and
what is wrong is said with file, path and reason.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cds_hooks.errors import Issue, StartError, UnreadableBodyError


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


def read_json(body: bytes, max_nesting: int) -> dict[str, Any]:
    """Return the one JSON object of a body; NaN, repeated members and deep nesting are refused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableBodyError(Issue("structure", f"the body is not JSON: {_without_text(error)}")) from None
    if not isinstance(document, dict):
        raise UnreadableBodyError(Issue("structure", "the body must be a JSON object"))
    written = _write(document, body, max_nesting)
    _refuse_repeated_members(body, written)
    return document


def _without_text(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg.split(':')[0]} at line {error.lineno}, column {error.colno}"


def _write(document: dict[str, Any], body: bytes, max_nesting: int) -> bytes:
    """Return the document written again, once it is known not to be too deep.

    Of a small one, two spaces for every level show how deep it is, in microseconds. A large one is measured by its
    brackets: written with spaces, two megabytes could become hundreds.
    """
    is_large = len(body) > _LARGE
    too_deep = UnreadableBodyError(Issue("too-costly", f"the body is nested deeper than {max_nesting} levels"))
    if is_large and _depth(body) > max_nesting:
        raise too_deep
    try:
        written = orjson.dumps(document, option=None if is_large else orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # deeper than orjson writes, which is far deeper than any limit here
        raise too_deep from None
    if not is_large and b"\n" + b"  " * (max_nesting + 1) in written:
        raise too_deep
    return written


#: From this size on, in bytes, a body is large.
_LARGE: Final = 64 * 1024

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _depth(body: bytes) -> int:
    """Return how deep a JSON text is nested."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _refuse_repeated_members(body: bytes, written: bytes) -> None:
    """Raise for a member that an object has twice: orders and codes must not depend on who reads them.

    Every member has a colon. Strings have colons too, but then what the parse is `written` as has the same ones,
    unless an escape hides them. So without such escapes, as many colons prove that no member was lost in parsing;
    only other bodies are read again, slowly.
    """
    if body.count(b":") == written.count(b":") and (b"\\" not in body or b"\\u" not in body):
        return
    try:
        json.loads(body, object_pairs_hook=refuse_repeated_members)
    except RepeatedMemberError:
        raise UnreadableBodyError(Issue("structure", "an object of the body has the same member twice")) from None


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
