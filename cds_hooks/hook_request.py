"""One hook call as received: its envelope checked against CDS Hooks, its draft orders kept as their own bytes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema_rs
import msgspec
import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cds_hooks.errors import InvalidRequestError, Issue, UnreadableBodyError
from cds_hooks.fhir_check import FhirCheck
from cds_hooks.json_documents import RepeatedMemberError, refuse_repeated_members

#: As many faults of an envelope are named; a body made of faults does not make an endless answer.
MOST_ISSUES: Final = 50


class Draft(NamedTuple):
    """One entry of draftOrders: its number, what was sent as the resource (anything at all), and its bytes."""

    number: int
    resource: Any
    raw: bytes

    @property
    def path(self) -> str:
        """The FHIRPath of the resource in the request."""
        return f"context.draftOrders.entry[{self.number}].resource"


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A hook call. `digest` identifies the whole request; `patient_id` is bare; only order-select has `selections`.

    `is_plain` tells that all its draft orders and Coverages are FHIR R4; where it is False they may be all the same.
    """

    hook: str
    patient_id: str
    selections: frozenset[str]
    drafts: list[Draft]
    prefetch: Mapping[str, Any]
    digest: str
    is_plain: bool


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Orders(msgspec.Struct):
    entry: list[_Entry] | None = None


class _Context(msgspec.Struct):
    draft_orders: _Orders = msgspec.field(name="draftOrders")


class _Body(msgspec.Struct):
    context: _Context


_DRAFTS: Final = msgspec.json.Decoder(_Body)


class HookSchema:
    """The envelope of one hook. One schema, two readers: jsonschema-rs tells in microseconds that all is well;
    where it is not, jsonschema tells everything that is wrong and where."""

    def __init__(self, hook: str, fhir_check: FhirCheck) -> None:
        schema = json.loads((Path(__file__).parent / "schemas" / "hook-request.schema.json").read_text("utf-8"))
        root = {"$schema": schema["$schema"], "$ref": f"#/$defs/{hook}", "$defs": schema["$defs"]}
        self._is_valid = jsonschema_rs.validator_for(root).is_valid
        self._explain = Draft202012Validator(root)
        both = {**fhir_check.plain_call(), "$defs": {**schema["$defs"], **fhir_check.definitions}}
        self._is_plain = jsonschema_rs.validator_for({**both, "$ref": f"#/$defs/{hook}"}).is_valid

    def check(self, document: Any) -> bool:
        """Raise InvalidRequestError with every fault of the envelope; return whether its FHIR is plainly valid."""
        if self._is_plain(document):
            return True
        if self._is_valid(document):
            return False
        first = islice(self._explain.iter_errors(document), 2 * MOST_ISSUES)
        issues = dict.fromkeys(_issue(fault) for fault in first)
        raise InvalidRequestError(*sorted(issues, key=str)[:MOST_ISSUES])


def read_hook_request(body: bytes, schema: HookSchema, max_nesting: int) -> HookRequest:
    """Read a request body; UnreadableBodyError where it is not good JSON, InvalidRequestError where not a hook call."""
    document = read_json(body, max_nesting)
    is_plain = schema.check(document)
    context = document["context"]
    entries = context["draftOrders"].get("entry") or ()
    raws = _DRAFTS.decode(body).context.draft_orders.entry or ()
    return HookRequest(
        hook=document["hook"],
        patient_id=context["patientId"].removeprefix("Patient/"),
        selections=frozenset(context.get("selections", ())),
        drafts=[Draft(n, e.get("resource"), bytes(raws[n].resource)) for n, e in enumerate(entries)],
        prefetch=document.get("prefetch") or {},
        digest=hashlib.sha256(body).hexdigest(),
        is_plain=is_plain,
    )


def read_json(body: bytes, max_nesting: int) -> dict[str, Any]:
    """Return the one JSON object of a body; NaN, repeated members and deep nesting are refused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableBodyError(Issue("structure", f"the body is not JSON: {_without_text(error)}")) from None
    if not isinstance(document, dict):
        raise UnreadableBodyError(Issue("structure", "the body must be a JSON object"))
    written = _write(document, max_nesting)
    _refuse_repeated_members(body, written)
    return document


def _without_text(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg.split(':')[0]} at line {error.lineno}, column {error.colno}"


def _write(document: dict[str, Any], max_nesting: int) -> bytes:
    """Return the document written with two spaces for every level, which shows how deep it is."""
    try:
        written = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # deeper than orjson writes, which is far deeper than any limit here
        written = None
    if written is None or b"\n" + b"  " * (max_nesting + 1) in written:
        raise UnreadableBodyError(Issue("too-costly", f"the body is nested deeper than {max_nesting} levels"))
    return written


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


def _issue(fault: ValidationError) -> Issue:
    path = _expression(fault.absolute_path)
    rule: Any = fault.validator_value
    match fault.validator:
        case "required":
            # jsonschema yields one fault for each missing member, and names it in its message only
            missing = fault.message.split("'")[1]
            where = f"{path}.{missing}" if path else missing
            return Issue("required", f"{where} is missing", where)
        case "type":
            kinds = [rule] if isinstance(rule, str) else rule
            return Issue("structure", f"{path or 'the body'} must be {' or '.join(map(_article, kinds))}", path or None)
        case "const":
            return Issue("value", f"{path} must be {rule} at this service", path)
        case _:
            return Issue("invalid", f"{path or 'the body'} must not be empty", path or None)


def _article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _expression(path: Any) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return parts.removeprefix(".")
