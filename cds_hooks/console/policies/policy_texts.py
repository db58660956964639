"""A policy as its page shows it: its history, what a version says, and what its cases come to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from cards import Policy
from cards.policy import UNKNOWN_START
from cds_hooks.console.try_it.examples import Cases
from cds_hooks.rules.cases import Case, answer_order, expectation, is_as_expected
from cds_hooks.rules.diff import Asked, Difference, compare
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.text import say_answer

Json = Mapping[str, Any]

#: Members of a version that its page has a place of its own for; any other is shown as it stands in the file.
_PLACED: Final = frozenset(
    {
        *("label", "covered", "verdict", "position", "notes", "next-steps", "codes", "terms", "inference"),
        *("indications", "evidence", "dissent", "regulatory", "references", "pa-needed", "info-needed"),
        *("documentation", "details", "unlisted-means-nothing", "groups", "answers"),
    }
)


class Period(NamedTuple):
    """One version in a policy's history: its key in the file, from when to when, and what it says (None: it ended)."""

    key: str
    start: date | None
    end: date | None
    covered: str | None
    verdict: str
    label: str | None
    is_now: bool


class CaseShown(NamedTuple):
    """A case with what the policy answers now."""

    number: int
    case: Case
    expected: str
    got: str
    passes: bool


class Change(NamedTuple):
    """What of one member of a version is new, and what is gone."""

    member: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


def history(policy: Policy, today: date) -> list[Period]:
    """Return the versions of a policy, the first one first."""
    found = []
    for number, (start, version) in enumerate(zip(policy.starts, policy.versions, strict=True)):
        following = policy.starts[number + 1] if number + 1 < len(policy.starts) else None
        end = following - timedelta(days=1) if following else None
        key = UNKNOWN_START if start == date.min else start.isoformat()
        is_now = start <= today and (end is None or today <= end)
        first = None if start == date.min else start
        if version:
            said = Period(key, first, end, *say_answer(version), version.label, is_now)
        else:
            said = Period(key, first, end, None, "ended", None, is_now)
        found.append(said)
    return found


def codes_by_role(version: Json) -> dict[str, list[Json]]:
    """Return the codes of a version by what they mean for an order, the telling ones first."""
    found: dict[str, list[Json]] = {"definitive": [], "nonspecific": [], "unlisted": []}
    for code in version.get("codes", ()):
        found.setdefault(code["role"], []).append(code)
    return {role: codes for role, codes in found.items() if codes}


def other_members(version: Json) -> dict[str, Any]:
    """Return the members that no part of the page shows; answers bring their own words on prior authorization."""
    placed = _PLACED | {"prior-authorization"} if "answers" in version else _PLACED
    return {name: value for name, value in version.items() if name not in placed}


def word_lists(version: Json, words: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the word lists of the vocabulary that a version names anywhere, with their words."""
    named = dict.fromkeys(text[1:] for text in _texts(version) if text.startswith("@"))
    return {name: words[name] for name in named if name in words}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def run_cases(policy: str, cases: Cases, rules: Rules) -> list[CaseShown]:
    """Return the cases of a policy, each asked now."""
    answers = [answer_order(case.order, policy, case.on, rules, case.beside) for case in cases.found]
    return [
        CaseShown(number, case, expectation(case), answer.as_written, is_as_expected(case, answer))
        for number, (case, answer) in enumerate(zip(cases.found, answers, strict=True))
    ]


def compare_versions(old: Json, new: Json) -> list[Change]:
    """Return the members in which two versions of a file differ."""
    names = dict.fromkeys((*old, *new))
    both = ((name, _lines(old.get(name)), _lines(new.get(name))) for name in names)
    changes = ((name, [x for x in a if x not in b], [x for x in b if x not in a]) for name, a, b in both)
    return [Change(name, tuple(gone), tuple(added)) for name, gone, added in changes if gone or added]


def _lines(value: Any) -> list[str]:
    """Return a value as lines that can be compared one by one."""
    if isinstance(value, list):
        return [_line(item) for item in value]
    if isinstance(value, Mapping):
        return [f"{name}: {_line(item)}" for name, item in value.items()]
    return [] if value is None else [_line(value)]


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_line(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_line, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def compare_answers(policy: str, cases: Cases, days: tuple[date, date], rules: Rules) -> Difference:
    """Return in what the orders of the cases are answered differently on two days, each order asked once.

    The citation is left out: it names the version, and so differs between any two.
    """
    asked = {repr((case.order, case.beside)): case for case in cases.found}
    found = compare([_ask_twice(policy, case, days, rules) for case in asked.values()])
    return found._replace(texts=tuple(change for change in found.texts if change.text != "citation"))


def _ask_twice(policy: str, case: Case, days: tuple[date, date], rules: Rules) -> Asked:
    old, new = (answer_order(case.order, policy, day, rules, case.beside) for day in days)
    return Asked(policy, "", case.path, case.name, old, new)


def day_in(period: Period) -> date:
    """Return a day on which a version is in force."""
    return period.start or period.end or date(2000, 1, 1)
