"""From a hook call to the decisions on its orders, reading on the way only what a decision needs (CRD-42, found-28)."""

from collections.abc import Iterator
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
    OrderText,
    PayerChoice,
    Place,
    ServiceDays,
    WireVersion,
    choose_coverages,
    decide,
    fail,
    find_paying,
    read_order,
    record_key,
    same_reference,
)
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.fhir.validation import is_resource_type
from cds_hooks.hooks.request import Draft, HookRequest, OrderReference
from cds_hooks.hooks.services import Service
from cds_hooks.rules.loading import Rules
from cds_hooks.telemetry.logs import record, where

#: Problems that a Coverage which could not be read might have solved.
_NO_COVERAGE: Final = frozenset({CoverageProblem.NONE, CoverageProblem.INACTIVE})

#: Reads can depend on reads: the order, its payer and medication, its reason. No chain is longer.
_MOST_ROUNDS: Final = 4


class EvaluatedOrder(NamedTuple):
    """One resource of the call, the order read from it, who pays, and a decision for each of them."""

    draft: Draft
    order: Order
    paying: tuple[PayerChoice, ...]
    decisions: tuple[Decision, ...]


class Evaluation:
    """One call while it is judged: what it is about, and the records it has so far."""

    def __init__(
        self, service: Service, call: HookRequest, records: ResourcePool, wire: WireVersion, rules: Rules, on: date
    ) -> None:
        self.service = service
        self.call = call
        self.records = records
        self.wire = wire
        self.on = on
        self._rules = rules
        self._drafts = _once([draft for draft in call.drafts if not self._is_record(draft)])
        self._days: dict[str, ServiceDays] = {}
        self._references = self._find_references()

    def judge(self) -> list[EvaluatedOrder]:
        """Decide on everything in scope; what is missing for that is read and all is judged again."""
        for _ in range(_MOST_ROUNDS):
            judged = [self._judge(draft) for draft in self._in_scope()]
            went_on = self.records.finish(self._unfinished(judged))
            wanted = self.records.missing(self._needs(judged))
            if not wanted and not went_on:
                return judged
            if wanted:
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
        kind = _kind(draft.resource)
        is_order = kind == "Appointment" if self.call.hook == "appointment-book" else kind in ORDER_TYPES
        is_record = not is_order and is_resource_type(kind)
        if is_record:
            self.records.keep(draft.resource, draft.full_url, draft)
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
        return [*self._drafts, *{_key(draft): draft for draft in referred if draft}.values()]

    def _behind_appointments(self) -> Iterator[Draft]:
        """Yield the orders that appointments are made for, each once, and the appointments without any (CRD 2.2).

        An order that says no day is judged as on the day of its appointment.
        """
        behind: dict[str, Draft] = {}
        for draft in self._drafts:
            appointment = self._read(draft)
            path = f"{draft.path}.basedOn.resolve()"
            found = [self.records.draft(0, one, path) for one in appointment.based_on]
            orders = {_key(order): order for order in found if order and _kind(order.resource) in ORDER_TYPES}
            if appointment.is_void or not orders or None in found:
                yield draft
            for key, order in orders.items():
                if not appointment.is_void:
                    behind.setdefault(key, order)
                    if appointment.service_days:
                        self._days.setdefault(key, appointment.service_days)
        for number, order in enumerate(behind.values(), start=len(self._drafts)):
            yield order._replace(number=number)

    def _read(self, draft: Draft) -> Order:
        """Read an order; one that is no request resource at all is an order that could not be read."""
        resource = draft.resource
        if _kind(resource) not in ORDER_TYPES:
            return unreadable_order(draft.path)
        order = read_order(resource, self._rules.vocabulary.code_systems, self.records.by_key)
        if order.service_days is None and order.reference in self._days:
            order = replace(order, service_days=self._days[order.reference])
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
                if self.records.is_another_patient(based_on.subject):
                    order = replace(order, subject=based_on.subject)
                elif not based_on.is_void:
                    order = order.made_for(based_on)
        return order

    def _judge(self, draft: Draft) -> EvaluatedOrder:
        order = self._read(draft)
        paying = self.find_paying(order)
        decisions = (self._decide(order, one) for one in paying)
        return EvaluatedOrder(draft, order, paying, tuple([decision for decision in decisions if decision]))

    def find_paying(self, order: Order) -> tuple[PayerChoice, ...]:
        """Return under whom an order is judged."""
        if self.records.is_another_patient(order.subject):
            return (PayerChoice(None, self._rules.payers.default, True, CoverageProblem.OTHER_PATIENT),)
        found = find_paying(
            order,
            self.records.coverages_of(order.subject),
            self._rules.payers,
            self.on,
            only_one=self.wire.refuses_coverage_problems,
            unreachable=self.records.unreachable,
            base=self.call.fhir_base,
        )
        unread_name = found[0].problem is CoverageProblem.NOT_THE_ONE_NAMED and not self.records.unreachable.isdisjoint(
            map(record_key, order.insurance)
        )
        if unread_name or (found[0].problem in _NO_COVERAGE and self.records.coverage_problem):
            return (found[0]._replace(problem=CoverageProblem.UNREAD),)
        return found

    def _decide(self, order: Order, paying: PayerChoice) -> Decision | None:
        try:
            return decide(order, paying, self._rules.index, self.on)
        except Exception as error:
            # resp-43: what goes wrong in here is said on the order, where the version has a code for it.
            if self.wire.indeterminate != "indeterminate" or not self.service.is_primary:
                raise
            record("error", "decision-failed", error=type(error).__name__, where=where(error))
            return fail(order, paying, self.on, ("this service failed",))

    def _unfinished(self, judged: list[EvaluatedOrder]) -> set[str]:
        """Return the types of which every record counts, so that further pages of them are to be read."""
        kinds = {record_key(reference.reference).partition("/")[0] for reference in self.unavailable}
        return kinds | {"Coverage"} if any(self._concerns(one) for one in judged) else kinds

    def _needs(self, judged: list[EvaluatedOrder]) -> Iterator[str]:
        """Yield what the decisions still need: references, and the search for the patient's Coverage."""
        unavailable = [reference.reference for reference in self.unavailable]
        yield from unavailable
        if self.wire.annotates_based_on:
            appointments = (self._read(draft) for draft in self._drafts)
            yield from (one for order in appointments if not order.is_void for one in order.based_on)
        search = self.records.coverage_search
        if search and (any(self._concerns(one) for one in judged) or (unavailable and self.service.is_primary)):
            yield search
        for one in judged:
            if not one.order.is_void:
                yield from self._needs_of(one)

    def _concerns(self, judged: EvaluatedOrder) -> bool:
        """Tell whether it matters who pays: always where an answer is owed, else where a policy speaks of the order."""
        order = judged.order
        if order.is_void or self.records.is_another_patient(order.subject):
            return False
        index = self._rules.index
        return self.service.is_primary or bool(
            order.faults or order.unread or index.find(order, index.everything, order.day_of_service(self.on))
        )

    def _needs_of(self, judged: EvaluatedOrder) -> Iterator[str]:
        if self._concerns(judged):
            yield from self._payors_of(judged)
        if judged.decisions and all(decision.is_sure for decision in judged.decisions):
            return
        yield from judged.order.unread
        index, day = self._rules.index, judged.order.day_of_service(self.on)
        reasons = [reason for reason in judged.order.unread_reasons if _is_of_type(reason, "Condition")]
        if reasons and any(index.reasons_matter(judged.order, one.payer.policies, day) for one in judged.paying):
            yield from reasons

    def _payors_of(self, judged: EvaluatedOrder) -> Iterator[str]:
        """Yield what says who pays: the Coverage an order names, and payors that no identifier has told yet."""
        order = judged.order
        if any(paying.problem is CoverageProblem.NOT_THE_ONE_NAMED for paying in judged.paying):
            yield from (reference for reference in order.insurance if _is_of_type(reference, "Coverage"))
        coverages, day = self.records.coverages_of(order.subject), order.day_of_service(self.on)
        in_force, _ = choose_coverages(
            coverages, order.insurance, day, self.call.fhir_base, until=order.last_day_of_service(self.on)
        )
        if self.wire.refuses_coverage_problems and len(in_force) > 1:
            return
        for coverage in in_force:
            if coverage.unread_payors and not self._rules.payers.identifies(coverage):
                yield from (reference for reference in coverage.unread_payors if _is_of_type(reference, "Organization"))


