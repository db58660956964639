"""A hook call in a file, sent as it is written there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson

from cds_hooks.errors import StartError


def read_call(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of a call and what they say; StartError where that is no hook call."""
    body = path.read_bytes()
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise StartError(f"{path}: not JSON: line {error.lineno}, column {error.colno}") from None
    if not isinstance(call, dict) or not isinstance(call.get("hook"), str):
        raise StartError(f"{path}: not a hook call: it names no hook")
    return body, call


def write_call(body: bytes, call: Mapping[str, Any]) -> bytes:
    """Return a call as its file has it, byte for byte, but for what was added or changed since (1.10 stays 1.10)."""
    written = orjson.loads(body)
    if written == call:
        return body
    return msgspec.json.encode(_lay_over(body, written, call))


def _lay_over(raw: bytes | msgspec.Raw, written: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an object, those that are as they were written in their own bytes."""
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    laid: dict[str, Any] = {}
    for name, value in call.items():
        before = written.get(name)
        if name in written and before == value:
            laid[name] = members[name]
        elif isinstance(before, dict) and isinstance(value, dict):
            laid[name] = _lay_over(members[name], before, value)
        else:
            laid[name] = value
    return laid
