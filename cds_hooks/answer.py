"""One hook call from end to end, without HTTP: read it, gather who pays, decide on each order, respond."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple

from cards import (
    ORDER_TYPES,
    Answered,
    Decision,
    Fault,
    Order,
    Paying,
    ResponseOptions,
    choose_coverage,
    decide,
    read_order,
    respond,
)
from cds_hooks.errors import InvalidResourceError, Issue, UnknownPayerError
from cds_hooks.fhir_check import FhirCheck
from cds_hooks.hook_request import MOST_ISSUES, Draft, HookRequest, HookSchema, read_hook_request
from cds_hooks.policy_files import Rules
from cds_hooks.prefetch import Prefetched, read_prefetch
from cds_hooks.services import Service
from cds_hooks.settings import Clock, Settings

#: The extension that carries the steps of each decision, where the setting asks for it.
TRACE: Final = "crd-server.trace"


class Answer(NamedTuple):
    """The body of a 200 response, and the facts about the call that may be logged: counts and codes only."""

    body: bytes
    facts: dict[str, Any]


@dataclass(frozen=True)
class Deployment:
    """What all calls to one running service share; the clock is only asked for the day."""

    settings: Settings
    rules: Rules
    fhir_check: FhirCheck
    schemas: dict[str, HookSchema]
    options: dict[str, ResponseOptions]
    clock: Clock

    def today(self) -> date:
        """Return the calendar day of this deployment."""
        return self.settings.today(self.clock)


def answer_hook(service: Service, body: bytes, deployment: Deployment) -> Answer:
    """Answer one hook call; CallError where it cannot be answered."""
    rules = deployment.rules
    call = read_hook_request(body, deployment.schemas[service.hook], deployment.settings.max_nesting)
    drafts = _in_scope(call)
    prefetched = read_prefetch(call.prefetch, call.patient_id, rules.vocabulary.code_systems)
    fhir_faults = 0 if call.is_plain else _check_fhir(drafts, prefetched, deployment)
    on = deployment.today()
    answered = []
    traces: list[dict[str, Any]] = []
    for draft in drafts:
        order = _read(draft, rules, prefetched.records)
        paying = find_payer(order, prefetched, deployment, on)
        if deployment.settings.trace == "response":
            explained = explain_order(order, paying, rules, on)
            traces.append({"order": draft.path, "steps": explained.steps})
            decision = explained.decision
        else:
            decision = decide(order, paying, rules.index, on)
        if decision:
            answered.append(Answered(decision, draft.raw, draft.number))
    derive_id = _id_source(service, call, on, deployment.settings)
    response = respond(answered, deployment.options[service.hook], rules.vocabulary.code_systems, derive_id)
    if traces:
        response = replace(response, extension={TRACE: traces})
    return Answer(response.to_json(), _facts(service, drafts, answered, prefetched, fhir_faults))


class Explanation(NamedTuple):
    """One order of a call, how it was decided, and every step that led there."""

    order: Order
    paying: Paying
    decision: Decision | None
    steps: tuple[tuple[str, str], ...]


def explain_hook(service: Service, body: bytes, deployment: Deployment, on: date | None = None) -> list[Explanation]:
    """Decide on the orders of a hook call as `answer_hook` does, and keep the steps. Nothing is answered."""
    rules = deployment.rules
    call = read_hook_request(body, deployment.schemas[service.hook], deployment.settings.max_nesting)
    prefetched = read_prefetch(call.prefetch, call.patient_id, rules.vocabulary.code_systems)
    orders = [_read(draft, rules, prefetched.records) for draft in _in_scope(call)]
    day = on or deployment.today()
    return [explain_order(o, find_payer(o, prefetched, deployment, day), rules, day) for o in orders]


def explain_order(order: Order, paying: Paying, rules: Rules, on: date) -> Explanation:
    """Decide on one order and keep every step."""
    steps: list[tuple[str, str]] = [("payer", _describe_payer(paying))]
    steps += [("read", f"{fault.path} {fault.problem}") for fault in order.faults]
    decision = decide(order, paying, rules.index, on, lambda rule, found: steps.append((rule, found)))
    if order.is_void:
        steps.append(("ruled out", "the order asks for nothing: not to be performed, revoked or entered in error"))
    return Explanation(order, paying, decision, tuple(steps))


def _describe_payer(paying: Paying) -> str:
    if paying.coverage is None:
        return f"{paying.payer.name}: the default payer, no active Coverage came along"
    known = "named by" if paying.payer_is_known else "the default payer, another payer is named by"
    return f"{paying.payer.name}: {known} {paying.coverage.reference or 'a Coverage without an id'}"


def _facts(
    service: Service, drafts: Sequence[Draft], answered: Sequence[Answered], prefetched: Prefetched, fhir_faults: int
) -> dict[str, Any]:
    """Return what may be logged of a call: counts and codes, nothing of the patient."""
    return {
        "service": service.id,
        "orders": len(drafts),
        "decisions": [item.decision.covered for item in answered if item.decision.findings],
        "coverages": len(prefetched.coverages),
        "foreign_coverages": prefetched.foreign,
        "fhir_faults": fhir_faults,
    }


def _in_scope(call: HookRequest) -> list[Draft]:
    """Return the orders to comment on: on order-select only the selected ones, else every draft."""
    if call.hook != "order-select":
        return list(call.drafts)
    return [draft for draft in call.drafts if _is_selected(draft.resource, call.selections)]


def _is_selected(resource: Any, selections: frozenset[str]) -> bool:
    """Tell whether `selections` name an order, as `Type/id` or by its bare id, which the hook's text also allows."""
    if not isinstance(resource, dict):
        return False
    kind, identity = resource.get("resourceType"), resource.get("id")
    if not isinstance(kind, str) or not isinstance(identity, str):
        return False
    return f"{kind}/{identity}" in selections or identity in selections


