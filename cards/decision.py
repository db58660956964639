"""The decision on one order: covered, not covered or conditional, under which policies, and why."""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Final, NamedTuple

from cards.answer_choice import choose, explain_choice
from cards.authorization import OnFile
from cards.circumstances import Circumstances
from cards.coverage import Coverage, CoverageProblem
from cards.coverage_outcome import ANSWERED, UNTOLD, CoverageOutcome, Voice
from cards.matching.explanation import Tracer, explain
from cards.matching.match import Finding
from cards.matching.policy_index import PolicyIndex
from cards.member import Member
from cards.order import Order
from cards.order_reader import ORDER_TYPES
from cards.payer_directory import Payer
from cards.payer_selection import PayerChoice
from cards.policy import Covered
from cards.references import record_key

#: Which answer wins where several policies bind: the stricter (docs/calls.md).
_STRICTNESS: Final = (Covered.NOT_COVERED, Covered.CONDITIONAL, Covered.COVERED)

#: Prior authorization from the strictest down: of several policies the stricter counts.
_PA_STRICTNESS: Final = ("auth-needed", "performpa", "indeterminate", "conditional", "satisfied", "no-auth")


class Basis(Enum):
    """What an answer rests on."""

    POLICY = "a policy in force"
    UNREADABLE = "an order that could not be read"
    NOT_EVALUATED = "no policy of this service"
    TECHNICAL = "a failure that prevents an answer"
    COVERAGE = "a coverage that cannot be told or is not in force"


class Decision(NamedTuple):
    """The answer for one order. `findings` are those that give the answer, the most binding first.

    `payer` is who answers; `payer_is_known` is False where that payer is not established. `problem` is what is not
    known of the coverage, and `outcome` what follows from that: with the basis COVERAGE, `findings` are what the
    payer's policies show all the same. `missing` says what a technical failure kept away. `member` is whom the payer's
    directory has, `authorization` what it has on file of what an answer asks for.
    """

    order: Order
    coverage: Coverage | None
    payer: Payer
    payer_is_known: bool
    problem: CoverageProblem | None
    member: Member | None
    covered: Covered
    basis: Basis
    findings: tuple[Finding, ...]
    on: date
    missing: tuple[str, ...] = ()
    outcome: CoverageOutcome = ANSWERED
    authorization: OnFile | None = None

    @property
    def day(self) -> date:
        """The day of service, or the day of the call where the order names none."""
        return self.order.day_of_service(self.on)

    @property
    def names_service(self) -> bool:
        """Tell whether the order names the policies' service beyond doubt."""
        for finding in self.findings:
            if not finding.match.strength.is_sure:
                return False
        return bool(self.findings)

    @property
    def says(self) -> Covered:
        """What the findings say, whatever is known of the coverage."""
        return min([_covered(finding) for finding in self.findings], key=_STRICTNESS.index)

    @property
    def pa_needed(self) -> str | None:
        """What the findings say of prior authorization, the strictest of it; None where they say nothing."""
        needed = {finding.version.pa_needed for finding in self.findings if finding.version.pa_needed}
        return min(needed, key=_PA_STRICTNESS.index) if needed else None

    @property
    def sets_terms(self) -> bool:
        """Tell whether a service that is covered asks for something first: an authorization, or documentation."""
        asks = (finding.version.terms_of_coverage.documents for finding in self.findings)
        return self.pa_needed not in (None, "no-auth", "satisfied") or any(asks)

    @property
    def is_sure(self) -> bool:
        """Tell whether the answer is the policy's own, and not a doubt whether its service is ordered."""
        return self.basis is Basis.POLICY and self.names_service

    @property
    def is_supposed(self) -> bool:
        """Tell whether cards say what the policies would, for the case that the patient is covered by the payer."""
        return self.basis is Basis.COVERAGE and self.outcome.card is Voice.DEFAULT and bool(self.findings)

    @property
    def speaks(self) -> bool:
        """Tell whether anything is said of the service beyond that no policy here is about it."""
        if self.basis is Basis.COVERAGE:
            return bool(self.findings or self.missing)
        return self.basis is not Basis.NOT_EVALUATED


def decide(
    order: Order,
    paying: PayerChoice,
    index: PolicyIndex,
    on: date,
    outcome: CoverageOutcome = ANSWERED,
    trace: Tracer | None = None,
    circumstances: Circumstances | None = None,
) -> Decision | None:
    """Decide on one order under the policies that bind its payer, as they stand on its day of service.

    `on` is the day of the call: the day of the decision, and of the service where the order names none. `outcome` is
    what follows from what is known of the coverage. `trace` is told what was looked at, what matched and what was
    ruled out by which rule. `circumstances` are read where an answer depends on them; without any nothing is known.

    An order that asks for nothing (doNotPerform, revoked, entered in error) gets no decision. What could not
    be read is answered as conditional, never as covered; what could not be had as indeterminate (resp-43).
    """
    if order.is_void:
        return None
    if not outcome.answers:
        return _tell_problem(order, paying, index, on, outcome, trace, circumstances)
    decision = _ask_policies(order, paying, index, on, trace, circumstances)
    return decision._replace(outcome=outcome) if paying.problem else decision


