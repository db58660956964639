"""What would cost more than one call may: many orders, many records, text that swells. Refused before any work."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cds_hooks.errors import Issue, TooCostlyError

#: In so few bytes only orders can be too many.
_HARMLESS_BYTES: Final = 32 * 1024

#: Records that may come along for each order that may, and orders that may for each payer of one Coverage.
_RECORDS_AN_ORDER: Final = 2
_ORDERS_A_PAYER: Final = 5

#: Names that may be said; others may be anything.
_NAMED: Final = ("draftOrders", "appointments", "selections", "dispatchedOrders")

#: U+FDFA becomes eighteen characters where texts are compared (NFKC); no other one becomes half as many.
_SWELLING: Final = ("\ufdfa".encode(), b"\\ufdfa")
_MOST_SWELLING: Final = 1000


def refuse_costly(body: bytes, document: Mapping[str, Any], max_orders: int) -> None:
    """Raise TooCostlyError for a call with more orders (or what names them) or records than are worked on at once."""
    context = document.get("context")
    for name, held in context.items() if isinstance(context, dict) else ():
        if len(_items(held)) > max_orders:
            _refuse(f"context.{name}" if name in _NAMED else "context", max_orders)
    if len(body) > _HARMLESS_BYTES:
        _refuse_records(document.get("prefetch"), max_orders)
        if _swelling(body) > _MOST_SWELLING:
            raise TooCostlyError(Issue("too-costly", "the body has too many characters that stand for many others"))


def refuse_many(orders: int, max_orders: int) -> None:
    """Raise TooCostlyError for more orders than are answered at once, however they are nested."""
    if orders > max_orders:
        _refuse("context", max_orders)


def _refuse_records(prefetch: Any, max_orders: int) -> None:
    records = 0
    for value in prefetch.values() if isinstance(prefetch, dict) else ():
        resources = list(_resources(value))
        records += 1 + len(resources)
        if records > _RECORDS_AN_ORDER * max_orders:
            _refuse("prefetch", _RECORDS_AN_ORDER * max_orders)
        most_payers = max(1, max_orders // _ORDERS_A_PAYER)
        if any(len(_payors(resource)) > most_payers for resource in resources):
            _refuse("prefetch", most_payers)


def _refuse(path: str, most: int) -> None:
    raise TooCostlyError(Issue("too-costly", f"{path} holds more than {most}, which is the limit", path))


def _items(value: Any) -> list[Any]:
    items = value.get("entry") if isinstance(value, dict) else value
    return items if isinstance(items, list) else []


def _resources(value: Any) -> Iterator[Any]:
    """Yield what a value of prefetch holds: of a Bundle, an array or an entry, what is in it."""
    inner = value.get("resource") if isinstance(value, dict) and "resourceType" not in value else None
    items = _items(value) or ([inner] if inner else [])
    if not items:
        yield value
    for item in items:
        yield from _resources(item)


def _payors(resource: Any) -> list[Any]:
    """Return the payers of a Coverage: each is looked at for each order."""
    payors = resource.get("payor") if isinstance(resource, dict) else None
    return payors if isinstance(payors, list) else []


def _swelling(body: bytes) -> int:
    written, escaped = _SWELLING
    return body.count(written) + body.lower().count(escaped)
