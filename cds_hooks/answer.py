"""One hook call from end to end, without HTTP: read it, judge its orders, refuse what must be refused, respond."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple

from cards import (
    WIRE_VERSIONS,
    Answered,
    Basis,
    CoverageProblem,
    Decision,
    Fault,
    Order,
    Paying,
    ResponseOptions,
    WireVersion,
    decide,
    fail,
    respond,
)
from cds_hooks.configuration import read_configuration
from cds_hooks.deployment import Deployment
from cds_hooks.errors import (
    CoverageProblemError,
    InvalidResourceError,
    Issue,
    MissingDataError,
    UnsupportedVersionError,
)
from cds_hooks.fhir_access import Problem
from cds_hooks.hook_request import MOST_ISSUES, HookRequest, OrderReference, read_hook_request
from cds_hooks.judging import Inquiry, Judged, speaks, unreadable_order
from cds_hooks.policy_files import Rules
from cds_hooks.records import Records
from cds_hooks.services import Service
from cds_hooks.settings import Settings

#: The extension that carries the steps of each decision, where the setting asks for it.
TRACE: Final = "crd-server.trace"


class Answer(NamedTuple):
    """The body of a 200 response, and the facts about the call that may be logged: counts and codes only."""

    body: bytes
    facts: dict[str, Any]


def answer_hook(service: Service, body: bytes, deployment: Deployment) -> Answer:
    """Answer one hook call; CallError where it cannot be answered."""
    settings, rules = deployment.settings, deployment.rules
    call = read_hook_request(body, deployment.schemas[service.hook], settings.max_nesting)
    wire = choose_version(call.requested_version, settings.default_version)
    on = deployment.today()
    records = _open_records(service, call, deployment, fetching=True)
    inquiry = Inquiry(service, call, records, wire, deployment, on)
    judged = inquiry.judge()
    fhir_faults = 0 if call.is_plain and not records.reads else _check_fhir(call, judged, records, deployment)
    _refuse_missing_data(inquiry, judged)
    _refuse_coverage_problems(inquiry, judged, settings)
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
    derive_id = _id_source(service, call, records, on, settings)
    response = respond(answered, options, rules.vocabulary.code_systems, derive_id)
    if settings.trace == "response":
        response = replace(response, extension={TRACE: list(_trace(judged, rules, on))})
    return Answer(response.to_json(), _facts(service, inquiry, judged, fhir_faults, configuration.nonsense))


def choose_version(requested: Any, default: str) -> WireVersion:
    """Return the version of the guide that a client wants; UnsupportedVersionError where it is not spoken here.

    Clients of 2.0 and 2.1 request none (crd.md 4). `2.2.1` is taken for `2.2`: patches do not change the wire.
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


def _open_records(service: Service, call: HookRequest, deployment: Deployment, *, fetching: bool) -> Records:
    has_access = call.fhir_token or deployment.settings.anonymous_fhir == "allow"
    client = deployment.fhir_client if fetching and has_access else None
    code_systems = deployment.rules.vocabulary.code_systems
    templates = service.templates("2.2")  # of any version: a client may have been told of them before
    return Records(call, templates, code_systems, client, deployment.settings.fhir_time_budget)


def _refuse_missing_data(inquiry: Inquiry, judged: Sequence[Judged]) -> None:
    """Raise where nothing owed can be said because something could not be had (HK-54, CRD-63).

    CRD 2.2 says `indeterminate` instead, where there is a Coverage to say it about (resp-43).
    """
    lacking = []
    for one in judged:
        if _is_lacking(one, inquiry):
            lacking.append(one)
        elif one.decisions:
            return  # CRD-63: what can be said is said
    unavailable = inquiry.unavailable if inquiry.service.is_primary else []
    if not lacking and not unavailable:
        return
    issues = [_missing_order(reference, inquiry.records) for reference in unavailable]
    issues += dict.fromkeys(issue for one in lacking for issue in _missing_records(one, inquiry.records))
    raise MissingDataError(*issues[:MOST_ISSUES])


