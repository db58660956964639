"""From a hook call to the decisions on its orders, reading on the way only what a decision needs (CRD-42, found-28)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple

from cards import (
    ORDER_TYPES,
    Basis,
    CoverageProblem,
    Decision,
    Fault,
    Order,
    Paying,
    WireVersion,
    decide,
    fail,
    find_paying,
    read_order,
    record_key,
    same_reference,
)
from cds_hooks.deployment import Deployment
from cds_hooks.fhir_check import is_resource_type
from cds_hooks.hook_request import Draft, HookRequest, OrderReference
from cds_hooks.logs import record, where
from cds_hooks.records import Records
from cds_hooks.services import Service

#: Reads can depend on reads: the order, its payer and medication, its reason. No chain is longer.
_MOST_ROUNDS: Final = 4


class Judged(NamedTuple):
    """One resource of the call, the order read from it, who pays, and a decision for each of them."""

    draft: Draft
    order: Order
    paying: tuple[Paying, ...]
    decisions: tuple[Decision, ...]


class Inquiry:
    """One call while it is judged: what it is about, and the records it has so far."""

    def __init__(
        self, service: Service, call: HookRequest, records: Records, wire: WireVersion, deployment: Deployment, on: date
    ) -> None:
        self.service = service
        self.call = call
        self.records = records
        self.wire = wire
        self.on = on
        self._deployment = deployment
        self._rules = deployment.rules
        self._drafts = [draft for draft in call.drafts if not self._is_record(draft)]
        self._references = self._find_references()

    def judge(self) -> list[Judged]:
        """Decide on everything in scope; what is missing for that is read and all is judged again."""
        self.records.finish()
        for _ in range(_MOST_ROUNDS):
            judged = [self._judge(draft) for draft in self._in_scope()]
            wanted = self.records.missing(self._needs(judged))
            if not wanted:
                return judged
            self.records.fetch(wanted)
        return [self._judge(draft) for draft in self._in_scope()]

    @property
    def unavailable(self) -> list[OrderReference]:
        """The orders that the call refers to and that could not be had."""
        return [
            reference
            for reference in self._references
            if self.records.draft(reference.number, reference.reference, reference.path) is None
        ]

    def _is_record(self, draft: Draft) -> bool:
        """Tell whether an entry stands beside the orders, such as a Medication that one of them refers to."""
        kind = draft.resource.get("resourceType") if isinstance(draft.resource, dict) else None
        is_record = kind not in ORDER_TYPES and is_resource_type(kind)
        if is_record:
            self.records.keep(draft.resource)
        return is_record

    def _find_references(self) -> list[OrderReference]:
        """Return the orders that the call refers to; on the encounter hooks that is the Encounter."""
        if self.call.hook.startswith("encounter-"):
            encounter = f"Encounter/{self.call.encounter_id}"
            return [OrderReference(0, encounter, "context.encounterId.resolve()")]
        return self.call.references

    def _in_scope(self) -> list[Draft]:
        """Return the resources to comment on: on order-select only the selected ones (CRD-210, hook-34)."""
        if self.call.hook == "order-select":
            return [draft for draft in self._drafts if _is_selected(draft, self.call.selections)]
        if self.wire.annotates_based_on and self.call.hook == "appointment-book":
            return list(self._behind_appointments())
        if not self._references:
            return self._drafts
        referred = (
            self.records.draft(reference.number, reference.reference, f"{reference.path}.resolve()")
            for reference in self._references
        )
        return [*self._drafts, *(draft for draft in referred if draft)]

    def _behind_appointments(self) -> Iterator[Draft]:
        """Yield the orders that appointments are made for, each once, and the appointments without any (CRD 2.2)."""
        behind: dict[str, Draft] = {}
        for draft in self._drafts:
            based_on = self._read(draft).based_on
            path = f"{draft.path}.basedOn.resolve()"
            found = {record_key(reference): self.records.draft(0, reference, path) for reference in based_on}
            if not found or None in found.values():
                yield draft
            behind.update({key: order for key, order in found.items() if order and key not in behind})
        for number, order in enumerate(behind.values(), start=len(self._drafts)):
            yield order._replace(number=number)

    def _read(self, draft: Draft) -> Order:
        """Read an order; one that is no request resource at all is an order that could not be read."""
        resource = draft.resource
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind not in ORDER_TYPES:
            return unreadable_order(draft.path)
        order = read_order(resource, self._rules.vocabulary.code_systems, self.records.by_key)
        return self._with_based_on(order) if order.based_on else order

    def _with_based_on(self, appointment: Order) -> Order:
        """Return an appointment together with the orders it is made for, unless those are annotated themselves."""
        order = appointment
        for reference in appointment.based_on:
            resource = self.records.by_key.get(record_key(reference))
            if resource is None:
                order = replace(order, unread=(*order.unread, reference))
            elif resource.get("resourceType") in ORDER_TYPES and not self.wire.annotates_based_on:
                based_on = read_order(resource, self._rules.vocabulary.code_systems, self.records.by_key)
                order = order.made_for(based_on)
        return order

    def _judge(self, draft: Draft) -> Judged:
        order = self._read(draft)
        paying = self.find_paying(order)
        decisions = (self._decide(order, one) for one in paying)
        return Judged(draft, order, paying, tuple([decision for decision in decisions if decision]))

    def find_paying(self, order: Order) -> tuple[Paying, ...]:
        """Return under whom an order is judged."""
        found = find_paying(
            order,
            self.records.coverages_of(order.subject),
            self._rules.payers,
            self.on,
            only_one=self.wire.refuses_coverage_problems,
            unreachable=self.records.unreachable,
        )
        if found[0].problem is CoverageProblem.NONE and self.records.coverage_is_unread:
            return (found[0]._replace(problem=CoverageProblem.UNREAD),)
        return found

    def _decide(self, order: Order, paying: Paying) -> Decision | None:
        try:
            return decide(order, paying, self._rules.index, self.on)
        except Exception as error:
            # resp-43: what goes wrong in here is said on the order, where the version has a code for it.
            if self.wire.indeterminate != "indeterminate" or not self.service.is_primary:
                raise
            record("error", "decision-failed", error=type(error).__name__, where=where(error))
            return fail(order, paying, self.on, ("this service failed",))

    def _needs(self, judged: list[Judged]) -> Iterator[str]:
        """Yield what the decisions still need: references, and the search for the patient's Coverage."""
        references = [reference.reference for reference in self._references]
        yield from references
        if self.wire.annotates_based_on:
            for draft in self._drafts:
                yield from self._read(draft).based_on
        asks = [one for one in judged if not one.order.is_void]
        search = self.records.coverage_search
        if search and (any(self._concerns(one) for one in asks) or (references and self.service.is_primary)):
            yield search
        for one in asks:
            yield from self._needs_of(one)

    def _concerns(self, judged: Judged) -> bool:
        """Tell whether it matters who pays: always where an answer is owed, else where a policy speaks of the order."""
        order = judged.order
        everything = tuple(self._rules.index.policies)
        return self.service.is_primary or bool(
            order.faults or order.unread or self._rules.index.find(order, everything, order.service_date or self.on)
        )

    def _needs_of(self, judged: Judged) -> Iterator[str]:
        for paying in judged.paying:
            if paying.coverage and paying.problem:
                yield from paying.coverage.unread_payors
        if judged.decisions and all(decision.is_sure for decision in judged.decisions):
            return
        yield from judged.order.unread
        index, day = self._rules.index, judged.order.service_date or self.on
        policies = (paying.payer.policies for paying in judged.paying)
        if judged.order.unread_reasons and any(index.reasons_matter(judged.order, p, day) for p in policies):
            yield from judged.order.unread_reasons


