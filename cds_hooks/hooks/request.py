"""One hook call as received: its envelope checked against CDS Hooks, its draft orders kept as their own bytes."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema_rs
import msgspec

from cards import ORDER_TYPES, literal_reference, record_key
from cds_hooks.errors import InvalidRequestError, Issue
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.held_resources import Draft, HeldResources, OrderReference, read_held
from cds_hooks.hooks.request_limits import refuse_costly, refuse_many
from cds_hooks.hooks.request_schema import RequestSchema
from cds_hooks.strict_json import read_json


class HookRequest(NamedTuple):
    """A hook call. `digest` identifies the whole request; `patient_id` and `encounter_id` are bare, `performer` is the
    reference to whom orders are dispatched to.

    `drafts` are the resources in the context, `references` the orders it only refers to. `is_plain` tells that all
    drafts and Coverages of the call are FHIR R4; where it is False they may be all the same.
    """

    hook: str
    hook_instance: str | None
    patient_id: str
    encounter_id: str | None
    performer: str | None
    selections: tuple[str, ...]
    drafts: list[Draft]
    references: list[OrderReference]
    prefetch: Mapping[str, Any]
    fhir_base: str | None
    fhir_token: str | None
    requested_version: Any
    configuration: Any
    digest: str
    body: bytes
    is_plain: bool

    def __repr__(self) -> str:
        """Name the hook and nothing else: everything else is a patient's, or a token."""
        return f"HookRequest({self.hook})"

    def prefetched_bytes(self) -> Mapping[str, bytes]:
        """Return the values of prefetch as their own JSON text."""
        return {key: bytes(raw) for key, raw in (_PREFETCH.decode(self.body).prefetch or {}).items()}


class _Orders(msgspec.Struct):
    held: msgspec.Raw = msgspec.field(name="draftOrders", default=msgspec.Raw(b"null"))


class _Appointments(msgspec.Struct):
    held: msgspec.Raw = msgspec.field(name="appointments", default=msgspec.Raw(b"null"))


class _OrdersBody(msgspec.Struct):
    context: _Orders


class _AppointmentsBody(msgspec.Struct):
    context: _Appointments


class _Prefetch(msgspec.Struct):
    prefetch: dict[str, msgspec.Raw] | None = None


#: The member of the context that holds what each hook is about, and what decodes it; any other member is ignored.
_HELD: Final[Mapping[str, tuple[str, msgspec.json.Decoder[Any]]]] = {
    "order-select": ("draftOrders", msgspec.json.Decoder(_OrdersBody)),
    "order-sign": ("draftOrders", msgspec.json.Decoder(_OrdersBody)),
    "appointment-book": ("appointments", msgspec.json.Decoder(_AppointmentsBody)),
}
_PREFETCH: Final = msgspec.json.Decoder(_Prefetch)

#: The spellings of order-dispatch's orders: hook 1.1, 1.0, and what its own examples and clients write.
_DISPATCHED: Final = ("dispatchedOrders", "dispatched-orders", "dispatchedOrder", "dispatched-order", "order")


class HookSchema:
    """The envelope of one hook, compiled once (jsonschema-rs): a call is checked in microseconds."""

    def __init__(self, hook: str, fhir_check: FhirCheck) -> None:
        schema = json.loads((Path(__file__).parents[1] / "schemas" / "hook-request.schema.json").read_text("utf-8"))
        root = {"$schema": schema["$schema"], "$ref": f"#/$defs/{hook}", "$defs": schema["$defs"]}
        self._schema = RequestSchema(root)
        both = {**fhir_check.plain_call(hook), "$defs": {**schema["$defs"], **fhir_check.definitions}}
        self._is_plain = jsonschema_rs.validator_for({**both, "$ref": f"#/$defs/{hook}"}).is_valid

    def check(self, document: Any) -> bool:
        """Raise InvalidRequestError with every fault of the envelope; return whether its FHIR is plainly valid."""
        if self._is_plain(document):
            return True
        self._schema.refuse_faults(document)
        return False


def read_hook_request(body: bytes, schema: HookSchema, max_nesting: int, max_orders: int) -> HookRequest:
    """Read a request body; UnreadableBodyError where it is not good JSON, InvalidRequestError where not a hook call,
    TooCostlyError before anything is done about more than is answered at once."""
    document = read_json(body, max_nesting)
    refuse_costly(body, document, max_orders)
    is_plain = schema.check(document)
    context = document["context"]
    hook = document["hook"]
    drafts, references, is_simple = _read_drafts(body, context, hook)
    refuse_many(len(drafts) + len(references), max_orders)
    if hook == "order-dispatch":
        references = _read_dispatched(context)
    authorization = document.get("fhirAuthorization") or {}
    extension = document.get("extension")
    agreed = extension if isinstance(extension, dict) else {}
    return HookRequest(
        hook=hook,
        hook_instance=_text_or_none(document.get("hookInstance")),
        patient_id=context["patientId"].removeprefix("Patient/"),
        encounter_id=_encounter_id(context.get("encounterId")),
        performer=_text_or_none(context.get("performer")) if hook == "order-dispatch" else None,
        selections=tuple(context.get("selections", ())),
        drafts=drafts,
        references=references,
        prefetch=document.get("prefetch") or {},
        fhir_base=_text_or_none(document.get("fhirServer")),
        fhir_token=_text_or_none(authorization.get("access_token")),
        requested_version=agreed.get("davinci-crd.requestedVersion"),
        configuration=agreed.get("davinci-crd.configuration"),
        digest=hashlib.sha256(body).hexdigest(),
        body=body,
        is_plain=is_plain and is_simple,
    )


def _text_or_none(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _encounter_id(value: Any) -> str | None:
    text = _text_or_none(value)
    return text.removeprefix("Encounter/") if text else None


def _read_drafts(body: bytes, context: Mapping[str, Any], hook: str) -> HeldResources:
    """Return the resources of the context with their bytes; what is a reference only is one to be read."""
    if hook not in _HELD:
        return HeldResources([], [])
    name, decoder = _HELD[hook]
    return read_held(context[name], decoder.decode(body).context.held, f"context.{name}")


def _read_dispatched(context: Mapping[str, Any]) -> list[OrderReference]:
    """Return the orders of order-dispatch, in whatever spelling (hook 1.0 and 1.1), each once.

    InvalidRequestError where one is no reference to an order, or where there is none: coverage information is owed.
    """
    found: dict[str, OrderReference] = {}
    for name in _DISPATCHED:
        held = context.get(name)
        several = isinstance(held, list)
        items: list[Any] = [] if held is None else held if isinstance(held, list) else [held]
        for number, item in enumerate(items):
            path = f"context.{name}" + (f"[{number}]" if several else "")
            reference = item if isinstance(item, str) else literal_reference(item)
            if not reference or not _refers_to_order(reference):
                raise InvalidRequestError(Issue("value", f"{path} must be a reference to an order", path))
            found.setdefault(record_key(reference), OrderReference(len(found), reference, path))
    if not found:
        name = next(name for name in _DISPATCHED if name in context)
        raise InvalidRequestError(Issue("required", f"context.{name} must name an order", f"context.{name}"))
    return list(found.values())


def _refers_to_order(reference: str) -> bool:
    return reference.startswith("urn:") or record_key(reference).partition("/")[0] in ORDER_TYPES