def _is_lacking(judged: Judged, inquiry: Inquiry) -> bool:
    """Tell whether an order that asks for something gets no answer, not even an `indeterminate` one."""
    if not judged.decisions:
        return False
    if any(paying.problem is CoverageProblem.UNREAD for paying in judged.paying):
        return inquiry.service.is_primary or (inquiry.wire.refuses_coverage_problems and speaks(judged))
    failed = all(decision.basis is Basis.TECHNICAL for decision in judged.decisions)
    can_say = inquiry.wire.indeterminate == "indeterminate" and any(paying.coverage for paying in judged.paying)
    return failed and inquiry.service.is_primary and not can_say


def _missing_order(reference: OrderReference, records: Records) -> Issue:
    problem = records.problem_of(reference.reference)
    why = problem.value if problem else "it was not sent, and the call gives no access to a FHIR server"
    code = "not-found" if problem in (None, Problem.NOT_THERE) else "transient"
    return Issue(code, f"the order at {reference.path} could not be read: {why}", reference.path)


def _missing_records(judged: Judged, records: Records) -> Iterator[Issue]:
    """Yield what was missing for an order, by type: ids of records are a patient's."""
    wanted = list(judged.order.unread)
    for paying in judged.paying:
        if paying.problem is CoverageProblem.UNREAD:
            problem = records.problems.get(records.coverage_search or "")
            why = problem.value if problem else "the client reported an error for it"
            yield Issue("transient", f"the Coverage of the patient could not be read: {why}", "prefetch.coverage")
        if paying.problem is CoverageProblem.UNREAD_PAYER and paying.coverage:
            wanted += paying.coverage.unread_payors
    for reference in wanted:
        kind = reference.split("/")[-2] if "/" in reference else "record"
        problem = records.problem_of(reference)
        why = problem.value if problem else "it was not sent, and the call gives no access to a FHIR server"
        where = judged.draft.path
        yield Issue("transient", f"a {kind} that the order at {where} depends on could not be read: {why}", where)


def _refuse_coverage_problems(inquiry: Inquiry, judged: Sequence[Judged], settings: Settings) -> None:
    """Raise where the version, or the setting for 2.0, wants 400 for a coverage that cannot be told (hook-13)."""
    found: dict[CoverageProblem, None] = {}
    for one in judged:
        if one.decisions and (inquiry.service.is_primary or speaks(one)):
            found.update(dict.fromkeys(paying.problem for paying in one.paying if paying.problem))
    refused = [problem for problem in found if _is_refused(problem, inquiry.wire, settings)]
    if refused:
        raise CoverageProblemError(*(Issue("not-supported", p.value, _WHERE.get(p, "Coverage")) for p in refused))


#: Where a coverage problem lies, as a FHIRPath from the Coverage on.
_WHERE: Final = {
    CoverageProblem.NO_PAYER_IDENTIFIER: "Coverage.payor.identifier",
    CoverageProblem.UNKNOWN_PAYER: "Coverage.payor",
    CoverageProblem.INACTIVE: "Coverage.status",
}

#: What failed for technical reasons is no fault of the request.
_TECHNICAL: Final = frozenset({CoverageProblem.UNREAD, CoverageProblem.UNREAD_PAYER})


def _is_refused(problem: CoverageProblem, wire: WireVersion, settings: Settings) -> bool:
    if wire.refuses_coverage_problems:
        return problem not in _TECHNICAL
    return problem is CoverageProblem.UNKNOWN_PAYER and settings.unknown_payer == "refuse"


def _answer_unavailable(inquiry: Inquiry) -> list[Answered]:
    """Return an answer for each order that could not be had, while others could: a card says so (CRD-63)."""
    if not inquiry.service.is_primary:
        return []
    answered = []
    for reference in inquiry.unavailable:
        order = unreadable_order(reference.path)
        paying = inquiry.find_paying(order)[0]
        missing = (f"the order at {reference.path} could not be read",)
        answered.append(Answered((fail(order, paying, inquiry.on, missing),), b"{}", reference.number))
    return answered


