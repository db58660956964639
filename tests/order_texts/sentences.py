"""The single sentences and names that other tests hold, as labelled orders: what the rules are tested with teaches, too."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.order_texts import (
    test_explicit_orders,
    test_look_alikes,
    test_neighbours,
    test_notes_and_names,
    test_taken_back,
    test_told_orders,
)
from tests.order_texts.figures import FALLS, MENTIONED

#: Of the generated look-alikes every so many.
STEP = 40

STANDS = {"identity": "ordered", "live": True, "expect": "stated"}
ASKED = {"identity": "considered", "expect": "qualified"}


def read_sentences() -> list[dict[str, Any]]:
    """Return them all, each with the label that its test holds it to."""
    told, tests = test_told_orders, test_explicit_orders
    open_names = ("Injection procedure", "Procedure - see comments")
    generated = [*test_look_alikes._around_a_name(), *test_look_alikes._around_a_site()][::STEP]
    sentences = [
        *_under(("Prolotherapy R knee",), test_taken_back.TAKEN_BACK, FALLS),
        *_under(("Prolotherapy R knee",), test_taken_back.STANDING, STANDS),
        *_lines(told.ORDERED, " | ", STANDS),
        *_lines(told.NAMING, " | ", STANDS),
        *_lines(told.NOT_ORDERED, " | ", ASKED),
        *_lines(told.NOT_NAMING, " | ", ASKED),
        *_lines((*test_neighbours.NAMES, *test_neighbours.MORE_NAMES), " >> ", MENTIONED),
        *_lines(test_neighbours.NOTES, " >> ", MENTIONED),
        *_lines(test_neighbours.OWN, " >> ", STANDS),
        *_under(open_names, test_notes_and_names.ORDERING, STANDS),
        *_under(open_names, test_notes_and_names.SPEAKING, ASKED),
        *_lines(test_notes_and_names.NAMES, " >> ", STANDS),
        *_under(tests.OPEN_NAMES, tests.ORDERING, STANDS),
        *_under(tests.OPEN_NAMES, tests.ONLY_SEEMING, MENTIONED),
        *_lines(generated, " >> ", MENTIONED),
    ]
    return [{"id": f"sentence-{number}", **item} for number, item in enumerate(sentences)]


def _under(names: Iterable[str], notes: Iterable[str], label: dict[str, Any]) -> Iterator[dict[str, Any]]:
    notes = list(notes)
    return ({"order": _order(name, note), **label} for name in names for note in notes)


def _lines(lines: Iterable[str], between: str, label: dict[str, Any]) -> Iterator[dict[str, Any]]:
    parts = (line.partition(between) for line in lines)
    return ({"order": _order(name, note), **label} for name, _, note in parts)


def _order(name: str, note: str) -> dict[str, Any]:
    notes = [{"text": note.replace(r"\n", "\n")}] if note else []
    return {"status": "active", "intent": "order", "code": {"text": name}, "note": notes}
