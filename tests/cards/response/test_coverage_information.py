"""The coverage information on an order: ours replaced, others' and everything else untouched."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cards.response.annotation import URL, Assertion, annotate

MINE = {"url": URL, "extension": [{"url": "coverage", "valueReference": {"reference": "Coverage/1"}}, {"url": "covered", "valueCode": "not-covered"}]}  # fmt: skip


def said(**changes: str) -> bytes:
    incidental = [
        {"url": "date", "valueDate": changes.get("date", "2026-11-23")},
        {"url": "coverage-assertion-id", "valueString": changes.get("id", "a")},
    ]
    return json.dumps({**MINE, "extension": MINE["extension"] + incidental}).encode()


def other(coverage: str = "Coverage/2") -> dict[str, Any]:
    parts = [{"url": "coverage", "valueReference": {"reference": coverage}}, {"url": "covered", "valueCode": "covered"}]
    return {"url": URL, "extension": parts}


def annotated(order: dict[str, Any]) -> list[dict[str, Any]] | None:
    after = annotate(json.dumps(order).encode(), [Assertion("Coverage/1", said())])
    return json.loads(after)["extension"] if after else None


def test_an_order_without_extensions_gets_one() -> None:
    assert annotated({"id": "o"}) == [json.loads(said())]


def test_other_extensions_and_other_payers_stay_as_they_are() -> None:
    foreign = [{"url": "http://example.org/x", "valueDecimal": 1}, other()]

    assert annotated({"extension": foreign}) == [*foreign, json.loads(said())]


def test_our_former_answer_is_replaced_by_a_changed_one() -> None:
    """Spec 2.3: modify the repetition for our coverage rather than append a second one. CRD-265."""
    for reference in ("Coverage/1", "https://ehr.example.org/fhir/Coverage/1"):
        assert annotated({"extension": [other(reference), other()]}) == [other(), json.loads(said())]


def test_the_same_answer_is_not_given_twice() -> None:
    """SHALL NOT in every version; the date and the assertion id do not make an answer a new one. CRD-267; resp-35."""
    former = json.loads(said(date="2026-01-01", id="b"))

    assert annotated({"extension": [former]}) is None


def test_a_nested_member_named_extension_is_not_the_orders() -> None:
    order = {"code": {"extension": [{"url": "x"}]}, "text": '"extension"'}

    after = annotate(json.dumps(order).encode(), [Assertion("Coverage/1", said())])

    assert after is not None
    assert json.loads(after) == {**order, "extension": [json.loads(said())]}


NUMBER = st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")


@given(NUMBER, st.text(), st.booleans())
def test_numbers_and_strings_come_back_as_they_were_written(number: str, text: str, extended: bool) -> None:
    members = f'"a":{number},"b":{json.dumps(text)},"c":[ {number} , null ]'
    extension = f',"extension":[{{"url":"x","valueDecimal":{number}}}]' if extended else ""

    after = annotate(f"{{{members}{extension}}}".encode(), [Assertion("Coverage/1", said())])

    assert after is not None
    assert after.decode().startswith(f"{{{members},")
    assert after.decode().count(f":{number}") == 1 + extended
