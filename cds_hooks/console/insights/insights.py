"""The figures of Insights: what is read of the facts, and added up as its page shows it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, NamedTuple

from cards import NO_PAYER
from cds_hooks.console.insights.charts import Chart, draw
from cds_hooks.rules.loading import Rules
from cds_hooks.store.fact_queries import FactReader, Sums, Wanted
from cds_hooks.store.facts import (
    ANSWER,
    AUTHORIZATION,
    BOUNDS,
    CALL,
    CARD,
    FEEDBACK,
    LEFT_OUT,
    MORE,
    REFUSAL,
    REPEAT,
    SHOWN,
    WITHHELD,
)

VERDICTS: Final = ("covered", "conditional", "not-covered", "indeterminate")
AUTHORIZATIONS: Final = ("auth-needed", "performpa", "conditional", "satisfied", "no-auth", "indeterminate")
OUTCOMES: Final = ("answered", "refused", "failed")
HEEDED: Final = ("overridden", "accepted")

#: What the guide asks for: nine in ten answers within so many milliseconds (CRD, Performance Standards).
GOAL: Final = 5000
GOAL_SHARE: Final = 0.9

#: What figures may be of.
CHOICES: Final = ("policy", "payer", "client")

#: As many lines of a table are shown; the rest are summed up in one.
_MOST_LINES: Final = 25


class Speed(NamedTuple):
    """How quickly the calls of a hook were answered. `half` and `most` are milliseconds within which that many were."""

    hook: str
    calls: int
    within: float
    half: str
    most: str
    mean: int

    @property
    def is_good(self) -> bool:
        """Whether it is as the guide asks for."""
        return self.within >= GOAL_SHARE


class Line(NamedTuple):
    """What there was of a policy, a payer or a client."""

    id: str
    name: str
    answers: tuple[int, ...]
    shown: int
    overridden: int
    accepted: int
    repeats: int
    withheld: int

    @property
    def total(self) -> int:
        """How many answers."""
        return sum(self.answers)

    @property
    def share(self) -> float | None:
        """Which part of the cards was overridden; None where none was shown."""
        return min(self.overridden / self.shown, 1.0) if self.shown else None


class Asked(NamedTuple):
    """How orders of a policy or a payer were answered as to prior authorization, in the order of AUTHORIZATIONS."""

    id: str
    name: str
    answers: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many answers."""
        return sum(self.answers)


class Part(NamedTuple):
    """How often something occurred, and which part that is of what it could have."""

    name: str
    number: int
    of: int
    about: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The part, from 0 to 1."""
        return min(self.number / self.of, 1.0) if self.of else 0.0


class Figures(NamedTuple):
    """All that the page shows of some days."""

    calls: Chart
    answers: Chart
    feedback: Chart
    authorizations: Chart
    asked_of: dict[str, list[Asked]]
    unknown: int
    speeds: list[Speed]
    policies: list[Line]
    payers: list[Line]
    clients: list[Line]
    bases: list[Part]
    reasons: list[Part]
    left_out: list[Part]
    refusals: list[Part]
    shown: int
    overridden: int
    repeats: int
    withheld: int
    choices: dict[str, list[tuple[str, str]]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in these days."""
        return not self.calls.total and not self.refusals and not self.feedback.total


def read_figures(reader: FactReader, wanted: Wanted, rules: Rules) -> Figures:
    """Read the facts of some days, and add them up."""
    first, last = date.fromisoformat(wanted.first), date.fromisoformat(wanted.last)
    by_day = {
        kind: reader.read(kind, "day", "what").by("day", "what") for kind in (CALL, ANSWER, AUTHORIZATION, FEEDBACK)
    }
    calls = reader.read(CALL, "hook", "client", "what", "why")
    answers = reader.read(ANSWER, "policy", "payer", "client", "what", "why")
    counted = _Counted(
        answers,
        reader.read(CARD, "policy", "payer", "client", "what"),
        reader.read(FEEDBACK, "policy", "payer", "client", "what", "why"),
        reader.read(REPEAT, "policy", "payer", "client"),
    )
    asked = reader.read(AUTHORIZATION, "policy", "payer", "what")
    refusals = reader.read(REFUSAL, "what", "client")
    tokens = refusals.total
    return Figures(
        calls=draw(by_day[CALL], OUTCOMES, first, last),
        answers=draw(by_day[ANSWER], VERDICTS, first, last),
        feedback=draw(by_day[FEEDBACK], HEEDED, first, last),
        authorizations=draw(by_day[AUTHORIZATION], AUTHORIZATIONS, first, last),
        asked_of={
            "Policy": _asked_of(asked, "policy", _policy_names(rules)),
            "Payer": _asked_of(asked, "payer", _payer_names(rules)),
        },
        unknown=max(_open(answers) - asked.total, 0),
        speeds=_speeds(calls.of(what="answered")),
        policies=counted.lines("policy", _policy_names(rules)),
        payers=counted.lines("payer", _payer_names(rules)),
        clients=counted.lines("client", lambda client: client),
        bases=_parts(answers.by("why"), answers.total),
        reasons=_reasons(counted.feedback.of(what="overridden"), rules),
        left_out=_left_out(reader.read(LEFT_OUT, "client", "hook", "what"), calls),
        refusals=[Part(what, number, tokens, (who,)) for (what, who), number in refusals.by("what", "client").items()],
        shown=counted.cards.of(what=SHOWN).total,
        overridden=counted.feedback.of(what="overridden").total,
        repeats=counted.repeats.total,
        withheld=counted.cards.of(what=WITHHELD).total,
        choices=_choices(answers if wanted.is_whole else reader.everything().read(ANSWER, *CHOICES), rules),
    )