class Explanation(NamedTuple):
    """One order of a call, how it was decided, and every step that led there."""

    order: Order
    paying: Paying
    decision: Decision | None
    steps: tuple[tuple[str, str], ...]


def explain_hook(service: Service, body: bytes, deployment: Deployment, on: date | None = None) -> list[Explanation]:
    """Decide on the orders of a hook call as `answer_hook` does, and keep the steps. Nothing is fetched or answered."""
    call = read_hook_request(body, deployment.schemas[service.hook], deployment.settings.max_nesting)
    wire = choose_version(call.requested_version, deployment.settings.default_version)
    day = on or deployment.today()
    records = _open_records(service, call, deployment, fetching=False)
    judged = Inquiry(service, call, records, wire, deployment, day).judge()
    return [explain_order(one.order, paying, deployment.rules, day) for one in judged for paying in one.paying]


def explain_order(order: Order, paying: Paying, rules: Rules, on: date) -> Explanation:
    """Decide on one order and keep every step."""
    steps: list[tuple[str, str]] = [("payer", _describe_payer(paying))]
    steps += [("read", f"{fault.path} {fault.problem}") for fault in order.faults]
    decision = decide(order, paying, rules.index, on, lambda rule, found: steps.append((rule, found)))
    if order.is_void:
        steps.append(("ruled out", "the order asks for nothing: not to be performed, revoked or entered in error"))
    return Explanation(order, paying, decision, tuple(steps))


def _trace(judged: Iterable[Judged], rules: Rules, on: date) -> Iterator[dict[str, Any]]:
    for one in judged:
        for paying in one.paying:
            yield {"order": one.draft.path, "steps": explain_order(one.order, paying, rules, on).steps}


def _describe_payer(paying: Paying) -> str:
    if paying.coverage is None:
        why = paying.problem.value if paying.problem else "no coverage is asked about"
        return f"{paying.payer.name}: the default payer; {why}"
    known = "named by" if paying.payer_is_known else "the default payer, another payer is named by"
    return f"{paying.payer.name}: {known} {paying.coverage.reference or 'a Coverage without an id'}"


def _facts(
    service: Service, inquiry: Inquiry, judged: Sequence[Judged], fhir_faults: int, nonsense: tuple[str, ...]
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


def _check_fhir(call: HookRequest, judged: Sequence[Judged], records: Records, deployment: Deployment) -> int:
    """Return how many faults the orders and coverages have as FHIR R4; in strict mode refuse the call for them."""
    drafts = {draft.path: draft for draft in (*call.drafts, *(one.draft for one in judged))}
    checked = [(draft.resource, draft.path) for draft in drafts.values()] + records.coverage_resources
    faults = [(path, fault) for resource, path in checked for fault in deployment.fhir_check.faults(resource)]
    if faults and deployment.settings.fhir_check == "strict":
        raise InvalidResourceError(*(_issue(path, fault) for path, fault in faults[:MOST_ISSUES]))
    return len(faults)


def _issue(path: str, fault: Fault) -> Issue:
    within = fault.path.partition(".")[2] if "." in fault.path else ""
    expression = f"{path}.{within}" if within else path
    return Issue("structure", f"{expression} {fault.problem}", expression)


def _id_source(
    service: Service, call: HookRequest, records: Records, on: date, settings: Settings
) -> Callable[..., str]:
    """Return what derives the ids of one answer: the same call on the same day has the same, no other call has.

    Some clients repeat hookInstance and order ids for every patient, so the whole request counts, and what was read
    for it.
    """
    namespace = settings.id_namespace.bytes
    seed = f"{call.digest}{records.digest}|{service.id}|{on}|"
    return lambda *parts: derive_uuid(namespace, seed + "|".join(parts))


def derive_uuid(namespace: bytes, name: str) -> str:
    """Return `str(uuid.uuid5(...))`, at a third of its cost (RFC 9562, 5.5: SHA-1, version 5, variant 10)."""
    h = hashlib.sha1(namespace + name.encode(), usedforsecurity=False).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:32]}"