def _read(draft: Draft, rules: Rules, records: Mapping[str, Any]) -> Order:
    """Read an order; one that is no request resource at all is an order that could not be read."""
    resource = draft.resource
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if isinstance(kind, str) and kind in ORDER_TYPES:
        return read_order(resource, rules.vocabulary.code_systems, records)
    return unreadable_order(draft.path)


def unreadable_order(path: str) -> Order:
    """Return an order of which nothing could be read; `path` says where it stood in the request."""
    fault = Fault(path, "is not a request resource of CRD")
    return Order("Order", None, None, False, (), (), (), None, (), None, (fault,))


def _check_fhir(drafts: Sequence[Draft], prefetched: Prefetched, deployment: Deployment) -> int:
    """Return how many faults the orders and coverages have as FHIR R4; in strict mode refuse the call for them."""
    checked = [(draft.resource, draft.path) for draft in drafts] + list(prefetched.resources)
    faults = [(path, fault) for resource, path in checked for fault in deployment.fhir_check.faults(resource)]
    if faults and deployment.settings.fhir_check == "strict":
        raise InvalidResourceError(*(_issue(path, fault) for path, fault in faults[:MOST_ISSUES]))
    return len(faults)


def _issue(path: str, fault: Fault) -> Issue:
    within = fault.path.partition(".")[2] if "." in fault.path else ""
    expression = f"{path}.{within}" if within else path
    return Issue("structure", f"{expression} {fault.problem}", expression)


def find_payer(order: Order, prefetched: Prefetched, deployment: Deployment, on: date) -> Paying:
    """Return who pays for an order; without a Coverage, and by setting for an unknown payer, the default payer."""
    payers = deployment.rules.payers
    coverage = choose_coverage(prefetched.of(order.subject), order.insurance, order.service_date or on)
    if coverage is None:
        return Paying(None, payers.default, payer_is_known=True)
    payer = payers.recognise(coverage)
    if payer is None and deployment.settings.unknown_payer == "refuse":
        raise UnknownPayerError(
            Issue(
                "not-supported",
                "the payer of the Coverage is not one this service answers for",
                "Coverage.payor",
            )
        )
    return Paying(coverage, payer or payers.default, payer_is_known=payer is not None)


def _id_source(service: Service, call: HookRequest, on: date, settings: Settings) -> Callable[..., str]:
    """Return what derives the ids of one answer: the same call on the same day has the same, no other call has.

    Some clients repeat hookInstance and order ids for every patient, so the whole request counts.
    """
    namespace = settings.id_namespace.bytes
    seed = f"{call.digest}|{service.id}|{on}|"
    return lambda *parts: derive_uuid(namespace, seed + "|".join(parts))


def derive_uuid(namespace: bytes, name: str) -> str:
    """Return `str(uuid.uuid5(...))`, at a third of its cost (RFC 9562, 5.5: SHA-1, version 5, variant 10)."""
    h = hashlib.sha1(namespace + name.encode(), usedforsecurity=False).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:32]}"
