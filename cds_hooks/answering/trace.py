"""How a decision came about, step by step: for the command `crd explain`, and for a response where the setting asks."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from cards import Decision, Order, PayerChoice, decide
from cds_hooks.answering.evaluation import EvaluatedOrder
from cds_hooks.rules.loading import Rules


class Explanation(NamedTuple):
    """One order of a call, how it was decided, and every step that led there."""

    order: Order
    paying: PayerChoice
    decision: Decision | None
    steps: tuple[tuple[str, str], ...]


def explain_order(order: Order, paying: PayerChoice, rules: Rules, on: date) -> Explanation:
    """Decide on one order and keep every step."""
    steps: list[tuple[str, str]] = [("payer", _describe_payer(paying))]
    steps += [("read", f"{fault.path} {fault.problem}") for fault in order.faults]
    decision = decide(order, paying, rules.index, on, lambda rule, found: steps.append((rule, found)))
    if order.is_void:
        steps.append(("ruled out", "the order asks for nothing: not to be performed, revoked or entered in error"))
    return Explanation(order, paying, decision, tuple(steps))


def trace(judged: Iterable[EvaluatedOrder], rules: Rules, on: date) -> Iterator[dict[str, Any]]:
    for one in judged:
        for paying in one.paying:
            yield {"order": one.draft.path, "steps": explain_order(one.order, paying, rules, on).steps}


def _describe_payer(paying: PayerChoice) -> str:
    if paying.coverage is None:
        why = paying.problem.value if paying.problem else "no coverage is asked about"
        return f"{paying.payer.name}: the default payer; {why}"
    known = "named by" if paying.payer_is_known else "the default payer, another payer is named by"
    return f"{paying.payer.name}: {known} {paying.coverage.reference or 'a Coverage without an id'}"
