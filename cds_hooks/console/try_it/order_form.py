"""The form that describes an order: what a person wrote, what of it cannot be taken, and the order it stands for."""

from collections.abc import Mapping
from datetime import date
from json import JSONDecodeError
from typing import Any, Final, NamedTuple

import orjson

from cards import ORDER_TYPES, PLACE_OF_SERVICE, WIRE_VERSIONS, CodeSystems, DocumentError, is_npi
from cards.fact_elements import codings
from cards.npi import npis
from cds_hooks.hooks.services import SERVICES
from cds_hooks.rules.short_orders import identify_provider, read_code
from cds_hooks.strict_json import parse_json

#: Where an order of each kind has what is ordered.
_CONCEPTS: Final[Mapping[str, str]] = {
    "ServiceRequest": "code",
    "DeviceRequest": "codeCodeableConcept",
    "MedicationRequest": "medicationCodeableConcept",
}

KINDS: Final = (("ServiceRequest", "Procedure"), ("DeviceRequest", "Device"), ("MedicationRequest", "Medication"))

#: CMS's place of service codes that orders are most often for.
PLACES: Final = (
    ("11", "Office (11)"),
    ("12", "Home (12)"),
    ("19", "Hospital, off-campus outpatient (19)"),
    ("21", "Hospital, inpatient (21)"),
    ("22", "Hospital, on-campus outpatient (22)"),
    ("24", "Ambulatory surgical center (24)"),
)

HOOKS: Final = tuple(service.hook for service in SERVICES)
VERSIONS: Final = tuple(WIRE_VERSIONS)


class OrderForm(NamedTuple):
    """What a person wrote, as text. `coverage` is a payer's id or one of `hook_calls.SITUATIONS`; `resource` an order
    as FHIR, which then stands for all that the fields say of one; `member` the id of a member, where members are asked;
    `ordered_by` and `performed_by` are NPIs.
    """

    kind: str = "ServiceRequest"
    code: str = ""
    text: str = ""
    note: str = ""
    reason: str = ""
    place: str = ""
    coverage: str = ""
    on: str = ""
    hook: str = "order-sign"
    version: str = "2.0"
    resource: str = ""
    member: str = ""
    ordered_by: str = ""
    performed_by: str = ""


#: What a link to a try may carry: nothing that a person has written of a patient. An NPI is public (CMS, NPPES).
SHARED: Final = ("kind", "code", "place", "ordered_by", "performed_by", "coverage", "on", "hook", "version")

#: The fields that name a provider.
_PROVIDERS: Final = ("ordered_by", "performed_by")


