"""Answers as a terminal shows them."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from cds_hooks.client.display import show, show_refusal
from tests.conftest import ROOT


def text(answer: dict[str, Any]) -> str:
    return click.unstyle("\n".join(show(answer)))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fhir_examples").glob("*/*/response.json")), ids=lambda p: p.parent.name
)
def test_every_example_is_shown_with_all_that_it_says(path: Path) -> None:
    answer = json.loads(path.read_text())
    shown = text(answer)

    for card in answer["cards"]:
        assert f"{card['indicator'].upper()}  {card['summary']}" in shown
        assert all(link["url"] in shown for link in card.get("links", ()))
        assert all(one["label"] in shown for one in card.get("suggestions", ()))
    for action in answer.get("systemActions", ()):
        assert f"On {action['resource']['resourceType']}/{action['resource']['id']}" in shown
        assert "  covered: " in shown


def test_an_answer_without_cards_says_so() -> None:
    assert text({"cards": []}) == "No card."


def test_what_would_steer_a_terminal_is_not_printed() -> None:
    card = {"summary": "\x1b[2Jgone", "indicator": "info", "detail": "a\x07\r\nb", "source": {"label": "\x9b"}}

    assert not {"\x07", "\x9b", "\r"} & set(text({"cards": [card]}))
    assert "\ufffd[2Jgone" in text({"cards": [card]})


def test_a_refusal_shows_what_is_wrong_and_where() -> None:
    issue = {"code": "required", "diagnostics": "hookInstance is missing", "expression": ["hookInstance"]}

    assert list(show_refusal({"issue": [issue]})) == ["  hookInstance is missing (hookInstance)"]
    assert list(show_refusal(None)) == ["  Nothing says why."]


def test_a_code_is_shown_with_its_words_and_a_detail_by_its_own_name() -> None:
    """A billing code's words alone say not what to bill."""
    answer = json.loads((ROOT / "fhir_examples/example-coverage-guide/age-and-quantity-2.2/response.json").read_text())

    shown = text(answer)

    assert "  billingCode: Comprehensive hearing test (92557)" in shown
    assert "  instructions: " in shown


def test_a_contact_and_an_amount_are_shown_with_all_that_they_say() -> None:
    answer = json.loads((ROOT / "fhir_examples/example-coverage-guide/every-answer-2.2/response.json").read_text())

    shown = text(answer)

    assert "  contact: Authorization desk, +1-800-555-0100" in shown
    assert "  in-network-copay: 10 %" in shown
    assert "  concurrent-review: yes" in shown
