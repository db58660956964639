"""What of a call must be refused although it was understood: data nobody has, and coverages that cannot be told."""

from collections.abc import Iterator, Sequence
from typing import Final

from cards import Basis, CoverageProblem, WireVersion, record_key, set_aside
from cds_hooks.answering.evaluation import EvaluatedOrder, Evaluation, speaks
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.errors import CoverageProblemError, Issue, MissingDataError
from cds_hooks.fhir.validation import is_resource_type
from cds_hooks.hooks.request import MOST_ISSUES, OrderReference
from cds_hooks.outbound.problems import Problem
from cds_hooks.settings import Settings


def refuse(inquiry: Evaluation, judged: Sequence[EvaluatedOrder], settings: Settings) -> list[EvaluatedOrder]:
    """Return the orders with the answers that may be given, none under a coverage that cannot be told (hook-13).

    What can be said is said (CRD-63, found-34). Where nothing can: MissingDataError for what could not be had (HK-54),
    else CoverageProblemError. CRD 2.2 says `indeterminate` of what could not be had, where there is a Coverage to say
    it about (resp-43).
    """
    kept, refused, is_said = [], dict[CoverageProblem, None](), False
    lacking = []
    for one in judged:
        problems = _problems_of(one, inquiry, settings)
        refused.update(dict.fromkeys(problems))
        if problems:
            kept.append(one._replace(decisions=tuple([set_aside(decision) for decision in one.decisions])))
            continue
        kept.append(one)
        if _is_lacking(one, inquiry):
            lacking.append(one)
        elif one.decisions and one.paying[0].problem is not CoverageProblem.OTHER_PATIENT:
            is_said = True
    unavailable = inquiry.unavailable if inquiry.service.is_primary else []
    if is_said or not (refused or lacking or unavailable):
        return kept
    issues = [_missing_order(reference, inquiry.records) for reference in unavailable]
    issues += dict.fromkeys(issue for one in lacking for issue in _missing_records(one, inquiry.records))
    told = [Issue(code, problem.value, path) for problem in refused for code, path in [_REFUSALS[problem]]]
    if issues:
        raise MissingDataError(*[*issues, *told][:MOST_ISSUES])
    raise CoverageProblemError(*told)


def _problems_of(judged: EvaluatedOrder, inquiry: Evaluation, settings: Settings) -> list[CoverageProblem]:
    """Return the coverage problems for which an order must not be answered; supporting hooks say nothing anyway."""
    if not judged.decisions or not (inquiry.service.is_primary or speaks(judged)):
        return []
    problems = (paying.problem for paying in judged.paying)
    return [problem for problem in problems if problem and _is_refused(problem, inquiry.wire, settings)]


def _is_lacking(judged: EvaluatedOrder, inquiry: Evaluation) -> bool:
    """Tell whether an order that asks for something gets no answer, not even an `indeterminate` one."""
    if not judged.decisions:
        return False
    if any(paying.problem is CoverageProblem.UNREAD for paying in judged.paying):
        return inquiry.service.is_primary or (inquiry.wire.refuses_coverage_problems and speaks(judged))
    failed = all(decision.basis is Basis.TECHNICAL for decision in judged.decisions)
    can_say = inquiry.wire.indeterminate == "indeterminate" and any(paying.coverage for paying in judged.paying)
    return failed and inquiry.service.is_primary and not can_say


def _missing_order(reference: OrderReference, records: ResourcePool) -> Issue:
    code, why = _tell(records.problem_of(reference.reference))
    return Issue(code, f"the order at {reference.path} could not be read: {why}", reference.path)


def _tell(problem: Problem | None) -> tuple[str, str]:
    """Return the issue-type code and the words for a record that could not be had."""
    if problem is None:
        return "not-found", "it was not sent, and the call gives no access to a FHIR server"
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


def _missing_records(judged: EvaluatedOrder, records: ResourcePool) -> Iterator[Issue]:
    """Yield what was missing for an order, by type: ids of records are a patient's."""
    wanted = list(judged.order.unread)
    for paying in judged.paying:
        if paying.problem is CoverageProblem.UNREAD:
            named = (records.problem_of(reference) for reference in judged.order.insurance)
            code, why = _tell(records.coverage_problem or next((problem for problem in named if problem), None))
            yield Issue(code, f"the Coverage of the patient could not be read: {why}", "prefetch.coverage")
        if paying.problem is CoverageProblem.UNREAD_PAYER and paying.coverage:
            wanted += paying.coverage.unread_payors
    for reference in wanted:
        kind = record_key(reference).partition("/")[0]
        type_ = f" ({kind})" if "/" in reference and is_resource_type(kind) else ""  # else it may be about a patient
        code, why = _tell(records.problem_of(reference))
        where = judged.draft.path
        yield Issue(code, f"the order at {where} depends on a record{type_} that could not be read: {why}", where)


#: The issue-type code of each coverage problem, and where it lies, as a FHIRPath from the Coverage on.
_REFUSALS: Final = {
    CoverageProblem.NONE: ("required", "Coverage"),
    CoverageProblem.INACTIVE: ("business-rule", "Coverage.status"),
    CoverageProblem.NOT_THE_ONE_NAMED: ("not-found", "Coverage"),
    CoverageProblem.SEVERAL: ("multiple-matches", "Coverage"),
    CoverageProblem.NO_PAYER_IDENTIFIER: ("required", "Coverage.payor.identifier"),
    CoverageProblem.UNKNOWN_PAYER: ("not-supported", "Coverage.payor"),
    CoverageProblem.OTHER_PATIENT: ("business-rule", "context.patientId"),
}

#: What failed for technical reasons is no fault of the request.
_TECHNICAL: Final = frozenset({CoverageProblem.UNREAD, CoverageProblem.UNREAD_PAYER})


def _is_refused(problem: CoverageProblem, wire: WireVersion, settings: Settings) -> bool:
    if wire.refuses_coverage_problems:
        return problem not in _TECHNICAL
    return problem is CoverageProblem.UNKNOWN_PAYER and settings.unknown_payer == "refuse"
