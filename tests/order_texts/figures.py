"""Figures of the labelled order texts: identity, liveness and recall per set.

python -m tests.order_texts.figures          print the table of README.md
python -m tests.order_texts.figures --write  put it there
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from cards import read_order
from cards.matching.match import Finding
from cds_hooks.rules.loading import Rules, load_rules

HERE = Path(__file__).resolve().parent
CARDS = HERE.parent.parent / "cards"
README = HERE / "README.md"
#: In the order in which they were met.
SETS = (
    "development",
    "held-out",
    "fresh",
    "everyday",
    "everyday-sealed",
    "walk-in",
    "late",
    "physiatry",
    "private-practice",
    "coders",
    "physiatry-sealed",
    "private-practice-sealed",
    "coders-sealed",
    "family-and-sports",
    "spine-and-hand",
    "rheumatology-and-rural",
    "urgent-care-and-dental",
    "pain-clinic-and-military",
    "academic-and-athletic",
    "pain-clinic-and-military-sealed",
    "academic-and-athletic-sealed",
    "dictated-copied-and-spanish",
    "dictated-copied-and-spanish-sealed",
    "osteopath-resident-and-desk",
    "osteopath-resident-and-desk-sealed",
    "small-town",
    "physiatrist-assistant-and-chiropractor",
    "physiatrist-assistant-and-chiropractor-sealed",
    "nurse-veterans-desk-and-fellow",
    "nurse-veterans-desk-and-fellow-sealed",
    "naturopath-authorizations-and-bilingual",
    "naturopath-authorizations-and-bilingual-sealed",
    "prolotherapist-scheduling-and-athletes",
    "prolotherapist-scheduling-and-athletes-sealed",
    "family-doctor-surgery-center-and-podiatry",
    "family-doctor-surgery-center-and-podiatry-sealed",
    "rural-residents-and-telehealth",
    "rural-residents-and-telehealth-sealed",
    "integrative-central-desk-and-nurse",
    "integrative-central-desk-and-nurse-sealed",
    "sports-front-desk-and-rheumatology",
    "sports-front-desk-and-rheumatology-sealed",
    "pain-clinic-assistants-and-health-center",
    "pain-clinic-assistants-and-health-center-sealed",
    "osteopath-unit-scheduler-and-locum",
    "osteopath-unit-scheduler-and-locum-sealed",
    "teaching-hospital-integrative-and-injuries",
    "teaching-hospital-integrative-and-injuries-sealed",
    "rural-physician-surgical-nurse-and-fellow",
    "rural-physician-surgical-nurse-and-fellow-sealed",
)

#: Written for the learned reading, by authors of five kinds (README.md, A second reading).
AUTHORS = tuple(sorted(f"authors/{path.stem}" for path in (HERE / "authors").glob("*.json")))

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
SURE = ("definitive", "stated")
#: The labels of an order that is taken back, and of one for another service.
FALLS = {"identity": "ordered", "live": False, "expect": "qualified"}
MENTIONED = {"identity": "mentioned", "expect": "none"}


class Figure(NamedTuple):
    """So many of so many."""

    right: int
    all: int

    @property
    def share(self) -> float:
        """The share, 1.0 of none."""
        return self.right / self.all if self.all else 1.0

    def __str__(self) -> str:
        return f"{self.right}/{self.all} = {self.share:.2f}" if self.all else "none"


class Figures(NamedTuple):
    """What a set measures.

    `identity`: of the orders answered as the service's own, those that are for it. `recall`: of the live orders whose
    words name it, those answered so. `caught`: of the orders that were taken back, those not answered so; `told`: the
    rest of them, answered with the clause. `hedged`: of the live orders answered, those with a clause that says
    nothing. `nothing`: of the orders for another service that mention it, those answered with nothing.
    """

    identity: Figure
    recall: Figure
    caught: Figure
    told: Figure
    hedged: Figure
    nothing: Figure


def read_set(name: str) -> list[dict[str, Any]]:
    """Return the labelled orders of a set."""
    items: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text())
    return items


def read_hostile() -> list[dict[str, Any]]:
    """Return the orders written to break the rules, labelled as the others are."""
    labels = {"taken back": FALLS, "not ordered": MENTIONED}
    return [item | labels[item["kind"]] for item in read_set("hostile")]


def read_all() -> dict[str, list[dict[str, Any]]]:
    """Return all labelled orders by the set they are in."""
    return {name: read_set(name) for name in (*SETS, *AUTHORS)} | {"hostile": read_hostile()}


def add(figures: Iterable[Figures]) -> Figures:
    """Return the figures of several sets together."""
    return Figures(*(Figure(*map(sum, zip(*column, strict=True))) for column in zip(*figures, strict=True)))


def answer(item: Mapping[str, Any], rules: Rules) -> Finding | None:
    """Return what is found for one labelled order."""
    order = read_order({"resourceType": "ServiceRequest", **item["order"]}, rules.vocabulary.code_systems)
    findings = rules.index.find(order, ("evicore-cmm-204",), date(2026, 11, 23))
    return findings[0] if findings else None


def measure(items: Iterable[Mapping[str, Any]], rules: Rules) -> Figures:
    """Answer every order of a set, and count."""
    seen: Counter[str] = Counter()
    for item in items:
        seen.update(_tell(item, answer(item, rules)))

    def figure(right: str, of: str) -> Figure:
        return Figure(seen[right], seen[of])

    return Figures(
        identity=figure("its own answered", "answered"),
        recall=figure("stated answered", "stated"),
        caught=figure("taken back caught", "taken back"),
        told=figure("taken back told", "taken back answered"),
        hedged=figure("live hedged", "live answered"),
        nothing=figure("mentioned nothing", "mentioned"),
    )


def _tell(item: Mapping[str, Any], found: Finding | None) -> Iterator[str]:
    """Yield what one order counts for."""
    is_own, is_live = item["identity"] == "ordered", item.get("live", False)
    is_answered = found is not None and found.match.strength.value in SURE
    has_clause = found is not None and found.match.doubt is not None
    if is_answered:
        yield "answered"
        if is_own:
            yield "its own answered"
    if is_own and is_live:
        if item["expect"] == "stated":
            yield "stated"
            if is_answered:
                yield "stated answered"
        if is_answered:
            yield "live answered"
            if has_clause:
                yield "live hedged"
    elif is_own:
        yield "taken back"
        yield "taken back answered" if is_answered else "taken back caught"
        if is_answered and has_clause:
            yield "taken back told"
    elif item["identity"] == "mentioned":
        yield "mentioned"
        if found is None:
            yield "mentioned nothing"


def write_table(rules: Rules) -> str:
    """Return the figures of all sets as a Markdown table."""
    columns = (
        "set",
        "identity: precision",
        "recall of *stated*",
        "liveness: caught",
        "of the rest, told with the clause",
        "live, but told with a clause",
        "only mentioned: nothing said",
    )
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    rows = (f"| `{name}.json` | " + " | ".join(map(str, measure(read_set(name), rules))) + " |\n" for name in SETS)
    return head + "".join(rows)


def shipped_rules() -> Rules:
    """Return the rules as shipped."""
    return load_rules(*(CARDS / name for name in ("vocabulary", "policies", "payers")))


def main() -> None:
    """Print the table, or with --write put it into README.md."""
    table = write_table(shipped_rules())
    if "--write" not in sys.argv:
        sys.stdout.write(table)
        return
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(f"{before}{BEGIN}\n{table}{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
