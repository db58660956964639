"""Which keys of prefetch that were announced a call did not bring: found in the request as it was kept."""

from collections.abc import Iterable, Mapping
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
