"""JSON that came over the network is one object, not too deep, the same for every reader: whatever its size."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.errors import UnreadableBodyError
from cds_hooks.strict_json import _LARGE, read_json

#: Makes a body a large one, and does not count.
FILLER = "x" * (_LARGE + 1)


def nested(levels: int, inner: Any = 1) -> Any:
    for level in range(levels):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


def is_read(document: dict[str, Any], most: int) -> bool:
    try:
        return read_json(json.dumps(document).encode(), most) == document
    except UnreadableBodyError as error:
        return "nested deeper" not in error.issues[0].diagnostics


@given(st.integers(1, 40), st.sampled_from(['"', '\\"', "[[[[", "]]]]", "{{", "\\", "\\\\", "\u2028", '"]', ""]))
def test_a_large_body_is_measured_as_a_small_one(levels: int, text: str) -> None:
    """Brackets and quotes in its texts are text."""
    document = {"text": text, "nested": nested(levels, text)}
    small = is_read(document, 20)
    assert small == (levels < 20)
    assert is_read({**document, "filler": FILLER}, 20) == small


@pytest.mark.parametrize("inner", [b"[]," * 600_000 + b"[]", b"1," * 900_000 + b"1", b'"[",' * 400_000 + b"1"])
def test_a_large_body_at_the_limit_takes_no_time_and_little_memory(inner: bytes) -> None:
    """Written with a space for every level it would be a hundred times as large."""
    body = b'{"a":' + b"[" * 60 + inner + b"]" * 60 + b"}"
    started = time.process_time()
    read_json(body, 64)
    assert time.process_time() - started < 3


def test_a_member_twice_is_found_in_a_large_body_too() -> None:
    with pytest.raises(UnreadableBodyError, match="same member twice"):
        read_json(b'{"a":1,"filler":"' + FILLER.encode() + b'","a":2}', 64)
