"""An order as the matcher needs it: its codes, its own words, its status, and what of it could not be read."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import msgspec

from cards.coding import Coding
from cards.elements import Fault, OrderCoding, OrderText, Place
from cards.service_days import ServiceDays

#: Statuses of an order that is no longer, or never was, one to be carried out.
VOID_STATUSES: Final = frozenset({"revoked", "entered-in-error", "cancelled", "stopped", "noshow"})

#: Places that a title is taken from, the best first; a code with a system goes before the last.
_TITLES: Final = (Place.CODE_TEXT, Place.DISPLAY, Place.BARE_CODE)

#: The elements that say whether an order is to be carried out, and for whom, of the order itself or of one that it is
#: made for.
_TELLING: Final = frozenset(
    {"status", "doNotPerform", "modifierExtension", "subject", "subject.reference", "patient", "patient.reference"}
)


_write: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `service_days` are the days the service is meant for, where the order says any.

    `based_on` are the orders that an Appointment is made for; `unread` the records beside the order that would say
    what is ordered, and `unread_reasons` those that would say why, as literal references, where they did not come.
    """

    resource_type: str
    id: str | None
    status: str | None
    do_not_perform: bool
    codings: tuple[OrderCoding, ...]
    reasons: tuple[Coding, ...]
    texts: tuple[OrderText, ...]
    subject: str | None
    insurance: tuple[str, ...]
    service_days: ServiceDays | None
    faults: tuple[Fault, ...]
    based_on: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unread_reasons: tuple[str, ...] = ()
    is_unsaved: bool = False

    @property
    def reference(self) -> str:
        """The order as `Type/id`, the form of `selections` and `davinci-crd.associated-resource`."""
        return f"{self.resource_type}/{self.id}"

    @property
    def content(self) -> str:
        """What was read of the order, as one text: what an answer rests on, without what answers add to it."""
        read = (self.codings, self.reasons, self.texts, self.subject, self.insurance, self.service_days, self.faults)
        return _write((self.reference, *read)).decode()

    @property
    def service_date(self) -> date | None:
        """The first day the order's service is meant for, where it says one."""
        return self.service_days.first if self.service_days else None

    def day_of_service(self, on: date) -> date:
        """Return the day the order is judged on, where it is asked about on the day `on`."""
        return self.service_days.day_from(on) if self.service_days else on

    def last_day_of_service(self, on: date) -> date:
        """Return the last day that `day_of_service` may be: of a month or a year alone, its last."""
        return self.service_days.last_from(on) if self.service_days else on

    @property
    def is_void(self) -> bool:
        """Tell whether the order asks for nothing: not to be performed, revoked or entered in error."""
        return self.do_not_perform or (self.status or "").strip().lower() in VOID_STATUSES

    @property
    def may_be_void(self) -> bool:
        """Tell whether what says that an order is to be carried out, and for this patient, could not be read."""
        return any(fault.path.partition(".")[2] in _TELLING for fault in self.faults)

    @property
    def title(self) -> str:
        """What a person would call the order: its name, else a code's display, else its first code."""
        named = [next((t.text for t in self.texts if t.place is place), "") for place in _TITLES]
        return named[0] or named[1] or (self.codings[0].coding.code if self.codings else named[2])

    def made_for(self, other: "Order") -> "Order":
        """Return this order with what another says that it is made for: an Appointment and its ServiceRequest."""
        return replace(
            self,
            codings=(*self.codings, *other.codings),
            reasons=(*self.reasons, *other.reasons),
            texts=(*self.texts, *other.texts),
            insurance=self.insurance or other.insurance,
            service_days=self.service_days or other.service_days,
            faults=(*self.faults, *other.faults),
            unread=(*self.unread, *other.unread),
            unread_reasons=(*self.unread_reasons, *other.unread_reasons),
        )
