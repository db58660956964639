"""What differs between the answers of two sets of policies to the same questions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from cds_hooks.rules.cases import Answer, answer_order, read_cases
from cds_hooks.rules.data_diff import DataChange, data_json, data_lines
from cds_hooks.rules.sources import PolicySet
from cds_hooks.rules.text import count


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
    """The questions with another answer, the texts that differ where the old and the new policy both speak, and what
    the documents differ in, whether or not a question shows it."""

    answers: tuple[Asked, ...]
    texts: tuple[TextChange, ...]
    data: tuple[DataChange, ...] = ()

    @property
    def unseen(self) -> tuple[str, ...]:
        """The policies whose documents differ, and no question shows that."""
        seen = {asked.policy for asked in self.answers} | {change.policy for change in self.texts}
        return tuple(sorted({change.policy for change in self.data} - seen))


def ask_cases(old: PolicySet, new: PolicySet, only: Collection[str] | None = None) -> Iterator[Asked]:
    """Ask both sets the cases of every policy, or of some: those of the new set, or of the old where that has none."""
    for policy, file in sorted({**old.cases, **new.cases}.items()):
        if only is not None and policy not in only:
            continue
        for case in read_cases(file, new.rules.vocabulary.code_systems):
            answers = [answer_order(case.order, policy, case.on, one.rules, case.beside) for one in (old, new)]
            yield Asked(policy, str(file), case.path, case.name, *answers)


def ask_orders(
    named: Iterable[tuple[str, Mapping[str, Any]]],
    file: str,
    on: date,
    old: PolicySet,
    new: PolicySet,
    only: Collection[str] | None = None,
) -> Iterator[Asked]:
    """Ask every policy of both sets, or some, by itself about orders; each order comes with its place in a file."""
    known = {*old.rules.index.policies, *new.rules.index.policies}
    asked = sorted(known if only is None else known & set(only))
    for place, order in named:
        for policy in asked:
            answers = [answer_order(order, policy, on, one.rules) for one in (old, new)]
            yield Asked(policy, file, place, None, *answers)


def compare(asked: Sequence[Asked], data: tuple[DataChange, ...] = ()) -> Difference:
    """Compare old and new answers, in the order asked; a text counts once, however many answers show it."""
    return Difference(tuple(one for one in asked if _is_other(one)), _compare_texts(asked), data)


def _is_other(asked: Asked) -> bool:
    return asked.old.as_written != asked.new.as_written


def _compare_texts(asked: Iterable[Asked]) -> tuple[TextChange, ...]:
    changes: dict[tuple[str, str, str, str], list[Asked]] = {}
    for one in asked:
        for text in one.old.texts.keys() & one.new.texts.keys():
            old, new = one.old.texts[text], one.new.texts[text]
            if old != new:
                changes.setdefault((one.policy, text, old, new), []).append(one)
    return tuple(TextChange(*change, tuple(shown)) for change, shown in sorted(changes.items(), key=lambda c: c[0]))


def difference_lines(difference: Difference, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield what differs, a line each, and how many cases and orders were asked.

    Orders are named by their line only: what they hold is about patients.
    """
    yield from (_answer_line(asked) for asked in difference.answers)
    yield from (_text_line(change) for change in difference.texts)
    yield from data_lines(difference.data)
    yield from (f"{policy}: no case or order that was asked shows a change: add a case" for policy in difference.unseen)
    asked = f"{count(counts['cases'], 'case', 'cases')} and {count(counts['orders'], 'order', 'orders')} asked"
    if not any(difference):
        yield f"No difference: {asked}"
    else:
        answers = count(len(difference.answers), "answer differs", "answers differ")
        texts = count(len(difference.texts), "text differs", "texts differ")
        yield f"{answers}, {texts}, {count(len(difference.data), 'change', 'changes')} in the policies: {asked}"


def _answer_line(asked: Asked) -> str:
    named = f"{asked.name}: " if asked.name else ""
    change = f"{asked.old.as_written} -> {asked.new.as_written}"
    return f"{asked.file}: {asked.path}: {asked.policy}: {named}{change}"


def _text_line(change: TextChange) -> str:
    shown = count(len(change.asked), "answer", "answers")
    return f'{change.policy}: the {change.text} of {shown}: "{change.old}" -> "{change.new}"'


def difference_json(difference: Difference, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        **counts,
        "answers": [_asked_json(asked) for asked in difference.answers],
        "texts": [_text_json(change) for change in difference.texts],
        "data": data_json(difference.data),
        "unseen": list(difference.unseen),
    }


def _asked_json(asked: Asked) -> dict[str, Any]:
    old, new = ({"answer": one.covered, "strength": one.strength} for one in (asked.old, asked.new))
    return {**_place_json(asked), "name": asked.name, "old": old, "new": new}


def _text_json(change: TextChange) -> dict[str, Any]:
    return {**change._asdict(), "asked": [_place_json(asked) for asked in change.asked]}


def _place_json(asked: Asked) -> dict[str, Any]:
    return {"policy": asked.policy, "file": asked.file, "path": asked.path}
