"""Answers as a terminal shows them."""

import json
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cds_hooks.client.display import Paragraph, show, show_refusal, write
from tests.conftest import ROOT

#: What selects colours and weights, and nothing else: ECMA-48, SGR.
STYLE = re.compile(r"\x1b\[[\d;]*m")

EXAMPLES = sorted((ROOT / "fhir_examples").glob("*/*/response.json"))


def text(answer: dict[str, Any]) -> str:
    """Return what a script reads of an answer."""
    return written(Console(width=80), show(answer))


def terminal(answer: dict[str, Any], columns: int = 80) -> str:
    """Return what a terminal is sent for an answer."""
    return written(Console(width=columns, force_terminal=True, color_system="standard"), show(answer))


def written(console: Console, said: Iterable[Paragraph]) -> str:
    console.file = StringIO()
    write(console, said)
    return console.file.getvalue()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
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
    assert text({"cards": []}) == "No card.\n"


def test_what_would_steer_a_terminal_is_not_printed() -> None:
    detail = "a\x07\r\nb &#x1b; &#x202e; [x](https://e.org/\x1b)"
    card = {"summary": "\x1b[2Jgone", "indicator": "info", "detail": detail, "source": {"label": "\x9b"}}
    for shown in (text({"cards": [card]}), STYLE.sub("", terminal({"cards": [card]}))):
        assert not {"\x07", "\x9b", "\x1b", "\u202e", "\r"} & set(shown)
        assert "\ufffd[2Jgone" in shown


def test_a_refusal_shows_what_is_wrong_and_where() -> None:
    issue = {"code": "required", "diagnostics": "hookInstance is missing", "expression": ["hookInstance"]}

    assert written(Console(), show_refusal({"issue": [issue]}, 400)) == "  hookInstance is missing (hookInstance)\n"
    assert written(Console(), show_refusal(None, 502)) == "  Nothing says why.\n"


def test_a_refused_token_is_shown_with_where_its_cause_is_found() -> None:
    """A 401 has no body, so that nobody can try out what is registered."""
    shown = written(Console(), show_refusal(None, 401))

    assert "does not tell callers why: its log has the cause" in shown
    assert "docs/clients.md" in shown


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


def test_a_script_finds_each_thing_that_is_said_on_one_line_without_colours() -> None:
    answer = json.loads((ROOT / "fhir_examples/evicore-cmm-204/m0076-order-sign/response.json").read_text())
    lines = text(answer).splitlines()

    [card], [action] = answer["cards"], answer["systemActions"]
    [written_on] = action["resource"]["extension"]
    reason = next(one["valueCodeableConcept"]["text"] for one in written_on["extension"] if one["url"] == "reason")
    assert all(f"  {line}".rstrip() in lines for line in card["detail"].splitlines())
    assert f"  reason: {reason}" in lines
    assert f"  may be overridden: {'; '.join(one['display'] for one in card['overrideReasons'])}" in lines
    assert "\x1b" not in text(answer)


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_a_terminal_breaks_lines_between_words_and_no_address(path: Path, columns: int) -> None:
    answer = json.loads(path.read_text())
    lines = STYLE.sub("", terminal(answer, columns)).splitlines()
    links = [link["url"] for card in answer["cards"] for link in card.get("links", ())]

    assert all(f"    {url}" in lines for url in links)
    assert all(len(line) <= columns for line in lines if not line.strip().startswith("http"))
    assert all(line == line.rstrip() for line in lines)
    words = " ".join(lines).split()
    assert all(word in words for card in answer["cards"] for word in card["summary"].split())


def test_a_terminal_shows_markdown_and_the_indicator_by_its_colour() -> None:
    card = {
        "summary": "s",
        "indicator": "critical",
        "detail": "Not **covered**, see [the\npolicy](https://e.org/p).\n\n- one",
    }
    shown = terminal({"cards": [card]})

    assert "\x1b[1;37;41m CRITICAL \x1b[0m" in shown
    assert "Not \x1b[1mcovered\x1b[0m, see " in shown
    assert "the policy (https://e.org/p).\n" in STYLE.sub("", shown)
    assert " • one\n" in STYLE.sub("", shown)


def test_what_looks_like_html_in_a_detail_is_shown_as_it_is() -> None:
    card = {"summary": "s", "indicator": "info", "detail": "<!-- hidden --> <b>order</b>"}

    assert "<!-- hidden --> <b>order</b>" in STYLE.sub("", terminal({"cards": [card]}))
