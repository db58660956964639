"""What a call knows of the circumstances of its orders: the orders beside one, its encounter, the records around it."""

from collections.abc import Iterator, Sequence
from typing import Any

from cards import Circumstances, Order, Payer
from cds_hooks.answering.call_context import CallContext, ScopedOrder
from cds_hooks.answering.scope import CallScope


class Surroundings:
    """Makes the circumstances of the orders of one call. Nothing is read from them before a condition asks."""

    def __init__(self, context: CallContext, scope: CallScope) -> None:
        self._context = context
        self._scope = scope
        self._drafts: Sequence[ScopedOrder] | None = None

    def of(self, scoped: ScopedOrder, payer: Payer) -> Circumstances:
        """Return the circumstances of an order as a payer's conditions see them."""
        context, call = self._context, self._context.call
        first, last = context.days(scoped)
        return Circumstances(
            resources=(scoped.draft.resource, *self._based_on(scoped)),
            code_systems=context.rules.vocabulary.code_systems,
            resolve=context.records.resolver(scoped.entry),
            day=first,
            last_day=last,
            has_day=scoped.order.service_days is not None,
            encounter=f"Encounter/{call.encounter_id}" if call.encounter_id else None,
            performer=call.performer,
            patient=f"Patient/{call.patient_id}",
            place_systems=payer.place_systems,
            beside=lambda: self._beside(scoped),
        )

    def _based_on(self, scoped: ScopedOrder) -> Iterator[Any]:
        """Yield the orders that an appointment is made for."""
        found = (self._context.records.resolve(one, scoped.entry) for one in scoped.order.based_on)
        yield from (entry.resource for entry in found if entry)

    def _beside(self, scoped: ScopedOrder) -> tuple[Order, ...]:
        """Return the other orders of the call, selected or not, that ask for something for the same patient."""
        if self._drafts is None:
            self._drafts = self._scope.everything()
        records = self._context.records
        others = (one.order for one in self._drafts if one.draft.resource is not scoped.draft.resource)
        return tuple(o for o in others if not o.is_void and not records.is_another_patient(o.subject))