class _Counted(NamedTuple):
    """What is counted by policy, payer and client."""

    answers: Sums
    cards: Sums
    feedback: Sums
    repeats: Sums

    def lines(self, column: str, name: Callable[[str], str]) -> list[Line]:
        """Return a line for each value of a column, those with the most answers first."""
        answers, cards = self.answers.by(column, "what"), self.cards.by(column, "what")
        feedback, repeats = self.feedback.by(column, "what"), self.repeats.by(column)
        ids = dict.fromkeys([*self.answers.by(column), *(one for one, _ in feedback), *(one for one, _ in cards)])

        def line(one: str) -> Line:
            verdicts = tuple([answers.get((one, verdict), 0) for verdict in VERDICTS])
            overridden, accepted = (feedback.get((one, what), 0) for what in HEEDED)
            again, withheld = repeats.get(one, 0), cards.get((one, WITHHELD), 0)
            return Line(one, name(one), verdicts, cards.get((one, SHOWN), 0), overridden, accepted, again, withheld)

        return _shorten([line(one) for one in ids])


def _asked_of(asked: Sums, column: str, name: Callable[[str], str]) -> list[Asked]:
    """Return a line for each value of a column, those with the most answers first."""
    counts = asked.by(column, "what")
    lines = [
        Asked(one, name(one), tuple([counts.get((one, code), 0) for code in AUTHORIZATIONS]))
        for one in asked.by(column)
    ]
    if len(lines) <= _MOST_LINES:
        return lines
    shown, rest = lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1 :]
    return [*shown, Asked("", f"{len(rest)} others", tuple(map(sum, zip(*(one.answers for one in rest), strict=True))))]


def _open(answers: Sums) -> int:
    """Return how many answers of policies left open or granted coverage: those that say something of authorization."""
    return sum(one.number for one in answers if one.policy and one.what in ("covered", "conditional"))


def _shorten(lines: list[Line]) -> list[Line]:
    """Return as many lines as a page has room for, what is left summed up in the last."""
    if len(lines) <= _MOST_LINES:
        return lines
    shown, rest = lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1 :]
    answers = tuple(sum(some) for some in zip(*(one.answers for one in rest), strict=True))
    columns = zip(*((o.shown, o.overridden, o.accepted, o.repeats, o.withheld) for o in rest), strict=True)
    return [*shown, Line("", f"{len(rest)} others", answers, *(sum(column) for column in columns))]


def _policy_names(rules: Rules) -> Callable[[str], str]:
    names = {policy.id: policy.name for policy in rules.index.policies.values()}
    return lambda policy: names.get(policy, policy) or "No policy gave the answer"


def _payer_names(rules: Rules) -> Callable[[str], str]:
    names = {payer.id: payer.name for payer in rules.payers.payers} | {NO_PAYER: "Not known", "": "None"}
    return lambda payer: names.get(payer, payer)


def _speeds(answered: Sums) -> list[Speed]:
    speeds = []
    for hook in answered.by("hook"):
        of_hook = answered.of(hook=hook)
        counts, calls = of_hook.by("why"), of_hook.total
        within = sum(counts.get(str(bound), 0) for bound in BOUNDS if bound <= GOAL) / calls
        mean = round(sum(one.milliseconds for one in of_hook) / calls)
        half, most = (_within(counts, calls, share) for share in (0.5, GOAL_SHARE))
        speeds.append(Speed(hook, calls, within, half, most, mean))
    return speeds


def _within(counts: dict[str, int], calls: int, share: float) -> str:
    """Return the bound in milliseconds within which so many were answered, or MORE."""
    seen = 0
    for bound in BOUNDS:
        seen += counts.get(str(bound), 0)
        if seen >= share * calls:
            return str(bound)
    return MORE


def _parts(counts: dict[str, int], total: int) -> list[Part]:
    return [Part(name, count, total) for name, count in counts.items()]


def _reasons(overridden: Sums, rules: Rules) -> list[Part]:
    words = {one.code: one.display for payer in rules.payers.payers for one in payer.override_reasons}
    words |= {"": "No reason given", "other": "Other reasons"}
    return [Part(words.get(code, code), count, overridden.total) for code, count in overridden.by("why").items()]


def _left_out(left_out: Sums, calls: Sums) -> list[Part]:
    of = calls.by("client", "hook")
    found = left_out.by("client", "hook", "what").items()
    parts = [Part(key, count, of.get((client, hook), 0), (client, hook)) for (client, hook, key), count in found]
    return parts[:_MOST_LINES]


def days_before(today: date, days: int) -> tuple[str, str]:
    """Return the first and the last of so many days, today the last."""
    return (today - timedelta(days=days - 1)).isoformat(), today.isoformat()


def _choices(answers: Sums, rules: Rules) -> dict[str, list[tuple[str, str]]]:
    """Return which policies, payers and clients there are to choose from, each with its name."""
    names: dict[str, Callable[[str], str]] = {
        "policy": _policy_names(rules),
        "payer": _payer_names(rules),
        "client": str,
    }
    return {column: [(one, names[column](one)) for one in sorted(answers.by(column)) if one] for column in CHOICES}
