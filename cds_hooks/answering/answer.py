"""One hook call from end to end, without HTTP: read it, judge its orders, refuse what must be refused, respond."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

from cards import WIRE_VERSIONS, Answered, Basis, ResponseOptions, WireVersion, respond
from cds_hooks.answering.call_context import CallContext
from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.evaluation import EvaluatedOrder, Evaluation, evaluate, explain
from cds_hooks.answering.heeding import ALL_CARDS, Heed, Heeding
from cds_hooks.answering.heeding import HOOK as HEEDING_HOOK
from cds_hooks.answering.member_look_ups import MemberLookUps
from cds_hooks.answering.rejections import refuse
from cds_hooks.answering.resource_check import ResourceCheck
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.answering.summary import Beside, Ids, give_account
from cds_hooks.answering.trace import Explanation, tell_steps
from cds_hooks.auth.caller import ANYONE, Caller
from cds_hooks.errors import Issue, UnsupportedVersionError
from cds_hooks.hooks.configuration import read_configuration
from cds_hooks.hooks.request import HookRequest, read_hook_request
from cds_hooks.hooks.services import Service
from cds_hooks.rules.loading import Rules
from cds_hooks.settings import Settings
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


def answer_hook(
    service: Service,
    body: bytes,
    deployment: Deployment,
    rules: Rules,
    caller: Caller = ANYONE,
    heed: Heed | None = None,
) -> Answer:
    """Answer one hook call of a caller that was let in; CallError where it cannot be answered.

    With `heed`, cards that were overridden before are withheld where they shall be.
    """
    with span("read"):
        context = _open_call(service, body, deployment, rules, caller, deployment.today())
    registered = caller.registration.fhir_check if caller.registration else None
    check = ResourceCheck(deployment.fhir_check, context.call, registered or deployment.settings.fhir_check)
    check.sent(context.records)
    if metrics.is_on():
        templates = service.templates(deployment.settings.default_version)
        metrics.prefetched(caller.client, context.records.prefetched(templates))
    with span("decide"):
        evaluation = evaluate(
            context, deployment.settings.unknown_payer, keep_steps=deployment.settings.trace == "response"
        )
    check.read(context.records, evaluation)
    judged = evaluation._replace(orders=refuse(context, evaluation))
    cards_in_doubt = bool(caller.registration and caller.registration.cards_in_doubt)
    options = _choose_options(context, deployment.settings, cards_in_doubt=cards_in_doubt)
    heeding = Heeding(heed, caller.client, options.max_cards) if heed else None
    if heeding and service.hook == HEEDING_HOOK:
        options = options._replace(max_cards=ALL_CARDS)  # what is withheld takes nobody's place
    return _respond(context, judged, options, deployment.settings, check.faults, heeding)


def _choose_options(context: CallContext, settings: Settings, *, cards_in_doubt: bool) -> ResponseOptions:
    """Return how the answer is said: as the version, the hook, the deployment and the client have it."""
    configuration = read_configuration(context.call.configuration)
    is_primary = context.service.is_primary
    return ResponseOptions(
        context.wire,
        is_primary,
        settings.unmatched_orders == "annotate",
        configuration.declined,
        configuration.max_cards,
        context.call.fhir_base,
        annotates=is_primary or settings.annotate_supporting_hooks,
        cards_in_doubt=cards_in_doubt,
        proposes=context.service.proposes,
    )


def _respond(
    context: CallContext,
    evaluation: Evaluation,
    options: ResponseOptions,
    settings: Settings,
    fhir_faults: int,
    heeding: Heeding | None = None,
) -> Answer:
    """Return the answer that says the decisions on the orders of a call."""
    service, call, records, rules = context.service, context.call, context.records, context.rules
    judged = evaluation.orders
    answered = [Answered(one.decisions, one.draft.raw, one.draft.number) for one in judged if one.decisions]
    if service.is_primary:
        unavailable = zip(evaluation.unavailable, evaluation.said_of_unavailable, strict=True)
        answered += [Answered((said,), b"{}", one.number) for one, said in unavailable]
    learnt = records.digest + (context.look_ups.digest if context.look_ups else "")
    ids = Ids(service.id, call, learnt, context.on, settings.id_namespace)
    response = respond(answered, options, rules.vocabulary.code_systems, ids.derive)
    heeded = heeding.withhold(response, call, answered, ids) if heeding else None
    response = heeded.response if heeded else response
    if metrics.is_on():
        metrics.answered(call.hook, _measure(answered))
    if settings.trace == "response":
        steps = [step for one in judged for step in tell_steps(one.draft.path, one.steps)]
        steps += heeded.steps if heeded else ()
        response = replace(response, extension={TRACE: steps})
    written = response.to_json()
    facts = _facts(context, judged, fhir_faults, read_configuration(call.configuration).nonsense)
    known_again = (heeded.about, heeded.withheld) if heeded else ()
    beside = Beside(rules.digest, service.templates(settings.default_version), *known_again)
    return Answer(written, facts, partial(give_account, call, answered, ids, written, beside), records.fetched)


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


def _open_call(
    service: Service, body: bytes, deployment: Deployment, rules: Rules, caller: Caller | None, on: date
) -> CallContext:
    """Read a call, and what came with it."""
    settings = deployment.settings
    call = read_hook_request(body, deployment.schemas[service.hook], settings.max_nesting, settings.max_orders)
    registered = caller.registration.version if caller and caller.registration else None
    wire = choose_version(call.requested_version, registered or settings.default_version)
    records = _open_records(service, call, deployment, rules, caller)
    look_ups = None
    if deployment.members:
        look_ups = MemberLookUps(deployment.members, records, call.patient_id, settings.members_time_budget)
    return CallContext(service, call, records, wire, rules, on, look_ups)


def _open_records(
    service: Service, call: HookRequest, deployment: Deployment, rules: Rules, caller: Caller | None
) -> ResourcePool:
    """Return the records of a call; nothing is fetched for nobody, or from a server its client may not name.

    docs/threats.md has why.
    """
    registration = caller.registration if caller else None
    anonymous = (registration and registration.anonymous_fhir) or deployment.settings.anonymous_fhir
    client = deployment.fhir_client if caller and (call.fhir_token or anonymous == "allow") else None
    if registration and call.fhir_base and not registration.may_read_from(call.fhir_base):
        client = None
    code_systems = rules.vocabulary.code_systems
    templates = service.templates("2.2")  # of any version: a client may have been told of them before
    budget = deployment.settings.fhir_time_budget
    return ResourcePool(call, templates, code_systems, client, budget, without_token=anonymous == "allow")


def explain_hook(
    service: Service, body: bytes, deployment: Deployment, rules: Rules, on: date | None = None
) -> list[Explanation]:
    """Decide on the orders of a hook call as `answer_hook` does, and keep the steps. Nothing is fetched or answered."""
    context = _open_call(service, body, deployment, rules, None, on or deployment.today())
    return explain(context, deployment.settings.unknown_payer)


def _facts(
    context: CallContext, judged: Sequence[EvaluatedOrder], fhir_faults: int, nonsense: tuple[str, ...]
) -> dict[str, Any]:
    """Return what may be logged of a call: counts and codes, nothing of the patient."""
    records = context.records
    facts: dict[str, Any] = {
        "service": context.service.id,
        "version": context.wire.name,
        "orders": len(judged),
        "decisions": [
            decision.covered for one in judged for decision in one.decisions if decision.basis is Basis.POLICY
        ],
        "coverages": len(records.coverage_resources),
        "foreign_coverages": records.foreign_coverages,
        "fhir_faults": fhir_faults,
    }
    if records.reads:
        facts["fhir_reads"] = records.reads
        facts["fhir_problems"] = sorted(problem.name for problem in records.problems)
    if nonsense:
        facts["ignored_options"] = nonsense
    return facts


def _measure(answered: Iterable[Answered]) -> list[tuple[str, str, str, str]]:
    """Return each answer as metrics count it: the decision, what it rests on, the most binding policy, its version."""
    return [
        (
            decision.covered.value,
            _BASES[decision.basis],
            decision.findings[0].policy.id if decision.basis is Basis.POLICY else "none",
            decision.findings[0].version.key if decision.basis is Basis.POLICY else "none",
        )
        for one in answered
        for decision in one.decisions
    ]
