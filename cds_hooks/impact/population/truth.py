"""What a report must count of the invented population, derived from how it was made and from nothing else."""

from collections import Counter, defaultdict
from datetime import date
from typing import Any, Final, NamedTuple

from cds_hooks.impact.population.patients import Patient, Situation
from cds_hooks.impact.population.services import HEALTH, MEDICARE, Ordered

#: Answers that are "covered" on conditions or on none: they are not told where the coverage is not known.
_COVERED: Final = frozenset({"covered", "pa-needed", "pa-depends", "doc-needed"})

#: Answers that are told by a card; what is only written on the order interrupts nobody.
_TOLD: Final = _COVERED | {"not-covered", "coverage-ended"}

#: How a report groups the cards of a clinician's day.
_SPREAD: Final = ((0, "0"), (1, "1"), (2, "2"), (5, "3 to 5"), (10, "6 to 10"))

NOTHING: Final = "(none)"


class Placed(NamedTuple):
    """An order as it was made: what, for whom, when, where, by whom; `names_second`: it names the second coverage."""

    ordered: Ordered
    patient: Patient
    day: date
    service_day: date
    clinician: int
    site: str
    text: str | None
    names_second: bool
    is_void: bool


class Expected(NamedTuple):
    """What is to be answered to an order."""

    verdict: str
    payer: str | None = None
    policy: str | None = None
    problem: str | None = None
    strength: str | None = None
    alert: bool = False


_NO_PAYER: Final = {
    Situation.UNKNOWN: Expected("coverage-unknown", problem="unknown-payer"),
    Situation.SELF: Expected("coverage-unknown", problem="self-pay"),
}


def expect(placed: Placed) -> Expected:
    """Return what is to be answered, from what the policies say and how the patient is insured."""
    situation, ordered = placed.patient.situation, placed.ordered
    if placed.is_void:
        return Expected("nothing-asked")
    if situation in _NO_PAYER:
        return _NO_PAYER[situation]
    said = ordered.said_by(_payer_of(placed), placed.service_day)
    if situation in (Situation.NONE, Situation.ENDED):
        # A card tells what would hold, but never that it would be covered.
        told = said if said and said.verdict not in _COVERED else None
        policy, strength = (told.policy, ordered.strength) if told else (None, None)
        if situation is Situation.NONE:
            return Expected("coverage-unknown", None, policy, "not-found", strength, alert=True)
        return Expected("coverage-ended", placed.patient.payer, policy, "inactive", strength, alert=True)
    if said is None:
        return Expected("no-policy", _payer_of(placed))
    return Expected(said.verdict, said.payer, said.policy, None, ordered.strength, alert=said.verdict in _TOLD)


def _payer_of(placed: Placed) -> str:
    if placed.patient.situation is Situation.NONE:
        return HEALTH  # the default payer
    if placed.patient.situation is Situation.TWICE and not placed.names_second:
        return MEDICARE
    return placed.patient.payer


class Truth:
    """Counts what is made."""

    def __init__(self) -> None:
        self.lines = 0
        self.orders = 0
        self._verdicts: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._strengths: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._by: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._texts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._alerts: Counter[tuple[int, date]] = Counter()

    def add_fault(self, reason: str) -> None:
        """Count a line that is to be set aside."""
        self._faults[reason] += 1

    def add(self, placed: Placed) -> None:
        """Count an order."""
        expected, ordered = expect(placed), placed.ordered
        self.orders += 1
        self._verdicts[expected.verdict] += 1
        if expected.problem:
            self._problems[expected.problem] += 1
        if expected.strength:
            self._strengths[expected.strength] += 1
        seen = {
            "policy": expected.policy,
            "payer": expected.payer,
            "code": ordered.code,
            "month": f"{placed.day:%Y-%m}",
            "site": placed.site,
            "client": placed.patient.clinic,
            "type": ordered.resource_type,
        }
        for dimension, name in seen.items():
            self._by[dimension][name or NOTHING][expected.verdict] += 1
        if ordered.code is None and placed.text and expected.verdict in ("in-doubt", "no-policy"):
            self._texts[placed.text.lower()][expected.verdict] += 1
        self._alerts[placed.clinician, placed.day] += expected.alert

    def to_json(self) -> dict[str, Any]:
        """Return the counts in the shape of a report's figures."""
        texts = {text: counts for text, counts in self._texts.items() if counts.total() >= 1}
        return {
            "lines": self.lines,
            "orders": self.orders,
            "set_aside": dict(self._faults),
            "verdicts": dict(self._verdicts),
            "problems": dict(self._problems),
            "strengths": dict(self._strengths),
            "by": {dimension: {name: dict(c) for name, c in names.items()} for dimension, names in self._by.items()},
            "alerts": self._count_alerts(),
            "texts": {text: dict(counts) for text, counts in texts.items()},
        }

    def _count_alerts(self) -> dict[str, Any]:
        spread: Counter[str] = Counter()
        for cards in self._alerts.values():
            spread[next((name for most, name in _SPREAD if cards <= most), "more than 10")] += 1
        return {
            "cards": self._alerts.total(),
            "clinician_days": len(self._alerts),
            "most": max(self._alerts.values(), default=0),
            "spread": dict(spread),
        }
