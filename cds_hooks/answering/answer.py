"""One hook call from end to end, without HTTP: read it, judge its orders, refuse what must be refused, respond."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

from cards import WIRE_VERSIONS, Answered, Basis, Fault, ResponseOptions, WireVersion, fail, respond
from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.evaluation import EvaluatedOrder, Evaluation, unreadable_order
from cds_hooks.answering.rejections import refuse
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.answering.summary import Ids, give_account
from cds_hooks.answering.trace import Explanation, explain_order, trace
from cds_hooks.auth.caller import ANYONE, Caller
from cds_hooks.errors import (
    InvalidResourceError,
    Issue,
    UnsupportedVersionError,
)
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.configuration import read_configuration
from cds_hooks.hooks.request import MOST_ISSUES, HookRequest, read_hook_request
from cds_hooks.hooks.services import Service
from cds_hooks.rules.loading import Rules
from cds_hooks.store.calls import Summary
from cds_hooks.telemetry import metrics
from cds_hooks.telemetry.traces import span

#: The extension that carries the steps of each decision, where the setting asks for it.
TRACE: Final = "crd-server.trace"

_BASES: Final = {basis: basis.name.lower().replace("_", "-") for basis in Basis}


class Answer(NamedTuple):
    """The body of a 200 response, and the facts about the call that may be logged: counts and codes only.

    `give_account` tells what is to be kept of the call, `read` are the records that were read for it.
    """

    body: bytes
    facts: dict[str, Any]
    give_account: Callable[[], Summary]
    read: tuple[bytes, ...] = ()


def answer_hook(service: Service, body: bytes, deployment: Deployment, rules: Rules, caller: Caller = ANYONE) -> Answer:
    """Answer one hook call of a caller that was let in; CallError where it cannot be answered."""
    settings = deployment.settings
    with span("read"):
        call = read_hook_request(body, deployment.schemas[service.hook], settings.max_nesting, settings.max_orders)
    wire = choose_version(call.requested_version, settings.default_version)
    on = deployment.today()
    records = _open_records(service, call, deployment, rules, caller)
    if metrics.is_on():
        metrics.prefetched(caller.client, records.prefetched(service.templates(settings.default_version)))
    inquiry = Evaluation(service, call, records, wire, rules, on)
    with span("decide"):
        judged = inquiry.judge()
    fhir_faults = 0
    if not (call.is_plain and call.drafts) or records.reads or call.hook == "appointment-book":
        registered = caller.registration.fhir_check if caller.registration else None
        fhir_faults = _check_fhir(call, judged, records, deployment.fhir_check, registered or settings.fhir_check)
    judged = refuse(inquiry, judged, settings)
    configuration = read_configuration(call.configuration)
    options = ResponseOptions(
        wire,
        service.is_primary,
        settings.unmatched_orders == "annotate",
        configuration.declined,
        configuration.max_cards,
        call.fhir_base,
    )
    answered = [Answered(one.decisions, one.draft.raw, one.draft.number) for one in judged if one.decisions]
    answered += _answer_unavailable(inquiry)
    ids = Ids(service.id, call, records, on, settings.id_namespace)
    response = respond(answered, options, rules.vocabulary.code_systems, ids.derive)
    if metrics.is_on():
        metrics.answered(call.hook, _measure(answered))
    if settings.trace == "response":
        response = replace(response, extension={TRACE: list(trace(judged, rules, on))})
    written = response.to_json()
    facts = _facts(service, inquiry, judged, fhir_faults, configuration.nonsense)
    return Answer(written, facts, partial(give_account, call, answered, ids, written, rules.digest), records.fetched)


def choose_version(requested: Any, default: str) -> WireVersion:
    """Return the version of the guide that a client wants; UnsupportedVersionError where it is not spoken here.

    Clients of 2.0 and 2.1 request none (docs/calls.md). `2.2.1` is taken for `2.2`: patches do not change the wire.
    """
    if requested is None:
        return WIRE_VERSIONS[default]
    name = ".".join(requested.split(".")[:2]) if isinstance(requested, str) else ""
    if name not in WIRE_VERSIONS:
        raise UnsupportedVersionError(
            Issue(
                "not-supported",
                f"the requested version of CRD is not one of {', '.join(WIRE_VERSIONS)}",
                "extension.davinci-crd.requestedVersion",
            )
        )
    return WIRE_VERSIONS[name]


def _open_records(
    service: Service, call: HookRequest, deployment: Deployment, rules: Rules, caller: Caller | None
) -> ResourcePool:
    """Return the records of a call; nothing is fetched for nobody, or from a server its client may not name.

    docs/threats.md has why.
    """
    has_access = call.fhir_token or deployment.settings.anonymous_fhir == "allow"
    client = deployment.fhir_client if caller and has_access else None
    if caller and caller.registration and call.fhir_base and not caller.registration.may_read_from(call.fhir_base):
        client = None
    code_systems = rules.vocabulary.code_systems
    templates = service.templates("2.2")  # of any version: a client may have been told of them before
    return ResourcePool(call, templates, code_systems, client, deployment.settings.fhir_time_budget)


def _answer_unavailable(inquiry: Evaluation) -> list[Answered]:
    """Return an answer for each order that could not be had, while others could: a card says so (CRD-63)."""
    if not inquiry.service.is_primary:
        return []
    answered = []
    for reference in inquiry.unavailable:
        order = unreadable_order(reference.path, reference.reference)
        paying = inquiry.find_paying(order)[0]
        missing = (f"{order.title} could not be read",)
        answered.append(Answered((fail(order, paying, inquiry.on, missing),), b"{}", reference.number))
    return answered


def explain_hook(
    service: Service, body: bytes, deployment: Deployment, rules: Rules, on: date | None = None
) -> list[Explanation]:
    """Decide on the orders of a hook call as `answer_hook` does, and keep the steps. Nothing is fetched or answered."""
    settings = deployment.settings
    call = read_hook_request(body, deployment.schemas[service.hook], settings.max_nesting, settings.max_orders)
    wire = choose_version(call.requested_version, settings.default_version)
    day = on or deployment.today()
    records = _open_records(service, call, deployment, rules, None)
    judged = Evaluation(service, call, records, wire, rules, day).judge()
    return [explain_order(one.order, paying, rules, day) for one in judged for paying in one.paying]


def _facts(
    service: Service, inquiry: Evaluation, judged: Sequence[EvaluatedOrder], fhir_faults: int, nonsense: tuple[str, ...]
) -> dict[str, Any]:
    """Return what may be logged of a call: counts and codes, nothing of the patient."""
    records = inquiry.records
    facts: dict[str, Any] = {
        "service": service.id,
        "version": inquiry.wire.name,
        "orders": len(judged),
        "decisions": [decision.covered for one in judged for decision in one.decisions if decision.findings],
        "coverages": len(records.coverage_resources),
        "foreign_coverages": records.foreign_coverages,
        "fhir_faults": fhir_faults,
    }
    if records.reads:
        facts["fhir_reads"] = records.reads
        facts["fhir_problems"] = sorted(problem.name for problem in records.problems.values())
    if nonsense:
        facts["ignored_options"] = nonsense
    return facts


def _measure(answered: Iterable[Answered]) -> list[tuple[str, str, str, str]]:
    """Return each answer as metrics count it: the decision, what it rests on, the most binding policy, its version."""
    return [
        (
            decision.covered.value,
            _BASES[decision.basis],
            decision.findings[0].policy.id if decision.findings else "none",
            decision.findings[0].version.key if decision.findings else "none",
        )
        for one in answered
        for decision in one.decisions
    ]


def _check_fhir(
    call: HookRequest, judged: Sequence[EvaluatedOrder], records: ResourcePool, check: FhirCheck, mode: str
) -> int:
    """Return how many faults the orders and coverages have as FHIR R4; in strict mode refuse the call for them."""
    drafts = {draft.path: draft for draft in (*call.drafts, *(one.draft for one in judged))}
    checked = [(draft.resource, draft.path) for draft in drafts.values()] + records.coverage_resources
    faults = [(path, fault) for resource, path in checked for fault in check.faults(resource)]
    if faults and mode == "strict":
        raise InvalidResourceError(*(_issue(path, fault) for path, fault in faults[:MOST_ISSUES]))
    return len(faults)


def _issue(path: str, fault: Fault) -> Issue:
    within = fault.path.partition(".")[2] if "." in fault.path else ""
    expression = f"{path}.{within}" if within else path
    return Issue("structure", f"{expression} {fault.problem}", expression)
