"""Instructions: a card of words without a link, where an answer needs the clinician to do or say something first.

It has a detail, no links and no suggestions (resp-24), and sends nobody to a portal (resp-23).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cards.decision import Basis, Decision
from cards.payer_directory import Payer
from cards.response.card import Card, HooksCoding, Source
from cards.response.identity import identify_card
from cards.response.options import ResponseOptions
from cards.response.wording import (
    advise,
    ask,
    doubts,
    has_modifier,
    head,
    name_missing,
    name_order,
    once,
    plain,
    suppose,
)

#: The topic of these cards: what they ask for is what coverage depends on.
TOPIC: Final = "coverage-info"

#: As many orders are named on one card.
_MOST_NAMED: Final = 20


def build(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card for orders that cannot be judged for the same reason: what is missing, and what to write."""
    first = decisions[0]
    references = _references(decisions)
    return Card(
        uuid=derive_id(*identify_card("instructions", decisions)),
        summary=_summary(first),
        detail="\n".join(_lines(decisions)),
        indicator="info",
        source=_source(first.payer, options),
        extension=options.associate(references),
    )


def build_problem(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card for orders of a payer that nothing can be written onto, and why (CRD-63)."""
    first = decisions[0]
    problems = list(dict.fromkeys([_tell(decision) for decision in decisions]))
    said = problems[0] if len(problems) == 1 else "Each for its own reason."
    named = _named(decisions, None if len(problems) == 1 else _tell)
    return Card(
        uuid=derive_id(*identify_card("coverage-problem", decisions)),
        summary=_PROBLEMS[first.basis is Basis.COVERAGE],
        detail="\n".join([f"{said} Once this is resolved, retry.", "", *named]),
        indicator="info",
        source=_source(first.payer, options),
        extension=options.associate(_references(decisions)),
    )


#: What a card says of orders that nothing is written onto, whether or not the coverage is the reason.
_PROBLEMS: Final = {
    True: "Coverage could not be identified: no determination for these orders",
    False: "Nothing could be written onto these orders",
}


def build_inactive(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card, in the payer's name, for orders whose coverage is not in force on their day."""
    first = decisions[0]
    return Card(
        uuid=derive_id(*identify_card("no-active-coverage", decisions)),
        summary=f"{plain(first.payer.name, 60)}: no active coverage on {first.day}",
        detail="\n".join([f"{first.outcome.reason} {advise(first.problem)}", "", *_named(decisions)]),
        indicator="warning",
        source=_source(first.payer, options),
        extension=options.associate(_references(decisions)),
    )


def _tell(decision: Decision) -> str:
    if decision.outcome.reason and not decision.outcome.answers:
        return decision.outcome.reason
    if decision.order.faults:
        return f"The order could not be read completely ({', '.join(f.path for f in decision.order.faults[:5])})."
    if decision.order.id is None:
        return "The order has no id of its own, so nothing can be written onto it."
    return "The coverage has no id to refer to."


def _named(decisions: Sequence[Decision], tell: Callable[[Decision], str] | None = None) -> list[str]:
    """Name the orders, each on a line, with what there is to tell of each."""
    orders = once(decisions)
    lines = [f"- Order: {name_order(d)}. {tell(d) if tell else ''}".rstrip() for d in orders[:_MOST_NAMED]]
    return [*lines, f"- And {len(orders) - _MOST_NAMED} more."] if len(orders) > _MOST_NAMED else lines


def _references(decisions: Sequence[Decision]) -> list[str]:
    return list(dict.fromkeys([decision.order.reference for decision in decisions if decision.order.id]))


def _source(payer: Payer, options: ResponseOptions) -> Source:
    return Source(payer.name, HooksCoding(options.wire.topic_system, TOPIC, "Coverage Information"), payer.url)


def _summary(decision: Decision) -> str:
    match decision.basis:
        case Basis.UNREADABLE:
            return "Part of an order could not be read: its coverage is undetermined"
        case Basis.TECHNICAL:
            return "A technical failure prevented a coverage determination"
        case _:
            return head(decision)


def _lines(decisions: Sequence[Decision]) -> Iterator[str]:
    first = decisions[0]
    yield _ask(first)
    yield ""
    yield from _named(decisions, _TELLS.get(first.basis))
    for finding in first.findings:
        yield from (f"- {plain(doubt, longest=300)}" for doubt in doubts(finding))
        yield f"- Policy: {finding.version.citation}."
    if first.outcome.reason:
        yield f"- {first.outcome.reason}"


#: What differs between orders that share a card.
_TELLS: Final[Mapping[Basis, Callable[[Decision], str]]] = {
    Basis.UNREADABLE: lambda d: f"Could not be read: {', '.join(fault.path for fault in d.order.faults[:5])}.",
    Basis.TECHNICAL: lambda d: f"{plain(name_missing(d), longest=300)}.",
}


def _ask(decision: Decision) -> str:
    match decision.basis:
        case Basis.UNREADABLE if has_modifier(decision):
            return "Cannot determine whether this order is covered: this service does not support a modifier on it."
        case Basis.UNREADABLE:
            return "Cannot determine whether this order is covered: parts of it are not valid FHIR R4."
        case Basis.TECHNICAL:
            return "Cannot determine whether this order is covered: information needed for it could not be read."
        case _:
            return f"{suppose(decision)}{ask(decision.findings[0])}"