class FormError(ValueError):
    """What of a form cannot be taken: for each field a sentence."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)


def read_form(values: Mapping[str, str], defaults: OrderForm) -> OrderForm:
    """Return what came of a form, with defaults for fields that did not come."""
    return OrderForm(*(values.get(name, default).strip() for name, default in defaults._asdict().items()))


def write_order(form: OrderForm, systems: CodeSystems) -> dict[str, Any]:
    """Return the FHIR order that a form describes; FormError where it describes none."""
    faults = _faults(form)
    order: dict[str, Any] = {}
    try:
        order = _read_resource(form.resource) if form.resource else _describe(form, systems)
    except FormError as error:
        faults |= error.faults
    if faults:
        raise FormError(faults)
    return order


def _faults(form: OrderForm) -> dict[str, str]:
    """Return what is wrong with the fields around the order."""
    faults = {}
    if form.hook not in HOOKS:
        faults["hook"] = f"One of {', '.join(HOOKS)}."
    if form.version not in VERSIONS:
        faults["version"] = f"One of {', '.join(VERSIONS)}."
    if form.kind not in _CONCEPTS:
        faults["kind"] = f"One of {', '.join(_CONCEPTS)}."
    try:
        date.fromisoformat(form.on)
    except ValueError:
        faults["on"] = "A day such as 2026-01-31."
    return faults if form.resource else faults | _npi_faults(form)


def _npi_faults(form: OrderForm) -> dict[str, str]:
    """Return what is wrong with the NPIs: a mistyped one would be somebody of whom nothing is known."""
    written = {name: getattr(form, name) for name in _PROVIDERS}
    return {name: _npi_fault(npi) for name, npi in written.items() if npi and not is_npi(npi)}


def _npi_fault(npi: str) -> str:
    if len(npi) != 10 or not (npi.isascii() and npi.isdecimal()):
        return "An NPI has ten digits, and nothing else."
    return "This is no NPI: its last digit does not fit the others. Look for a mistyped digit."


def _describe(form: OrderForm, systems: CodeSystems) -> dict[str, Any]:
    concept: dict[str, Any] = {}
    if form.code:
        concept["coding"] = [_read_codings(form.code, systems)]
    if form.text:
        concept["text"] = form.text
    if not concept and not form.note:
        raise FormError({"code": "Give a code, or say in words what is ordered."})
    order: dict[str, Any] = {"resourceType": form.kind, _CONCEPTS.get(form.kind, "code"): concept}
    if form.note:
        order["note"] = [{"text": form.note}]
    if form.reason:
        order["reasonCode"] = [{"text": form.reason}]
    if form.place and form.kind == "ServiceRequest":
        order["locationCode"] = [{"coding": [{"system": PLACE_OF_SERVICE, "code": form.place}]}]
    if form.ordered_by:
        order["requester"] = identify_provider(form.ordered_by)
    if form.performed_by:
        performer = identify_provider(form.performed_by)
        order["performer"] = [performer] if form.kind == "ServiceRequest" else performer
    return order


def _read_codings(code: str, systems: CodeSystems) -> dict[str, str]:
    try:
        return read_code(code, "code", systems)
    except DocumentError as error:
        said = f"{error.reason[:1].upper()}{error.reason[1:]}"
        raise FormError({"code": said if said.endswith("?") else f"{said}."}) from None


def _read_resource(text: str) -> dict[str, Any]:
    try:
        order = parse_json(text)
    except (ValueError, RecursionError) as error:
        place = f": line {error.lineno}, column {error.colno}" if isinstance(error, JSONDecodeError) else ""
        raise FormError({"resource": f"This is not JSON{place}."}) from None
    if not isinstance(order, dict) or str(order.get("resourceType", "ServiceRequest")) not in ORDER_TYPES:
        raise FormError({"resource": f"An order has a resourceType of {', '.join(ORDER_TYPES)}."})
    return {"resourceType": "ServiceRequest", **order}


def fill_form(order: Mapping[str, Any], systems: CodeSystems, around: OrderForm) -> OrderForm:
    """Return the form that describes an order: in its fields where they can say all of it, else as FHIR."""
    kind = order.get("resourceType", "ServiceRequest")
    filled = around._replace(resource="", **{"kind": kind} if kind in _CONCEPTS else {}, **_fields(order, systems))
    try:
        if _describe(filled, systems) == {"resourceType": kind, **order}:
            return filled
    except FormError:
        pass
    blank = around._replace(code="", text="", note="", reason="", place="", ordered_by="", performed_by="")
    return blank._replace(resource=orjson.dumps(order, option=orjson.OPT_INDENT_2).decode())


def _fields(order: Mapping[str, Any], systems: CodeSystems) -> dict[str, str]:
    concept = order.get(_CONCEPTS.get(order.get("resourceType", "ServiceRequest"), "code"))
    concept = concept if isinstance(concept, dict) else {}
    coding: dict[str, Any] = next(iter(concept.get("coding") or ()), {})
    names = {system.uri: name for name, system in systems.by_name.items()}
    known = names.get(str(coding.get("system")))
    return {
        "code": f"{known} {coding.get('code', '')}" if known else "",
        "text": str(concept.get("text", "")),
        "note": _first_text(order.get("note")),
        "reason": _first_text(order.get("reasonCode")),
        "place": _first_place(order.get("locationCode")),
        "ordered_by": _npi_of(order.get("requester")),
        "performed_by": _npi_of(order.get("performer")),
    }


def _first_place(concepts: Any) -> str:
    """Return the place of service that an order states, where the form has it to choose."""
    return next((code for _, code in codings(concepts) if code in dict(PLACES)), "")


def _npi_of(provider: Any) -> str:
    named = provider[0] if isinstance(provider, list) and provider else provider
    return next(iter(npis(named)), "")


def _first_text(items: Any) -> str:
    first = items[0] if isinstance(items, list) and items else None
    return str(first.get("text", "")) if isinstance(first, dict) else ""
