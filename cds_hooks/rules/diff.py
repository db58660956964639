"""What differs between the answers of two sets of policies to the same questions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cds_hooks.rules.cases import Answer


class Asked(NamedTuple):
    """One question and both answers. `file` and `path` say where the question stands, `name` is a case's own."""

    policy: str
    file: str
    path: str
    name: str | None
    old: Answer
    new: Answer


class TextChange(NamedTuple):
    """A text of a policy's answers that reads differently, and the questions whose answer shows it."""

    policy: str
    text: str
    old: str
    new: str
    asked: tuple[Asked, ...]


class Difference(NamedTuple):
    """The questions with another answer, and the texts that differ where the old and the new policy both speak."""

    answers: tuple[Asked, ...]
    texts: tuple[TextChange, ...]


def compare(asked: Sequence[Asked]) -> Difference:
    """Compare old and new answers, in the order asked; a text counts once, however many answers show it."""
    return Difference(tuple(one for one in asked if _is_other(one)), _compare_texts(asked))


def _is_other(asked: Asked) -> bool:
    return (asked.old.covered, asked.old.strength) != (asked.new.covered, asked.new.strength)


def _compare_texts(asked: Iterable[Asked]) -> tuple[TextChange, ...]:
    changes: dict[tuple[str, str, str, str], list[Asked]] = {}
    for one in asked:
        for text in one.old.texts.keys() & one.new.texts.keys():
            old, new = one.old.texts[text], one.new.texts[text]
            if old != new:
                changes.setdefault((one.policy, text, old, new), []).append(one)
    return tuple(TextChange(*change, tuple(shown)) for change, shown in sorted(changes.items(), key=lambda c: c[0]))
