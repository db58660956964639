"""What one set of rules answers to one order: decided by `cards` as for a hook call, and named for a report.

Orders of a year repeat: what is decided once is remembered by everything that it rests on, and by nothing else. Cards
are not made; whether there would be one is asked.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple

from cards import (
    WIRE_VERSIONS,
    AnswerRule,
    Circumstances,
    Coverage,
    CoverageOutcome,
    NamedCoverage,
    Order,
    PayerChoice,
    ResponseOptions,
    SentCoverages,
    decide,
    find_outcome,
    find_paying,
    literal_reference,
)
from cds_hooks.impact.held_records import Insurance
from cds_hooks.impact.order_shapes import ReadOrder
from cds_hooks.impact.verdicts import NOTHING_ASKED, Verdict, code_of, find_strictest, name_decision
from cds_hooks.rules.loading import Rules
from cds_hooks.settings import Settings

#: So many answers are remembered in each process.
_MOST: Final = 20_000


class AskedOrder(NamedTuple):
    """An order to be answered: as it came, as it was read, the coverages it may be under, and the day of the call."""

    resource: dict[str, Any]
    read: ReadOrder
    insurance: Insurance
    resolve: Callable[[str], dict[str, Any] | None]
    day: date

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day that the order may be judged on."""
        days = self.read.service_days
        return (days.day_from(self.day), days.last_from(self.day)) if days else (self.day, self.day)


@dataclass(frozen=True)
class AnswerTerms:
    """How a deployment answers, as far as it decides; `on` asks all orders of the policies of one day."""

    version: str
    unknown_payer: str
    annotate_unmatched: bool
    on: date | None = None


def read_terms(settings: Settings, on: date | None = None) -> AnswerTerms:
    """Return how a deployment answers at order-sign, by its settings."""
    return AnswerTerms(settings.default_version, settings.unknown_payer, settings.unmatched_orders == "annotate", on)


class _Choice(NamedTuple):
    """A payer that an order is judged under, and what a decision rests on of it."""

    paying: PayerChoice
    said: tuple[Any, ...]


class Judge:
    """Answers orders by one set of rules, at order-sign."""

    def __init__(self, rules: Rules, terms: AnswerTerms) -> None:
        self.rules = rules
        self._terms = terms
        self._wire = WIRE_VERSIONS[terms.version]
        self._rule = AnswerRule(terms.version, True, terms.unknown_payer, rules.payers.names)
        self._options = ResponseOptions(self._wire, True, terms.annotate_unmatched)
        self._starts = sorted({start for policy in rules.index.policies.values() for start in policy.starts})
        self._decided: dict[Any, Verdict] = {}
        self._chosen: dict[Any, tuple[_Choice, ...]] = {}

    def judge(self, asked: AskedOrder) -> Verdict:
        """Return the answer to an order; under several coverages of equal rank the strictest."""
        order = asked.read.order
        if order.is_void:
            return NOTHING_ASKED._replace(code=code_of(order))
        days = asked.days
        verdicts = [self._under(asked, one, *days) for one in self._choose(asked.insurance, *days)]
        return verdicts[0] if len(verdicts) == 1 else find_strictest(verdicts)

    def _choose(self, insurance: Insurance, day: date, last_day: date) -> tuple[_Choice, ...]:
        """Return who pays, chosen once for all orders under coverages that say the same and are in force the same."""
        held = insurance.held
        active = tuple([_when_active(one.coverage, day, last_day) for one in held])
        key = tuple([(one.kind, one.can_be_named, one.is_own) for one in held]), insurance.named, active
        found = self._chosen.get(key)
        if found is None:
            if len(self._chosen) >= _MOST:
                self._chosen.clear()
            found = self._chosen[key] = self._choose_anew(insurance, day, last_day)
        return found

    def _choose_anew(self, insurance: Insurance, day: date, last_day: date) -> tuple[_Choice, ...]:
        coverages = [
            replace(one.coverage, reference=f"Coverage/{n}") if one.can_be_named else one.coverage
            for n, one in enumerate(insurance.held)
        ]
        named = [
            NamedCoverage(
                "Coverage/" if place is None else f"Coverage/{place}", None if place is None else coverages[place]
            )
            for place in insurance.named
        ]
        own = tuple(coverage for coverage, one in zip(coverages, insurance.held, strict=True) if one.is_own)
        sent, only_one = SentCoverages(own, was_searched=True), self._wire.refuses_coverage_problems
        paying = find_paying(named, sent, self.rules.payers, day, last_day, only_one=only_one)
        return tuple(_Choice(one, _what_counts(one)) for one in paying)

    def _under(self, asked: AskedOrder, choice: _Choice, day: date, last_day: date) -> Verdict:
        """Return the answer under one payer.

        What was decided before counts again for the same kind of order, the same payer and what is known of the
        coverage, on a day on which the same versions of all policies are in force.
        """
        kind, order, on = asked.read.kind, asked.read.order, self._terms.on or day
        key = kind, choice.said, bisect_right(self._starts, on)
        if kind is not None and (found := self._decided.get(key)):
            return found
        outcome = find_outcome(choice.paying, day, self._rule)
        if self.rules.index.asks_circumstances(order):
            around = self._around(asked, choice.paying, day, last_day)
            return self._decide(order, choice.paying, on, outcome, around)
        verdict = self._decide(order, choice.paying, on, outcome)
        if kind is not None:
            if len(self._decided) >= _MOST:
                self._decided.clear()
            self._decided[key] = verdict
        return verdict

    def _decide(
        self,
        order: Order,
        paying: PayerChoice,
        on: date,
        outcome: CoverageOutcome,
        around: Circumstances | None = None,
    ) -> Verdict:
        dayless = replace(order, service_days=None) if order.service_days else order
        decision = decide(dayless, paying, self.rules.index, on, outcome, None, around)
        return name_decision(decision, self._options) if decision else NOTHING_ASKED

    def _around(self, asked: AskedOrder, paying: PayerChoice, day: date, last_day: date) -> Circumstances:
        """Return the circumstances of an order, alone: bulk data does not say what was signed with it."""
        return Circumstances(
            resources=(asked.resource,),
            code_systems=self.rules.vocabulary.code_systems,
            resolve=asked.resolve,
            day=day,
            last_day=last_day,
            has_day=asked.read.service_days is not None,
            patient=literal_reference(asked.resource.get("subject")),
            place_systems=paying.payer.place_systems,
        )


def _when_active(coverage: Coverage, first: date, last: date) -> tuple[bool, ...]:
    """Tell on which of some days a coverage is in force: the first, the last, and any of them."""
    return coverage.is_active(first), coverage.is_active(last), coverage.is_active_within(first, last)


def _what_counts(paying: PayerChoice) -> tuple[Any, ...]:
    """Return what an answer rests on of a payer: who it is, what is not known, and whether the order can name it."""
    has_reference = paying.coverage is not None and paying.coverage.reference is not None
    return paying.payer.id, paying.payer_is_known, paying.problem, has_reference
