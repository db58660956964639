"""How a decision came about, step by step: for the command `crd explain`, and for a response where the setting asks."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from cards import (
    ANSWERED,
    Basis,
    Circumstances,
    CoverageOutcome,
    CoverageProblem,
    Decision,
    Order,
    PayerChoice,
    decide,
    describe_member,
)
from cds_hooks.rules.loading import Rules

#: The rules that an order went through, each with what it found.
Steps = tuple[tuple[str, str], ...]

#: What a look-up that failed may come from, for who mends it (docs/operations.md).
_NOBODY_CAN_TELL: Final = (
    "nobody can tell who it is: the payer's members could not be asked, or lines of its file were set aside as wrong"
)


class Explanation(NamedTuple):
    """One order of a call, how it was decided, and every step that led there."""

    order: Order
    paying: PayerChoice
    decision: Decision | None
    steps: Steps
    circumstances: Circumstances | None = None

    def with_authorization(self) -> "Explanation":
        """Return it with a step of what was found of prior authorizations, where one was asked for."""
        on_file = self.decision.authorization if self.decision else None
        if on_file is None:
            return self
        found = " ".join(on_file.looked_at) or "none is on file for this order"
        if on_file.satisfied_by:
            found = f"{on_file.satisfied_by.number} is on file and covers the order"
        elif on_file.has_failed:
            found = "the look-up failed"
        return self._replace(steps=(*self.steps, ("authorization", found)))


def explain_order(
    order: Order,
    paying: PayerChoice,
    rules: Rules,
    on: date,
    outcome: CoverageOutcome = ANSWERED,
    circumstances: Circumstances | None = None,
) -> Explanation:
    """Decide on one order and keep every step."""
    systems = rules.vocabulary.code_systems.by_name
    unknown = [one.path for one in order.codings if one.coding.system and one.coding.system not in systems]
    steps: list[tuple[str, str]] = [("payer", _describe_payer(paying))]
    if paying.member:
        steps.append(("member", describe_member(paying.member)))
    elif paying.problem in _OF_MEMBERS:
        failed = paying.problem is CoverageProblem.LOOK_UP_FAILED
        steps.append(("member", _NOBODY_CAN_TELL if failed else paying.problem.value))
    steps += [("read", f"{fault.path} {fault.problem}") for fault in order.faults]
    steps += [
        ("code system", f"{path}.system is none that policies know, so its code says nothing") for path in unknown
    ]

    def keep(rule: str, found: str) -> None:
        steps.append((rule, found))

    decision = decide(order, paying, rules.index, on, outcome, keep, circumstances)
    if order.is_void:
        steps.append(("ruled out", "the order asks for nothing: not to be performed, revoked or entered in error"))
    return Explanation(order, paying, decision, tuple(steps), circumstances)


def tell_basis(decision: Decision) -> str | None:
    """Return what an answer about the coverage itself rests on: what the payer said of it, or what is not known of it.

    None for any other answer.
    """
    if decision.basis is not Basis.COVERAGE:
        return None
    return decision.problem.value if decision.problem else "the coverage of another order of this call is not known"


def tell_steps(path: str, steps: Iterable[Steps]) -> Iterator[dict[str, Any]]:
    """Yield the steps of the decisions on one order, by its FHIRPath, as a response shows them."""
    yield from ({"order": path, "steps": one} for one in steps)


#: What came of a look-up that found no member.
_OF_MEMBERS: Final = frozenset(
    {
        CoverageProblem.NO_MEMBER,
        CoverageProblem.SEVERAL_MEMBERS,
        CoverageProblem.NO_MEMBER_ID,
        CoverageProblem.LOOK_UP_FAILED,
    }
)


def _describe_payer(paying: PayerChoice) -> str:
    if paying.coverage is None:
        why = paying.problem.value if paying.problem else "no coverage is asked about"
        return f"{paying.payer.name}: the default payer; {why}"
    known = "named by" if paying.payer_is_known else "the default payer, another payer is named by"
    return f"{paying.payer.name}: {known} {paying.coverage.reference or 'a Coverage without an id'}"
