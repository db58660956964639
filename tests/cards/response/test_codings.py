"""A code is added to an order, and nothing else of it changes."""

import json

import pytest

from cards.response.codings import add_coding

CODING = {"system": "https://example.org/codes", "code": "X1", "display": "It"}


def added(order: str) -> str:
    changed = add_coding(order.encode(), "code", CODING)
    assert changed is not None
    return changed.decode()


@pytest.mark.parametrize(
    "order",
    [
        '{"id":"o"}',
        '{"id":"o","code":null}',
        '{"id":"o","code":{"text":"Injection"}}',
        '{"id":"o","code":{"coding":null}}',
        '{"id":"o","code":{"coding":[{"code":"Y"},{"code":"Z"}],"text":"Injection"}}',
    ],
)
def test_a_coding_is_added_behind_those_that_are_there(order: str) -> None:
    before = json.loads(order).get("code") or {}

    after = json.loads(added(order))

    assert after == {"id": "o", "code": {**before, "coding": [*(before.get("coding") or []), CODING]}}


def test_everything_else_stays_byte_by_byte() -> None:
    """HK-132: the whole resource; decimals keep their precision, and what is unknown here stays."""
    kept = '"quantityQuantity":{"value":1.10},"note":[{"text":"na\\u00efve"}],"x":{"code":{"coding":[]}}'

    assert added(f'{{{kept},"code":{{"extension":[{{"valueDecimal":2.50}}]}}}}').startswith(
        f'{{{kept},"code":{{"extension":[{{"valueDecimal":2.50}}],"coding":['
    )


@pytest.mark.parametrize("code", ["7", '"x"', "[]", '{"coding":{}}', '{"coding":"x"}'])
def test_nothing_is_added_where_the_element_is_not_as_fhir_has_it(code: str) -> None:
    assert add_coding(f'{{"code":{code}}}'.encode(), "code", CODING) is None
