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
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cds_hooks.errors import InvalidRequestError, Issue
from cds_hooks.fhir_check import FhirCheck
from cds_hooks.json_bodies import read_json

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
