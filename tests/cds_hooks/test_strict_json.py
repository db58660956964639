"""JSON that came over the network is one object, not too deep, the same for every reader: whatever its size."""

import json
import re
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.errors import UnreadableBodyError
from cds_hooks.strict_json import read_json, replace_lone_surrogates

#: Makes a body a large one, and does not count.
FILLER = "x" * 65_537


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


@pytest.mark.parametrize("text", ["", "\n", "\n" + 300 * " ", "\\n" + 300 * " "])
@pytest.mark.parametrize("inner", [[], {}, [1], {"a": 1}, "", None])
def test_the_deepest_level_counts_empty_or_not(inner: Any, text: str) -> None:
    """An object or array with nothing in it is a level; line breaks and spaces in texts are text."""
    is_level = isinstance(inner, dict | list)
    document = {"text": text, "nested": nested(18, inner)}
    assert is_read(document, 20)
    assert is_read(document, 19) == (not is_level)
    assert not is_read(document, 18)


@pytest.mark.parametrize("inner", [b"[]," * 600_000 + b"[]", b"1," * 900_000 + b"1", b'"[",' * 400_000 + b"1"])
def test_a_large_body_at_the_limit_takes_no_time_and_little_memory(inner: bytes) -> None:
    """Written with a space for every level it would be a hundred times as large."""
    body = b'{"a":' + b"[" * 60 + inner + b"]" * 60 + b"}"
    started = time.process_time()
    read_json(body, 64)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a":1,"filler":"' + FILLER + '","a":2}', "Duplicate key `a` at the top level"),
        ('{"context":{"draftOrders":{"entry":[{},{"resource":{"code":1,"id":"x","code":2}}]}}}', "Duplicate key `code` at context.draftOrders.entry[1].resource"),
        ('{"a":[[{"_b":1,"_b":1}]]}', "Duplicate key `_b` at a[0][0]"),
        ('{"a":{"x":1,"x":2},"a":{}}', "Duplicate key `a` at the top level"),
        ('{"a":{"b":{"x":1,"x":2},"b":3}}', "Duplicate key `b` at a"),
        ('{"a":"\\u003a","a":"x"}', "Duplicate key `a` at the top level"),
        ('{"Ida Invented":{"Zo\u00eb":1,"Zo\\u00eb":2}}', "Duplicate key `…` at …"),
    ],
)  # fmt: skip
def test_a_duplicate_key_is_named_with_its_path(text: str, says: str) -> None:
    """RFC 8259, 4: what it means depends on the reader. Keys that are no element names may be people's."""
    with pytest.raises(UnreadableBodyError) as refused:
        read_json(text.encode(), 64)
    assert refused.value.issues[0].diagnostics == says


def test_the_path_of_a_duplicate_key_costs_no_memory() -> None:
    """Among 100,000 values that lie 60 keys of 64 letters deep."""
    way = "".join(f'{{"{"k" * 64}":' for _ in range(60))
    values = ",".join('{"a":{}}' for _ in range(100_000))
    tracemalloc.start()
    with pytest.raises(UnreadableBodyError):
        read_json(f'{way}[{values},{{"b":{{"x":1,"x":2}}}}]{"}" * 60}'.encode(), 64)
    assert tracemalloc.get_traced_memory()[1] < 200_000_000
    tracemalloc.stop()


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_has_no_duplicate_key_is_read_as_it_is(inner: Any) -> None:
    for is_escaped in (True, False):
        text = json.dumps({"a": inner}, ensure_ascii=is_escaped)
        try:
            body = text.encode()
        except UnicodeEncodeError:
            continue
        try:
            assert read_json(replace_lone_surrogates(body), 200) == json.loads(replace_lone_surrogates(body))
        except UnreadableBodyError as error:
            raise AssertionError(error) from None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ('{"a":\n "Zoë"}'.encode("latin-1"), "line 2, byte 5 (byte 11 of the body)"),
        ('{"a":"Zoë"}'.encode("latin-1"), "line 1, byte 9 (byte 9 of the body)"),
        ('{"a":"x"}'.encode("utf-16"), "line 1, byte 1 (byte 1 of the body)"),
        (b'{"a":\n\n"\xed\xa0\x80"}', "line 3, byte 2 (byte 9 of the body)"),
    ],
)
def test_the_first_byte_that_is_not_utf_8_is_located(body: bytes, where: str) -> None:
    """RFC 8259, 8.1."""
    with pytest.raises(UnreadableBodyError, match=re.escape(f"it must be UTF-8, and is not at {where}")):
        read_json(body, 64)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"cut \ud83d", r"cut \ufffd"),
        (r"\uDC00 cut", r"\ufffd cut"),
        (r"\ud83dx\ud83d\u0041", r"\ufffdx\ufffd\u0041"),
        (r"\ud83d\ud83d\ude00", r"\ufffd\ud83d\ude00"),
        (r"\ud83d\ude00\ude00", r"\ud83d\ude00\ufffd"),
        (r"\\ud83d \\\ud83d", r"\\ud83d \\\ufffd"),
        (r"\n\"\ud800\"", r"\n\"\ufffd\""),
        (r"\ud83d\ude00 \u00e9", r"\ud83d\ude00 \u00e9"),
    ],
)
def test_half_a_character_is_read_as_a_replacement_character(sent: str, read: str) -> None:
    """Whole ones, and what only looks like an escape, stay as they are."""
    body = replace_lone_surrogates(f'{{"a":"{sent}"}}'.encode())
    assert body == f'{{"a":"{read}"}}'.encode()
    assert read_json(body, 64)