def problems_of(judged: Iterable[Judged]) -> set[CoverageProblem]:
    """Return the coverage problems that stand between orders and an answer to them."""
    return {decision.problem for one in judged for decision in one.decisions if decision.problem}


def speaks(judged: Judged) -> bool:
    """Tell whether anything is said of an order beyond that no policy here is about it."""
    return any(decision.basis is not Basis.NOT_EVALUATED for decision in judged.decisions)


def unreadable_order(path: str) -> Order:
    """Return an order of which nothing could be read; `path` says where it stood in the request."""
    fault = Fault(path, "is not a request resource of CRD")
    return Order("Order", None, None, False, (), (), (), None, (), None, (fault,))


def _is_selected(draft: Draft, selections: frozenset[str]) -> bool:
    """Tell whether `selections` name an order: as `Type/id`, by its bare id, or by the entry's fullUrl."""
    resource: Any = draft.resource
    if not isinstance(resource, dict):
        return False
    kind, identity = resource.get("resourceType"), resource.get("id")
    if isinstance(draft.full_url, str) and draft.full_url in selections:
        return True
    if not isinstance(kind, str) or not isinstance(identity, str):
        return False
    named = f"{kind}/{identity}"
    return named in selections or identity in selections or any(_names(one, named) for one in selections)


def _names(selection: str, named: str) -> bool:
    return "://" in selection and same_reference(selection, named)
