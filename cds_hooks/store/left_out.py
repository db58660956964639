"""What was not noted of calls when they were kept, found in their bodies: for counting them anew.

Which keys of prefetch that were announced a call did not bring, and what its answer said of prior authorization.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

#: The keys that are announced for each hook.
Announced = Mapping[str, Iterable[str]]


class _Request(msgspec.Struct):
    prefetch: Any = None


_READ: Final = msgspec.json.Decoder(_Request)


def find_left_out(request: bytes | None, announced: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that a request does not bring; none of a request that cannot be read."""
    try:
        found = _READ.decode(request or b"").prefetch
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    prefetch = found if isinstance(found, dict) else {}
    return tuple(key for key in announced if key not in prefetch)


def find_pa_needed(response: bytes) -> dict[str, str]:
    """Return `pa-needed` of each coverage information of an answer, by its assertion; nothing of what is no JSON."""
    try:
        answer = msgspec.json.decode(response)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    said = (parts for parts in _extensions(answer) if {"coverage-assertion-id", "pa-needed"} <= parts.keys())
    return {parts["coverage-assertion-id"]: parts["pa-needed"] for parts in said}


def _extensions(value: Any) -> Iterator[dict[str, str]]:
    """Yield of each element that has extensions their codes and strings, by their names: orders may hold anything."""
    if isinstance(value, dict):
        parts = value.get("extension")
        if isinstance(parts, list):
            named = [
                (one.get("url"), one.get("valueCode", one.get("valueString"))) for one in parts if type(one) is dict
            ]
            yield {name: said for name, said in named if isinstance(name, str) and isinstance(said, str)}
        for inner in value.values():
            yield from _extensions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _extensions(inner)
