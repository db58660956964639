"""Whether a prior authorization on file satisfies what the answer to an order asks for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cards.authorization import UNTOLD, Authorization, OnFile, OrderFacts, find_authorization
from cards.circumstances import Circumstances
from cards.coding import Coding
from cards.conditions import Fact
from cards.coverage_terms import CoverageTerms
from cards.decision import Basis, Decision
from cards.matching.match import Finding
from cards.policy import Covered, PolicyVersion

#: Returns the authorizations of the member of a decision; None where the look-up failed.
GetAuthorizations = Callable[[], Sequence[Authorization] | None]

#: What an answer says of prior authorization that one on file would settle.
_ASKED: Final = frozenset({"auth-needed", "performpa", "conditional"})


def asks_authorization(decision: Decision) -> bool:
    """Tell whether a covered service of a known member asks for prior authorization, so that one may be on file."""
    return (
        decision.basis is Basis.POLICY
        and decision.covered is Covered.COVERED
        and decision.member is not None
        and decision.pa_needed in _ASKED
        and decision.is_sure
    )


def satisfy(decision: Decision, get: GetAuthorizations, circumstances: Circumstances) -> Decision:
    """Return a decision with what is on file for it: `satisfied`, or which authorizations were looked at.

    Only a code that names the service can be compared with those of an authorization: words never satisfy anything.
    """
    member, asking = decision.member, [f for f in decision.findings if f.version.pa_needed in _ASKED]
    if member is None or not asking:
        return decision
    held = get()
    on_file = UNTOLD if held is None else find_authorization(held, member.ids, _facts(asking, circumstances))
    if not on_file.satisfied_by and not on_file.has_failed:
        return decision._replace(authorization=on_file)
    change = _leave_open if on_file.has_failed else _be_satisfied
    findings = [
        finding._replace(version=change(finding.version, on_file)) if finding in asking else finding
        for finding in decision.findings
    ]
    return decision._replace(findings=tuple(findings), authorization=on_file)


def _facts(asking: Sequence[Finding], circumstances: Circumstances) -> OrderFacts:
    sides, most = circumstances.codes(Fact.SIDE), circumstances.range(Fact.QUANTITY)
    side = "both" if {"left", "right"} <= sides else next(iter(sides)) if len(sides) == 1 else None
    return OrderFacts(_codes(asking), circumstances.day, circumstances.last_day, most[1] if most else None, side)


def _codes(asking: Sequence[Finding]) -> frozenset[Coding]:
    """Return the codes that ask for authorization; none where one of several policies rests on words alone."""
    named = [finding.match.coding for finding in asking]
    return frozenset(code.coding for code in named if code) if all(named) else frozenset()


def _be_satisfied(version: PolicyVersion, on_file: OnFile) -> PolicyVersion:
    """Return what a policy says once its authorization is there: what was asked for with the request is not, any more.

    crd-ci-q4: with `satisfied`, no documentation is `withpa`.
    """
    number = on_file.satisfied_by.number if on_file.satisfied_by else ""
    terms = version.terms_of_coverage
    purposes = tuple(purpose for purpose in terms.purposes if purpose != "withpa")
    still = bool(purposes) or not terms.purposes
    return replace(
        version,
        pa_needed="satisfied",
        verdict="prior authorization is on file",
        position=f"Prior authorization {number} is on file and covers this order.",
        next_steps=("Put its number on the claim.",),
        reason=None,
        terms_of_coverage=CoverageTerms(
            documents=terms.documents if still else (),
            purposes=purposes,
            questionnaires=terms.questionnaires if still else (),
            details=(*terms.details, *on_file.limits),
        ),
    )


def _leave_open(version: PolicyVersion, _: OnFile) -> PolicyVersion:
    """Return what a policy says where nobody could tell whether it has been satisfied (resp-43).

    Documentation that goes with the request alone is as open as whether one is needed.
    """
    terms = version.terms_of_coverage
    if set(terms.purposes) == {"withpa"}:
        terms = replace(terms, documents=("indeterminate",), purposes=(), questionnaires=())
    return replace(version, pa_needed="indeterminate", terms_of_coverage=terms)
