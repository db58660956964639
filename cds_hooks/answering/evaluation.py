"""From a hook call to the decisions on its orders: plan what is needed, fetch it, and then decide once."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from cards import (
    AnswerRule,
    Circumstances,
    CoverageOutcome,
    Decision,
    Entry,
    Order,
    PayerChoice,
    asks_authorization,
    decide,
    fail,
    find_outcome,
    satisfy,
)
from cds_hooks.answering.call_context import CallContext, ScopedOrder
from cds_hooks.answering.needs import find_needs, find_unfinished
from cds_hooks.answering.scope import CallScope, unreadable_order
from cds_hooks.answering.surroundings import Surroundings
from cds_hooks.answering.trace import Explanation, Steps, explain_order
from cds_hooks.hooks.configuration import UNSOLICITED, read_configuration
from cds_hooks.hooks.held_resources import Draft, OrderReference
from cds_hooks.telemetry.logs import record, where

#: Reads can depend on reads: the order, its payer and medication, its reason. No chain is longer.
_MOST_ROUNDS: Final = 4


class EvaluatedOrder(NamedTuple):
    """One resource of the call and the order read from it; who pays, what follows from that, and the decisions.

    `decisions` are as many as `paying`, or none where the order asks for nothing. `steps` are kept on demand.
    """

    draft: Draft
    order: Order
    paying: tuple[PayerChoice, ...]
    outcomes: tuple[CoverageOutcome, ...]
    decisions: tuple[Decision, ...]
    steps: tuple[Steps, ...] = ()

    @property
    def speaks(self) -> bool:
        """Tell whether anything is said beyond that no policy here is about the order."""
        return any(decision.speaks for decision in self.decisions)


class Evaluation(NamedTuple):
    """What a call came to: the orders with their decisions, and the orders that could not be had, with what is said
    of them where something is said of others."""

    orders: list[EvaluatedOrder]
    unavailable: list[OrderReference]
    said_of_unavailable: list[Decision]


def evaluate(context: CallContext, unknown_payer: str, *, keep_steps: bool = False) -> Evaluation:
    """Decide on everything in scope of a call, once everything that can be had for it is there.

    `unknown_payer` is the deployment's rule for payers that are not served here.
    """
    scope = CallScope(context)
    orders = scope.orders()
    for _ in range(_MOST_ROUNDS):
        if not _fetch(context, scope, orders):
            break
        orders = scope.orders()
    judge = _Judge(context, scope, unknown_payer, keep_steps=keep_steps)
    unavailable = scope.unavailable
    return Evaluation(
        [judge.judge(one) for one in orders],
        unavailable,
        [judge.judge_unavailable(one) for one in unavailable],
    )


def explain(context: CallContext, unknown_payer: str) -> list[Explanation]:
    """Return how each order of a call is decided, with what came with the call alone."""
    scope = CallScope(context)
    judge = _Judge(context, scope, unknown_payer, keep_steps=True)
    return [explanation for one in scope.orders() for explanation in judge.explain(one)]


def _fetch(context: CallContext, scope: CallScope, orders: Sequence[ScopedOrder]) -> bool:
    """Fetch what is missing as far as that can be told by now; tell whether there was anything to fetch."""
    records = context.records
    if not records.may_fetch:
        return False
    went_on = records.finish(find_unfinished(context, scope, orders))
    wanted = records.missing(find_needs(context, scope, orders))
    if wanted:
        records.fetch(wanted)
    return went_on or bool(wanted)


#: Who pays for an order, and what follows from that.
_Weighed = tuple[tuple[PayerChoice, ...], tuple[CoverageOutcome, ...]]


def _takes_determinations(context: CallContext) -> bool:
    """Tell whether the client wants to hear of authorizations that nobody asked for; a what-if does not."""
    return UNSOLICITED not in read_configuration(context.call.configuration).declined


class _Judge:
    """Decides on the orders of one call."""

    def __init__(self, context: CallContext, scope: CallScope, unknown_payer: str, *, keep_steps: bool) -> None:
        self._context = context
        self._surroundings = Surroundings(context, scope)
        is_primary, served = context.service.is_primary, context.rules.payers.names
        self._rule = AnswerRule(context.wire.name, is_primary, unknown_payer, served)
        self._keep_steps = keep_steps
        self._looks_for_authorizations = context.look_ups is not None and _takes_determinations(context)
        self._weighed: dict[tuple[Any, ...] | None, _Weighed] = {}

    def judge(self, scoped: ScopedOrder) -> EvaluatedOrder:
        """Decide on one order under each coverage that pays for it."""
        paying, outcomes = self._weigh(scoped)
        found = [self._decide(scoped, *pair) for pair in zip(paying, outcomes, strict=True)]
        decisions = tuple([decision for decision, _ in found if decision])
        steps = tuple([steps for _, steps in found])
        return EvaluatedOrder(scoped.draft, scoped.order, paying, outcomes, decisions, steps)

    def judge_unavailable(self, reference: OrderReference) -> Decision:
        """Return what is said of an order that could not be had, while others could: a card says so (CRD-63)."""
        order = unreadable_order(reference.path, reference.reference)
        paying = self._context.find_paying(ScopedOrder(Draft(0, {}, b"", reference.path), order, Entry({})))[0]
        return fail(order, paying, self._context.on, (f"{order.title} could not be read",))

    def explain(self, scoped: ScopedOrder) -> list[Explanation]:
        """Decide on one order under each coverage that pays for it, and keep every step."""
        rules, on = self._context.rules, self._context.on
        pairs = zip(*self._weigh(scoped), strict=True)
        return [
            self._explain(
                scoped,
                explain_order(scoped.order, paying, rules, on, outcome, self._circumstances(scoped, paying)),
            )
            for paying, outcome in pairs
        ]

    def _explain(self, scoped: ScopedOrder, explained: Explanation) -> Explanation:
        """Return an explanation with what is authorized already."""
        if not self._looks_for_authorizations:
            return explained
        return explained._replace(decision=self._satisfy(scoped, explained.decision)).with_authorization()

    def _circumstances(self, scoped: ScopedOrder, paying: PayerChoice) -> Circumstances | None:
        if not self._context.rules.index.asks_circumstances(scoped.order):
            return None
        return self._surroundings.of(scoped, paying.payer)

    def _satisfy(self, scoped: ScopedOrder, decision: Decision | None) -> Decision | None:
        """Return a decision with what is authorized already for its member, where it asks for that."""
        look_ups, member = self._context.look_ups, decision.member if decision else None
        if decision is None or look_ups is None or member is None or not asks_authorization(decision):
            return decision
        number = scoped.draft.number
        get = partial(look_ups.authorizations_of, member, self._context.rules.vocabulary.code_systems, number)
        satisfied = satisfy(decision, get, self._surroundings.of(scoped, decision.payer))
        on_file = satisfied.authorization
        if on_file and on_file.satisfied_by:
            look_ups.take(on_file.satisfied_by, number, on_file.takes)
        return satisfied

    def _weigh(self, scoped: ScopedOrder) -> _Weighed:
        """Return who pays for an order, and what follows: the same for all that name no coverage, on the same days."""
        subject, days = scoped.order.subject, self._context.days(scoped)
        key = None if scoped.order.insurance else (self._context.records.is_another_patient(subject), *days)
        if key is None or key not in self._weighed:
            paying = self._context.find_paying(scoped)
            weighed = paying, tuple([find_outcome(one, days[0], self._rule) for one in paying])
            self._weighed[key] = weighed
        return self._weighed[key]

    def _decide(
        self, scoped: ScopedOrder, paying: PayerChoice, outcome: CoverageOutcome
    ) -> tuple[Decision | None, Steps]:
        rules, on, order = self._context.rules, self._context.on, scoped.order
        circumstances = self._circumstances(scoped, paying)
        try:
            if self._keep_steps:
                explained = self._explain(scoped, explain_order(order, paying, rules, on, outcome, circumstances))
                return explained.decision, explained.steps
            decision = decide(order, paying, rules.index, on, outcome, None, circumstances)
            return (self._satisfy(scoped, decision) if self._looks_for_authorizations else decision), ()
        except Exception as error:
            # resp-43: what goes wrong in here is said on the order, where the version has a code for it.
            if self._context.wire.indeterminate != "indeterminate" or not self._context.service.is_primary:
                raise
            record("error", "decision-failed", error=type(error).__name__, where=where(error))
            return fail(order, paying, on, ("this service failed",)), ()
