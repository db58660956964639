"""Who pays for an order: the coverage it is judged under, the payer that answers, or why neither is known."""

from collections.abc import Container, Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from cards.coverage import Coverage, CoverageProblem, Payer, PayerDirectory, choose_coverages
from cards.order import Order
from cards.references import record_key

#: As many coverages of equal rank are answered for; an order under more is under none that can be told.
MOST_COVERAGES: Final = 5


class PayerChoice(NamedTuple):
    """A coverage, the payer that answers, and whether the coverage names it; `problem` is what is not known."""

    coverage: Coverage | None
    payer: Payer
    payer_is_known: bool
    problem: CoverageProblem | None = None


def find_paying(
    order: Order,
    coverages: Iterable[Coverage],
    payers: PayerDirectory,
    on: date,
    *,
    only_one: bool = False,
    unreachable: Container[str] = (),
    base: str | None = None,
) -> tuple[PayerChoice, ...]:
    """Return under whom an order is judged: one payer, or several where coverages of equal rank are all ours.

    `only_one` is the rule of CRD 2.1 and 2.2 (hook-13): one coverage, whose payer has an identifier; anything else
    is a problem. CRD 2.0.1 says nothing: of several the one whose payer is known counts, then the lowest `order`
    (docs/calls.md). `unreachable` are references to payors that were asked for and could not be had, `base` is
    what relative references are read against.
    """
    day, last = order.day_of_service(on), order.last_day_of_service(on)
    active, problem = choose_coverages(coverages, order.insurance, day, base, until=last)
    if problem is None and only_one and len(active) > 1:
        problem = CoverageProblem.SEVERAL
    if problem:
        return (PayerChoice(None, payers.default, payer_is_known=True, problem=problem),)
    judged = [_recognise(coverage, payers, unreachable, only_one=only_one) for coverage in active]
    return (judged[0],) if len(judged) == 1 else _rank(judged, payers)


def _rank(judged: Sequence[PayerChoice], payers: PayerDirectory) -> tuple[PayerChoice, ...]:
    known = [paying for paying in judged if paying.payer_is_known]
    candidates = known or judged
    first = min(paying.coverage.order for paying in candidates if paying.coverage)
    ranked = tuple(paying for paying in candidates if paying.coverage and paying.coverage.order == first)
    if len(ranked) > MOST_COVERAGES:
        return (PayerChoice(None, payers.default, payer_is_known=True, problem=CoverageProblem.SEVERAL),)
    return ranked if known else ranked[:1]


def _recognise(
    coverage: Coverage, payers: PayerDirectory, unreachable: Container[str], *, only_one: bool
) -> PayerChoice:
    payer = payers.recognise(coverage)
    if payer and (coverage.payer_identifiers or not only_one):
        return PayerChoice(coverage, payer, payer_is_known=True)
    if any(record_key(reference) in unreachable for reference in coverage.unread_payors):
        problem = CoverageProblem.UNREAD_PAYER
    elif coverage.payer_identifiers or not only_one:
        problem = CoverageProblem.UNKNOWN_PAYER
    else:
        problem = CoverageProblem.NO_PAYER_IDENTIFIER
    return PayerChoice(coverage, payer or payers.default, payer_is_known=payer is not None, problem=problem)
