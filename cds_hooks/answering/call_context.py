"""One call while it is answered: what is asked, what came with it, and under whom each of its orders is judged."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from cards import (
    Entry,
    NamedCoverage,
    Order,
    PayerChoice,
    SentCoverages,
    WireVersion,
    find_paying,
    fold_base,
    read_reference,
    set_apart,
)
from cds_hooks.answering.member_look_ups import MemberLookUps
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.hooks.held_resources import Draft
from cds_hooks.hooks.request import HookRequest
from cds_hooks.hooks.services import Service
from cds_hooks.rules.loading import Rules


class ScopedOrder(NamedTuple):
    """One resource of the call to answer on, the order read from it, and where its references lead from."""

    draft: Draft
    order: Order
    entry: Entry


@dataclass(frozen=True, slots=True)
class CallContext:
    """One call while it is answered: what is asked, with which records, version of CRD and rules, and on which day.

    `look_ups` ask the payers whom they insure; None where that is switched off.
    """

    service: Service
    call: HookRequest
    records: ResourcePool
    wire: WireVersion
    rules: Rules
    on: date
    look_ups: MemberLookUps | None = None

    def find_paying(self, scoped: ScopedOrder) -> tuple[PayerChoice, ...]:
        """Return under whom an order is judged."""
        payers = self.rules.payers
        if self.records.is_another_patient(scoped.order.subject):
            return set_apart(payers)
        named, sent, only_one = self.named_coverages(scoped), self.sent_coverages(), self.wire.refuses_coverage_problems
        paying = find_paying(named, sent, payers, *self.days(scoped), only_one=only_one)
        if self.look_ups is None:
            return paying
        return tuple([self.look_ups.settle(one, payers, *self.days(scoped)) for one in paying])

    def day(self, scoped: ScopedOrder) -> date:
        """Return the day that an order is judged on."""
        return scoped.order.day_of_service(self.on)

    def days(self, scoped: ScopedOrder) -> tuple[date, date]:
        """Return the first and the last day that an order may be judged on."""
        return self.day(scoped), scoped.order.last_day_of_service(self.on)

    def sent_coverages(self) -> SentCoverages:
        """Return the patient's coverages as far as they are had, and what is known of the others."""
        records = self.records
        failed = records.coverage_problem is not None
        return SentCoverages(records.coverages, records.sought, failed, records.coverage_was_searched)

    def named_coverages(self, scoped: ScopedOrder) -> list[NamedCoverage]:
        """Return the coverages that an order names; of its insurance, ClaimResponses are none."""
        found = (self._find_named(reference, scoped.entry) for reference in scoped.order.insurance)
        return [one for one in found if one]

    def _find_named(self, reference: str, within: Entry) -> NamedCoverage | None:
        entry, parts = self.records.resolve(reference, within), read_reference(reference)
        kind = entry.resource.get("resourceType") if entry else (parts.key or "Coverage/").partition("/")[0]
        if kind != "Coverage":
            return None
        coverage = self.records.named_coverage(entry) if entry else None
        if coverage:
            return NamedCoverage(reference, coverage)
        base, problem = self.call.fhir_base, self.records.problem_of(reference)
        elsewhere = parts.base is not None and base is not None and parts.base != fold_base(base)
        failed = problem is not None and problem.is_technical
        return NamedCoverage(reference, None, is_elsewhere=elsewhere or entry is not None, has_failed=failed)