def _ask_policies(
    order: Order,
    paying: PayerChoice,
    index: PolicyIndex,
    on: date,
    trace: Tracer | None,
    circumstances: Circumstances | None,
) -> Decision:
    if order.may_be_void:
        return _open(order, paying, Basis.UNREADABLE, on)
    if trace:
        explain(index, order, paying.payer.policies, order.day_of_service(on), trace)
    findings = index.find(order, paying.payer.policies, order.day_of_service(on))
    for finding in findings:
        if finding.version.choices:
            findings = _choose(findings, circumstances, trace)
            break
    if not findings:
        return _undecided(order, paying, index, on)
    covered = min([_covered(finding) for finding in findings], key=_STRICTNESS.index)
    if covered is Covered.COVERED and (order.faults or order.unread):
        return _open(order, paying, Basis.UNREADABLE, on) if order.faults else _fail_unread(order, paying, on)
    deciding = tuple([finding for finding in findings if _covered(finding) is covered])
    return Decision(order, *paying, covered, Basis.POLICY, deciding, on)


def _choose(
    findings: Sequence[Finding], circumstances: Circumstances | None, trace: Tracer | None
) -> tuple[Finding, ...]:
    """Return the findings with the answers that the circumstances call for."""
    chosen = [choose(finding, circumstances) for finding in findings]
    if trace:
        for finding, one in zip(findings, chosen, strict=True):
            trace(*explain_choice(finding, one))
    return tuple([one for one in chosen if one])


def _tell_problem(
    order: Order,
    paying: PayerChoice,
    index: PolicyIndex,
    on: date,
    outcome: CoverageOutcome,
    trace: Tracer | None,
    circumstances: Circumstances | None,
) -> Decision:
    """Return what is said where the coverage cannot be told: never the policy's answer, only what it would be."""
    covered = outcome.annotation or Covered.CONDITIONAL
    told = Decision(order, *paying, covered, Basis.COVERAGE, (), on, outcome=outcome)
    if outcome.card is None:
        return told
    asked = _ask_policies(order, paying, index, on, trace, circumstances)
    if asked.basis in (Basis.UNREADABLE, Basis.TECHNICAL):
        return told._replace(missing=asked.missing or tuple(fault.path for fault in order.faults))
    return told._replace(findings=() if asked.covered is Covered.COVERED else asked.findings)


def fail(order: Order, paying: PayerChoice, on: date, missing: tuple[str, ...]) -> Decision:
    """Return the answer to an order that a technical failure keeps from being judged (resp-43)."""
    return Decision(order, *paying, Covered.INDETERMINATE, Basis.TECHNICAL, (), on, missing)


def _undecided(order: Order, paying: PayerChoice, index: PolicyIndex, on: date) -> Decision:
    """Return the answer where no policy speaks: a fault matters only where no code says that it is something else."""
    if index.is_another_service(order, paying.payer.policies, order.day_of_service(on)):
        return _open(order, paying, Basis.NOT_EVALUATED, on)
    if order.unread:
        return _fail_unread(order, paying, on)
    return _open(order, paying, Basis.UNREADABLE if order.faults else Basis.NOT_EVALUATED, on)


def set_aside(decision: Decision) -> Decision:
    """Return a decision without its answer: it would be given under a coverage that cannot be told (hook-13)."""
    untold = UNTOLD._replace(reason=decision.outcome.reason)
    return decision._replace(
        covered=Covered.CONDITIONAL, basis=Basis.COVERAGE, findings=(), missing=(), coverage=None, outcome=untold
    )


def _fail_unread(order: Order, paying: PayerChoice, on: date) -> Decision:
    return fail(order, paying, on, tuple(f"{_name(reference)} could not be read" for reference in order.unread))


#: What orders refer to for what they order. What a client writes in place of a type might be about a patient (CRD-94).
_REFERRED_TO: Final = frozenset({*ORDER_TYPES, "Medication", "Device"})


def _name(reference: str) -> str:
    key = record_key(reference)
    return key if key.partition("/")[0] in _REFERRED_TO else "A record that the order refers to"


def _open(order: Order, paying: PayerChoice, basis: Basis, on: date) -> Decision:
    return Decision(order, *paying, Covered.CONDITIONAL, basis, (), on)


def _covered(finding: Finding) -> Covered:
    return finding.version.covered if finding.match.strength.is_sure else Covered.CONDITIONAL
