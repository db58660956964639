"""What the answer to a call needs: references and searches, no more than a decision rests on (CRD-42, found-28)."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from cards import choose_coverages, record_key
from cds_hooks.answering.call_context import CallContext, ScopedOrder
from cds_hooks.answering.scope import CallScope
from cds_hooks.answering.surroundings import Surroundings


def find_needs(context: CallContext, scope: CallScope, orders: Iterable[ScopedOrder]) -> Iterator[str]:
    """Yield what the decisions need, had or not: references, and the search for the patient's Coverage."""
    unavailable = [one.reference for one in scope.unavailable]
    yield from unavailable
    yield from scope.based_on()
    search = context.records.coverage_search
    owed = bool(unavailable) and context.service.is_primary
    if search and (owed or any(_concerns(context, one) for one in orders)):
        yield search
    days: set[tuple[date, date]] = set()
    surroundings = Surroundings(context, scope)
    for one in orders:
        if not one.order.is_void:
            if _concerns(context, one) and _is_first(context, one, days):
                yield from _payers_of(context, one)
            yield from _contents_of(context, one)
            if context.rules.index.asks_circumstances(one.order):
                yield from _circumstances_of(context, surroundings, one)


def find_unfinished(context: CallContext, scope: CallScope, orders: Iterable[ScopedOrder]) -> set[str]:
    """Return the types of which every record counts, so that further pages of them are to be read."""
    kinds = {record_key(one.reference).partition("/")[0] for one in scope.unavailable}
    return kinds | {"Coverage"} if any(_concerns(context, one) for one in orders) else kinds


def _concerns(context: CallContext, scoped: ScopedOrder) -> bool:
    """Tell whether it matters who pays: always where an answer is owed, else where a policy speaks of the order."""
    order = scoped.order
    if order.is_void or context.records.is_another_patient(order.subject):
        return False
    index = context.rules.index
    return context.service.is_primary or bool(
        order.faults or order.unread or index.find(order, index.everything, context.day(scoped))
    )


def _is_first(context: CallContext, scoped: ScopedOrder, days: set[tuple[date, date]]) -> bool:
    """Tell whether who pays was not asked yet for another order that names no coverage and is for the same days."""
    if scoped.order.insurance:
        return True
    mine = context.days(scoped)
    is_first = mine not in days
    days.add(mine)
    return is_first


def _contents_of(context: CallContext, scoped: ScopedOrder) -> Iterator[str]:
    """Yield what says what is ordered and why, where that is still open."""
    order = scoped.order
    if not (order.unread or order.unread_reasons) or _is_settled(context, scoped):
        return
    yield from order.unread
    index, day = context.rules.index, context.day(scoped)
    reasons = [reason for reason in order.unread_reasons if _is_of_type(reason, "Condition")]
    if reasons and any(index.reasons_matter(order, one.payer.policies, day) for one in context.find_paying(scoped)):
        yield from reasons


def _circumstances_of(context: CallContext, surroundings: Surroundings, scoped: ScopedOrder) -> Iterator[str]:
    """Yield the Location, the Encounter or the provider that an answer depends on, of those that the order or the call
    names."""
    index, day = context.rules.index, context.day(scoped)
    for paying in context.find_paying(scoped):
        findings = index.find(scoped.order, paying.payer.policies, day)
        asked = frozenset(fact for finding in findings for fact in finding.version.asks)
        if asked:
            unread = surroundings.of(scoped, paying.payer).unread(asked)
            yield from (one for one in unread if record_key(one).partition("/")[0] in _TELLING)


#: What may say a fact that a condition asks.
_TELLING: Final = frozenset({"Encounter", "Location", "Organization", "Practitioner", "PractitionerRole"})


def _is_settled(context: CallContext, scoped: ScopedOrder) -> bool:
    """Tell whether a policy has its answer already, whatever else an order refers to."""
    index, day = context.rules.index, context.day(scoped)
    found = [index.find(scoped.order, one.payer.policies, day) for one in context.find_paying(scoped)]
    return all(findings and all(f.match.strength.is_sure for f in findings) for findings in found)


def _payers_of(context: CallContext, scoped: ScopedOrder) -> Iterator[str]:
    """Yield what says who pays: the Coverage an order names, and payors that no identifier has told yet."""
    named = context.named_coverages(scoped)
    yield from (one.reference for one in named if one.coverage is None and _is_of_type(one.reference, "Coverage"))
    candidates, _ = choose_coverages(named, context.sent_coverages(), *context.days(scoped))
    if context.wire.refuses_coverage_problems and len(candidates) > 1:
        return
    for coverage in candidates:
        if coverage.unread_payors and not context.rules.payers.identifies(coverage):
            yield from (reference for reference in coverage.unread_payors if _is_of_type(reference, "Organization"))


def _is_of_type(reference: str, kind: str) -> bool:
    return record_key(reference).startswith(f"{kind}/")
