"""What a call is about: the orders to answer on, as far as they came or were read, and those that could not be had."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from cards import (
    ORDER_TYPES,
    Entry,
    Fault,
    Order,
    OrderText,
    Place,
    ServiceDays,
    read_order,
    read_reference,
    record_key,
)
from cds_hooks.answering.call_context import CallContext, ScopedOrder
from cds_hooks.errors import InvalidRequestError, Issue
from cds_hooks.fhir.validation import is_resource_type
from cds_hooks.hooks.held_resources import Draft, OrderReference

#: Resources that stand beside orders because one of them refers to them. Anything else among the orders of a call is
#: something to be answered or named: silence would say that there is nothing to say.
_BESIDE: Final = frozenset({
    "AllergyIntolerance", "Basic", "Binary", "BodyStructure", "CareTeam", "Condition", "Coverage", "Device",
    "DeviceDefinition", "DocumentReference", "Endpoint", "EpisodeOfCare", "Goal", "Group", "HealthcareService",
    "Location", "Medication", "MedicationKnowledge", "Observation", "OperationOutcome", "Organization", "Patient",
    "Person", "Practitioner", "PractitionerRole", "Provenance", "Questionnaire", "QuestionnaireResponse",
    "RelatedPerson", "Schedule", "Slot", "Specimen", "Substance",
})  # fmt: skip


class CallScope:
    """The orders of one call. What is in scope depends on the hook, the version and the records there by now."""

    def __init__(self, context: CallContext) -> None:
        self._call = context.call
        self._records = context.records
        self._is_booking = context.call.hook == "appointment-book"
        self._judges_based_on = not context.wire.annotates_based_on
        self._code_systems = context.rules.vocabulary.code_systems
        self._drafts = _once([draft for draft in context.call.drafts if self._is_order(draft)])
        self._references = self._find_references()
        self._lost = [_lost_selection(path) for path in self._find_lost()]

    def orders(self) -> list[ScopedOrder]:
        """Return the orders to answer on, as far as they are had, and the selections that name none."""
        found = self._booked() if self._is_booking else ((draft, None) for draft in self._in_scope())
        return [*(self._read(draft, days) for draft, days in found), *self._lost]

    def everything(self) -> list[ScopedOrder]:
        """Return all orders that came with the call or are referred to, selected or not."""
        referred = (self._referred(one, one.path) for one in self._references)
        return [self._read(draft) for draft in (*self._drafts, *(draft for draft in referred if draft))]

    @property
    def unavailable(self) -> list[OrderReference]:
        """The orders that the call refers to and that could not be had."""
        return [one for one in self._references if self._referred(one, one.path) is None]

    def based_on(self) -> Iterator[str]:
        """Yield the references to the orders behind appointments, where those are answered on themselves (CRD 2.2)."""
        if self._is_booking and not self._judges_based_on:
            appointments = (self._read(draft).order for draft in self._drafts)
            yield from (one for order in appointments if not order.is_void for one in order.based_on)

    def _is_order(self, draft: Draft) -> bool:
        """Tell whether a resource is to be answered on, and keep it for those that refer to it."""
        kind = _kind(draft.resource)
        if is_resource_type(kind) and not draft.container:
            self._records.keep(draft.resource, draft.full_url, draft)
        return not isinstance(kind, str) or kind not in _BESIDE

    def _find_references(self) -> list[OrderReference]:
        """Return the orders that the call refers to; on the encounter hooks that is the Encounter."""
        if self._call.hook.startswith("encounter-"):
            encounter = f"Encounter/{self._call.encounter_id}"
            return [OrderReference(0, encounter, "context.encounterId.resolve()")]
        return self._call.references

    def _find_lost(self) -> list[str]:
        """Return the paths of selections that name no resource of the call; InvalidRequestError where all are lost."""
        lost = [
            f"context.selections[{number}]"
            for number, selection in enumerate(self._call.selections)
            if not any(is_selected(draft, (selection,)) for draft in self._call.drafts)
        ]
        if lost and len(lost) == len(self._call.selections):
            raise InvalidRequestError(
                *(Issue("not-found", f"{path} names none of the draft orders", path) for path in lost)
            )
        return lost

    def _referred(self, reference: OrderReference, path: str) -> Draft | None:
        return self._records.draft(reference.number, reference.reference, path)

    def _in_scope(self) -> list[Draft]:
        """Return the resources to comment on: on order-select only the selected ones (CRD-210, hook-34)."""
        if self._call.hook == "order-select":
            return [draft for draft in self._drafts if is_selected(draft, self._call.selections)]
        if not self._references:
            return self._drafts
        sent = {id(draft.resource) for draft in self._drafts}
        referred = (self._referred(reference, f"{reference.path}.resolve()") for reference in self._references)
        return [*self._drafts, *{_key(d): d for d in referred if d and id(d.resource) not in sent}.values()]

    def _booked(self) -> Iterator[tuple[Draft, ServiceDays | None]]:
        """Yield what is answered on where appointments are booked: the appointments, or in CRD 2.2 the orders that they
        are made for, each once, and the appointments without any.

        An order that says no day is judged as on the day of the first of its appointments that says one.
        """
        behind: dict[str, tuple[Draft, ServiceDays | None]] = {}
        named: set[int] = set()
        for draft in self._drafts:
            appointment = self._read(draft)
            found = self._made_for(appointment)
            named.update(id(order.resource) for order in found if order)
            orders = {} if self._judges_based_on else {_key(o): o for o in found if o and _can_be_updated(o)}
            stands_alone = not orders or any(order is None or order.container for order in found)
            if _kind(draft.resource) == "Appointment" and (appointment.order.is_void or stands_alone):
                yield draft, None
            for key, order in orders.items() if not appointment.order.is_void else ():
                first, days = behind.get(key, (order, None))
                behind[key] = first, days or appointment.order.service_days
        others = (draft for draft in self._drafts if _kind(draft.resource) != "Appointment")
        yield from ((draft, None) for draft in others if id(draft.resource) not in named)
        for number, (order, days) in enumerate(behind.values(), start=len(self._drafts)):
            yield order._replace(number=number), days

    def _made_for(self, appointment: ScopedOrder) -> list[Draft | None]:
        """Return the orders that an appointment is made for, None for each that is not had."""
        path, entry = f"{appointment.draft.path}.basedOn.resolve()", appointment.entry
        return [self._records.draft(0, one, path, entry) for one in appointment.order.based_on]

    def _read(self, draft: Draft, days: ServiceDays | None = None) -> ScopedOrder:
        """Read an order; one that is no request resource at all is an order that could not be read."""
        container = Entry(draft.container, draft.full_url) if draft.container else None
        entry = Entry(draft.resource, draft.full_url, container)
        if _kind(draft.resource) not in ORDER_TYPES:
            return ScopedOrder(draft, unreadable_order(draft.path, kind=_kind(draft.resource)), entry)
        order = read_order(draft.resource, self._code_systems, self._records.resolver(entry))
        if order.service_days is None and days:
            order = replace(order, service_days=days)
        if draft.container:
            order = replace(order, id=None)  # it has no place of its own on the client's server
        elif order.id is None and self._is_only_unsaved(draft):
            order = replace(order, is_unsaved=True)
        return ScopedOrder(draft, self._with_based_on(order, entry) if order.based_on else order, entry)

    def _is_only_unsaved(self, draft: Draft) -> bool:
        """Tell whether this is the one appointment that is to be booked and has no id yet."""
        unsaved = [one for one in self._drafts if isinstance(one.resource, dict) and "id" not in one.resource]
        return self._is_booking and len(unsaved) == 1 and unsaved[0].resource is draft.resource

    def _with_based_on(self, appointment: Order, within: Entry) -> Order:
        """Return an appointment together with the orders it is made for, unless those are annotated themselves."""
        order = appointment
        for reference in appointment.based_on:
            found = self._records.resolve(reference, within)
            if found is None:
                order = replace(order, unread=(*order.unread, reference))
            elif _kind(found.resource) in ORDER_TYPES and (self._judges_based_on or found.container):
                based_on = read_order(found.resource, self._code_systems, self._records.resolver(found))
                if self._records.is_another_patient(based_on.subject):
                    order = replace(order, subject=based_on.subject)
                elif not based_on.is_void:
                    order = order.made_for(based_on)
        return order


def unreadable_order(path: str, reference: str | None = None, kind: Any = None) -> Order:
    """Return an order of which nothing could be read; `path` says where it stood, `reference` what it was called."""
    fault = Fault(path, "is not a request resource of CRD")
    if reference:
        kind = record_key(reference).partition("/")[0]
    name = (OrderText(Place.CODE_TEXT, record_key(reference), path),) if reference else ()
    named = str(kind) if is_resource_type(kind) else "Order"
    return Order(named, None, None, False, (), (), name, None, (), None, (fault,))


def _can_be_updated(draft: Draft) -> bool:
    return _kind(draft.resource) in ORDER_TYPES and not draft.container


def _kind(resource: Any) -> Any:
    return resource.get("resourceType") if isinstance(resource, dict) else None


def _key(draft: Draft) -> str:
    return f"{_kind(draft.resource)}/{draft.resource.get('id', draft.path)}"


def _once(drafts: list[Draft]) -> list[Draft]:
    """Return drafts without those that are there a second time, byte by byte."""
    found: dict[Any, Draft] = {}
    for draft in drafts:
        found.setdefault(draft.raw or draft.path, draft)
    return list(found.values())


def _lost_selection(path: str) -> ScopedOrder:
    """Return a selection that names no order as an order that could not be read, so that it is told."""
    order = unreadable_order(path)
    return ScopedOrder(
        Draft(0, {}, b"", path), replace(order, faults=(Fault(path, "names no draft order"),)), Entry({})
    )


def is_selected(draft: Draft, selections: Iterable[str]) -> bool:
    """Tell whether `selections` name an order: by any reference to it, by its bare id, or by the entry's fullUrl.

    What is contained is selected with what it is contained in.
    """
    resources = [resource for resource in (draft.resource, draft.container) if isinstance(resource, dict)]
    return any(_selects(one, resource, draft.full_url) for one in selections for resource in resources)


def _selects(selection: str, resource: Mapping[str, Any], full_url: Any) -> bool:
    named, said = read_reference(selection), selection.strip()
    kind, identity = resource.get("resourceType"), resource.get("id")
    if isinstance(full_url, str) and (said == full_url or named.url == read_reference(full_url).url is not None):
        return True
    if not isinstance(kind, str) or not isinstance(identity, str):
        return False
    return named.key == f"{kind}/{identity}" or said in (identity, f"urn:uuid:{identity}")
