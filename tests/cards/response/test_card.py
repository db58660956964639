"""The standard's limits live in the types, and every response type keeps one contract."""

import importlib
import pkgutil

import orjson
import pytest

from cards.errors import CardLimitError
from cards.response import types as response_types
from cards.response.card import Card, HooksCoding, Link, Source

SOURCE = Source("Example Health Plan", HooksCoding("http://example.org/topics", "guideline", "Guideline"))


@pytest.mark.parametrize("summary", ["", "x" * 140])
def test_a_summary_that_breaks_the_limit_is_refused_not_cut(summary: str) -> None:
    """HK-83: fewer than 140 characters."""
    with pytest.raises(CardLimitError):
        Card("u", summary, "info", SOURCE, "d")


def test_an_unknown_indicator_is_refused() -> None:
    """HK-87: info, warning, critical. HK-88."""
    with pytest.raises(CardLimitError):
        Card("u", "s", "hard-stop", SOURCE, "d")


def test_members_without_a_value_are_left_out() -> None:
    """HK-3: no null, nothing empty."""
    written = orjson.loads(orjson.dumps(Card("u", "é" * 139, "info", SOURCE, "d").to_json()))

    assert set(written) == {"uuid", "summary", "detail", "indicator", "source"}
    assert set(written["source"]) == {"label", "topic"}


def test_a_link_is_absolute_and_takes_no_app_context() -> None:
    """HK-138 to 147."""
    link = orjson.loads(orjson.dumps(Link("l", "https://a.example").json))

    assert link == {"label": "l", "url": "https://a.example", "type": "absolute"}


def test_every_response_type_builds() -> None:
    for module in pkgutil.iter_modules(response_types.__path__):
        assert callable(importlib.import_module(f"cards.response.types.{module.name}").build)
