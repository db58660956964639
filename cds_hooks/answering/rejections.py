"""What of a call must be refused although it was understood: data nobody has, and coverages that cannot be told."""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from cards import Basis, CoverageProblem, record_key, set_aside
from cds_hooks.answering.call_context import CallContext
from cds_hooks.answering.evaluation import EvaluatedOrder, Evaluation
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.errors import CoverageProblemError, Issue, MissingDataError
from cds_hooks.fhir.validation import is_resource_type
from cds_hooks.hooks.held_resources import OrderReference
from cds_hooks.hooks.request_schema import MOST_ISSUES
from cds_hooks.outbound.problems import Problem


class Standing(Enum):
    """How an order stands, for the question whether the call can be answered."""

    SAID = auto()  # something is said of it
    SILENT = auto()  # nothing is said of it, and nothing need be
    REFUSED = auto()  # its coverage is one that the call is refused for
    LACKING = auto()  # what its answer needs was sought and could not be had


def refuse(context: CallContext, evaluation: Evaluation) -> list[EvaluatedOrder]:
    """Return the orders with the answers that may be given, none under a coverage that cannot be told (hook-13).

    What can be said is said (CRD-63, found-34): of what could not be had `indeterminate` (resp-43), before CRD 2.2
    `conditional`, where there is a Coverage to say it about. Where nothing can: MissingDataError for what could not be
    had (HK-54), else CoverageProblemError.
    """
    standing = [(one, _stand(one, context)) for one in evaluation.orders]
    unavailable = evaluation.unavailable if context.service.is_primary else []
    if not any(standing_ is Standing.SAID for _, standing_ in standing):
        missing = [_missing_order(reference, context.records) for reference in unavailable]
        _raise_for(_group(standing), missing, context.records)
    return [_without_answer(one) if standing_ is Standing.REFUSED else one for one, standing_ in standing]


class _Grouped(NamedTuple):
    refused: list[EvaluatedOrder]
    lacking: list[EvaluatedOrder]


def _group(standing: list[tuple[EvaluatedOrder, Standing]]) -> _Grouped:
    return _Grouped(
        [one for one, it_is in standing if it_is is Standing.REFUSED],
        [one for one, it_is in standing if it_is is Standing.LACKING],
    )


def _raise_for(orders: _Grouped, missing: list[Issue], records: ResourcePool) -> None:
    """Raise what the call is refused with, where there is anything."""
    issues = missing + list(dict.fromkeys(issue for one in orders.lacking for issue in _missing_records(one, records)))
    refusals = dict.fromkeys(outcome.refusal for one in orders.refused for outcome in one.outcomes if outcome.refusal)
    told = [Issue(refusal.code, refusal.reason, refusal.path) for refusal in refusals]
    if issues:
        raise MissingDataError(*[*issues, *told][:MOST_ISSUES])
    if told:
        raise CoverageProblemError(*told)


def _without_answer(one: EvaluatedOrder) -> EvaluatedOrder:
    return one._replace(decisions=tuple([set_aside(decision) for decision in one.decisions]))


def _stand(one: EvaluatedOrder, context: CallContext) -> Standing:
    """Return how an order stands; supporting hooks need say nothing of one that no policy speaks of."""
    is_primary = context.service.is_primary
    if not one.decisions or not (is_primary or one.speaks):
        return Standing.SILENT
    if any(outcome.refusal for outcome in one.outcomes):
        return Standing.REFUSED
    if any(outcome.is_lacking for outcome in one.outcomes) or _has_failed(one, context):
        return Standing.LACKING
    return Standing.SILENT if one.paying[0].problem is CoverageProblem.OTHER_PATIENT else Standing.SAID


def _has_failed(one: EvaluatedOrder, context: CallContext) -> bool:
    """Tell whether an order gets no answer for a technical failure: without a Coverage nothing can say it."""
    is_owed = context.service.is_primary and not any(paying.coverage for paying in one.paying)
    return is_owed and all(decision.basis is Basis.TECHNICAL for decision in one.decisions)


def _missing_order(reference: OrderReference, records: ResourcePool) -> Issue:
    code, why = _tell(records.problem_of(reference.reference), records.why_no_access)
    return Issue(code, f"the order at {reference.path} could not be read: {why}", reference.path)


def _tell(problem: Problem | None, why_no_access: str) -> tuple[str, str]:
    """Return the issue-type code and the words for a record that could not be had."""
    if problem is None:
        return "not-found", f"it was not sent, and {why_no_access}"
    return _ISSUE_CODES.get(problem, "transient"), problem.value


#: Codes of the FHIR value set issue-type; what they do not know may pass.
_ISSUE_CODES: Final = {
    Problem.NOT_THERE: "not-found",
    Problem.FORBIDDEN: "forbidden",
    Problem.REFUSED: "forbidden",
    Problem.NO_BEARER: "login",
    Problem.BAD_BEARER: "login",
    Problem.NEVER_READ: "business-rule",
    Problem.BUSY: "throttled",
    Problem.ELSEWHERE: "incomplete",
    Problem.TOO_LATE: "timeout",
    Problem.TOO_LARGE: "too-costly",
}


def _missing_records(one: EvaluatedOrder, records: ResourcePool) -> Iterator[Issue]:
    """Yield what was missing for an order, by type: ids of records are a patient's."""
    if any(outcome.is_lacking for outcome in one.outcomes):
        yield _missing_coverage(one, records)
    wanted = one.order.unread
    for reference in wanted:
        kind = record_key(reference).partition("/")[0]
        type_ = f" ({kind})" if "/" in reference and is_resource_type(kind) else ""  # else it may be about a patient
        code, why = _tell(records.problem_of(reference), records.why_no_access)
        where = one.draft.path
        yield Issue(code, f"the order at {where} depends on a record{type_} that could not be read: {why}", where)


def _missing_coverage(one: EvaluatedOrder, records: ResourcePool) -> Issue:
    named = (records.problem_of(reference) for reference in one.order.insurance)
    problem = records.coverage_problem or next((problem for problem in named if problem), None)
    code, why = _tell(problem, records.why_no_access)
    return Issue(code, f"the Coverage of the patient could not be read: {why}", "prefetch.coverage")
