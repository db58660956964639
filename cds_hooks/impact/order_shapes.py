"""Orders of a year repeat: what is read of one serves for all that say the same of the service, whoever they are for.

Only elements that say nothing of the service are left out of the comparison (`_OF_ONE_ORDER`), so an element that comes
to matter is compared by itself; a test holds what is remembered to what is read anew.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Any, Final, NamedTuple

import orjson

from cards import CodeSystems, Order, ServiceDays, literal_reference, read_order
from cards.elements import Reading
from cards.references import is_usable_id
from cards.service_days import read_service_days

Json = dict[str, Any]
Resolve = Callable[[str], Json | None]

#: Elements that tell one order from another and not what is ordered: whose, when written, by whom, where.
_OF_ONE_ORDER: Final = (
    "id",
    "meta",
    "identifier",
    "subject",
    "insurance",
    "authoredOn",
    "requester",
    "encounter",
    "locationReference",
    "locationCode",
    "occurrenceDateTime",
)

#: An order with one of these is read anew: what it refers to says what is ordered.
_ELSEWHERE: Final = ("medicationReference", "codeReference")

#: So many kinds of orders are remembered in each process.
_MOST: Final = 20_000


class ReadOrder(NamedTuple):
    """An order as it was read. `kind` numbers what was read once for all orders that say the same; None: only this one.

    `insurance` and `service_days` are of this order; `order` has those of no order in particular.
    """

    kind: int | None
    order: Order
    insurance: tuple[str, ...]
    service_days: ServiceDays | None


class OrderReader:
    """Reads orders, each kind once."""

    def __init__(self, code_systems: CodeSystems) -> None:
        self._code_systems = code_systems
        self._kinds: dict[bytes, tuple[int, Order]] = {}
        self._numbers = count()
        self._day_of = lru_cache(maxsize=2000)(self._read_day)

    def read(self, resource: Json, resolve: Resolve) -> ReadOrder:
        """Read an order; `resolve` finds what it refers to."""
        days = self._day_of(resource.get("occurrenceDateTime"))
        insurance = _insurance_of(resource)
        if days is None or insurance is None or not _is_plain(resource):
            order = read_order(resource, self._code_systems, resolve)
            return ReadOrder(None, order, order.insurance, order.service_days)
        said = resource.copy()
        for name in _OF_ONE_ORDER:
            said.pop(name, None)
        number, order = self._find(orjson.dumps(said), said)
        return ReadOrder(number, order, insurance, days[0] if days else order.service_days)

    def _find(self, key: bytes, said: Json) -> tuple[int, Order]:
        found = self._kinds.get(key)
        if found is None:
            if len(self._kinds) >= _MOST:
                self._kinds.clear()
            order = replace(read_order(said, self._code_systems), id="o", unread_reasons=())
            found = self._kinds[key] = next(self._numbers), order
        return found

    def _read_day(self, value: Any) -> tuple[ServiceDays, ...] | None:
        """Return the days that `occurrenceDateTime` says, () where it is not there; None where it is none."""
        if value is None:
            return ()
        reading = Reading(self._code_systems)
        days = read_service_days(reading, {"occurrenceDateTime": value}, "ServiceRequest")
        return (days,) if days and not reading.faults else None


def _is_plain(resource: Json) -> bool:
    """Tell whether all that is left out of the comparison is as FHIR has it: what is not would be a fault."""
    identity, subject = resource.get("id"), resource.get("subject")
    if not isinstance(identity, str) or not is_usable_id(identity) or not isinstance(subject, dict):
        return False
    return not any(name in resource for name in _ELSEWHERE)


def _insurance_of(resource: Json) -> tuple[str, ...] | None:
    """Return the literal references of an order's insurance; None where it is not as FHIR has it."""
    items = resource.get("insurance", [])
    if not isinstance(items, list):
        return None
    if not items:
        return ()
    if not all(isinstance(item, dict) for item in items):
        return None
    return tuple(reference for item in items if (reference := literal_reference(item)))
