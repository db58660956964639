"""The decision on one order: covered, not covered or conditional, under which policies, and why."""

from datetime import date
from enum import Enum
from typing import Final, NamedTuple

from cards.coverage import Coverage, Payer
from cards.match import Finding, Tracer
from cards.matching import PolicyIndex
from cards.order import Order
from cards.policy import Covered

#: Which answer wins where several policies bind: the stricter (domain note, section 5).
_STRICTNESS: Final = (Covered.NOT_COVERED, Covered.CONDITIONAL, Covered.COVERED)


class Basis(Enum):
    """What an answer rests on."""

    POLICY = "a policy in force"
    UNREADABLE = "an order that could not be read"
    NOT_EVALUATED = "no policy of this service"


class Decision(NamedTuple):
    """The answer for one order. `findings` are those that give the answer, the most binding first.

    `payer` is who answers; `payer_is_known` is False where the coverage names a payer outside the directory.
    """

    order: Order
    coverage: Coverage | None
    payer: Payer
    payer_is_known: bool
    covered: Covered
    basis: Basis
    findings: tuple[Finding, ...]
    on: date

    @property
    def is_sure(self) -> bool:
        """Tell whether the answer is the policy's own, and not a doubt whether its service is ordered."""
        return self.basis is Basis.POLICY and all(finding.match.strength.is_sure for finding in self.findings)


class Paying(NamedTuple):
    """Who pays for an order: the coverage, the payer that answers, and whether the coverage names it."""

    coverage: Coverage | None
    payer: Payer
    payer_is_known: bool


def decide(order: Order, paying: Paying, index: PolicyIndex, on: date, trace: Tracer | None = None) -> Decision | None:
    """Decide on one order under the policies that bind its payer, as they stand on its day of service.

    `on` is the day of the call: the day of the decision, and of the service where the order names none. `trace`
    is told what was looked at, what matched and what was ruled out by which rule.

    An order that asks for nothing (doNotPerform, revoked, entered in error) gets no decision. What could not
    be read is answered as conditional, never as covered.
    """
    if order.is_void:
        return None
    if order.may_be_void:
        return Decision(order, *paying, Covered.CONDITIONAL, Basis.UNREADABLE, (), on)
    findings = index.find(order, paying.payer.policies, order.service_date or on, trace)
    if not findings:
        basis = Basis.UNREADABLE if order.faults else Basis.NOT_EVALUATED
        return Decision(order, *paying, Covered.CONDITIONAL, basis, (), on)
    covered = min([_covered(finding) for finding in findings], key=_STRICTNESS.index)
    if covered is Covered.COVERED and order.faults:
        return Decision(order, *paying, Covered.CONDITIONAL, Basis.UNREADABLE, (), on)
    deciding = tuple([finding for finding in findings if _covered(finding) is covered])
    return Decision(order, *paying, covered, Basis.POLICY, deciding, on)


def _covered(finding: Finding) -> Covered:
    return finding.version.covered if finding.match.strength.is_sure else Covered.CONDITIONAL
