"""What an EHR does when a suggestion of a card is taken: it changes the orders of the call it came for."""

import copy
from collections.abc import Iterator
from typing import Any


def apply_suggestion(request: Any, response: Any, card: int, suggestion: int) -> dict[str, Any]:
    """Return the call as it is once a suggestion is taken; LookupError where there is no such suggestion."""
    changed: dict[str, Any] = copy.deepcopy(request)
    for action in response["cards"][card]["suggestions"][suggestion].get("actions", ()):
        _apply(changed, action)
    return changed


def _apply(request: dict[str, Any], action: dict[str, Any]) -> None:
    resource = action.get("resource") or {}
    key = (resource.get("resourceType"), resource.get("id"))
    kind = action.get("type")
    if kind == "create":
        next(_entries(request)).append({"resource": {"id": "suggested-1", **resource}})
        return
    removed = set(map(str, action.get("resourceId") or ()))
    for entries in _entries(request):
        for number, entry in reversed(list(enumerate(entries))):
            held = entry.get("resource") or {}
            found = (held.get("resourceType"), held.get("id"))
            if kind == "update" and found == key:
                entries[number] = {**entry, "resource": resource}
            elif kind == "delete" and (found == key or f"{found[0]}/{found[1]}" in removed):
                del entries[number]


def _entries(request: dict[str, Any]) -> Iterator[list[Any]]:
    """Yield the entries of every Bundle that a call holds, those of its context first."""
    for holder in (request.get("context") or {}, request.get("prefetch") or {}):
        for value in holder.values():
            if isinstance(value, dict) and isinstance(value.get("entry"), list):
                yield value["entry"]