def _kind(resource: Any) -> Any:
    return resource.get("resourceType") if isinstance(resource, dict) else None


def _key(draft: Draft) -> str:
    return f"{_kind(draft.resource)}/{draft.resource.get('id', draft.path)}"


def _is_of_type(reference: str, kind: str) -> bool:
    return record_key(reference).startswith(f"{kind}/")


def _once(drafts: list[Draft]) -> list[Draft]:
    """Return drafts without those that are there a second time, byte by byte."""
    return list({draft.raw: draft for draft in reversed(drafts)}.values())[::-1] if len(drafts) > 1 else drafts


def speaks(judged: EvaluatedOrder) -> bool:
    """Tell whether anything is said of an order beyond that no policy here is about it."""
    return any(decision.basis is not Basis.NOT_EVALUATED for decision in judged.decisions)


def unreadable_order(path: str, reference: str | None = None) -> Order:
    """Return an order of which nothing could be read; `path` says where it stood, `reference` what it was called."""
    fault = Fault(path, "is not a request resource of CRD")
    kind = record_key(reference).partition("/")[0] if reference else "Order"
    name = (OrderText(Place.CODE_TEXT, record_key(reference), path),) if reference else ()
    return Order(kind, None, None, False, (), (), name, None, (), None, (fault,))


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
