"""Instructions: a card of words without a link, where an answer needs the clinician to do or say something first.

It has a detail, no links and no suggestions (resp-24), and sends nobody to a portal (resp-23).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cards.coverage import CoverageProblem
from cards.decision import Basis, Decision
from cards.payer_directory import Payer
from cards.response.card import Card, Source, hooks_coding, name_source
from cards.response.doubts import tell_doubts
from cards.response.identity import identify_card
from cards.response.options import ResponseOptions
from cards.response.plain_text import plain
from cards.response.wording import (
    advise,
    cite,
    has_modifier,
    head,
    instruct,
    list_orders,
    name_missing,
    once,
    suppose,
    write_paragraphs,
)

#: The topic of these cards: what they ask for is what coverage depends on.
TOPIC: Final = "coverage-info"


def build(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card for orders that cannot be judged for the same reason: what is missing, and what to write."""
    first = decisions[0]
    references = _references(decisions)
    return Card(
        uuid=derive_id(*identify_card("instructions", decisions)),
        summary=_summary(first),
        detail=write_paragraphs(*_paragraphs(decisions)),
        indicator="info",
        source=_source(first.payer, options),
        extension=options.associate(references),
    )


def build_problem(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card for orders of a payer that nothing can be written onto, and why (CRD-63)."""
    first = decisions[0]
    problems = list(dict.fromkeys([_tell(decision) for decision in decisions]))
    said = problems[0] if len(problems) == 1 else "Each for its own reason."
    named = list_orders(decisions, _tell_nothing if len(problems) == 1 else _tell)
    return Card(
        uuid=derive_id(*identify_card("coverage-problem", decisions)),
        summary=_PROBLEMS[all(decision.basis is Basis.COVERAGE for decision in decisions)],
        detail=write_paragraphs(f"{said} Once this is resolved, ask again.", named),
        indicator="info",
        source=_source(first.payer, options),
        extension=options.associate(_references(decisions)),
    )


#: What a card says of orders that nothing is written onto, whether or not the coverage is the reason.
_PROBLEMS: Final = {
    True: "Coverage could not be identified: no determination for these orders",
    False: "Nothing could be written onto these orders",
}


#: What the payer's own look-up found in place of a coverage.
_FOUND: Final[Mapping[CoverageProblem | None, str]] = {
    CoverageProblem.NO_MEMBER: "no member found with these ids",
    CoverageProblem.NO_COVERAGE: "no coverage found of this member",
}


def build_inactive(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card, in the payer's name, for orders that no coverage of its members is in force for."""
    first = decisions[0]
    return Card(
        uuid=derive_id(*identify_card("no-active-coverage", decisions)),
        summary=f"{plain(first.payer.name, 60)}: {_FOUND.get(first.problem) or f'no active coverage on {first.day}'}",
        detail=write_paragraphs(
            f"{first.outcome.reason} {advise(first.problem)}", list_orders(decisions, _tell_nothing)
        ),
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


def _tell_nothing(_: Decision) -> str:
    return ""


def _references(decisions: Sequence[Decision]) -> list[str]:
    return list(dict.fromkeys([decision.order.reference for decision in decisions if decision.order.id]))


def _source(payer: Payer, options: ResponseOptions) -> Source:
    return name_source(payer, hooks_coding(options.wire.topic_system, TOPIC, "Coverage Information"))


def _summary(decision: Decision) -> str:
    match decision.basis:
        case Basis.UNREADABLE:
            return "Part of an order could not be read: its coverage is undetermined"
        case Basis.TECHNICAL:
            return "A technical failure prevented a coverage determination"
        case _:
            return head(decision)


def _paragraphs(decisions: Sequence[Decision]) -> Iterator[str]:
    """Yield what is not known, what to do about it, of which orders, and whose policy asks."""
    first = decisions[0]
    supposed = f"What follows holds if this patient is covered by {first.payer.name}." if suppose(first) else ""
    yield f"{first.outcome.reason} {supposed}".strip()
    if first.findings:
        yield from tell_doubts(first)
        yield f"Next step: {advise(first.problem)}" if suppose(first) else ""
    else:
        yield f"{_name_failure(first, len(once(decisions)) > 1)} {' '.join(instruct(first))}"
    yield list_orders(decisions, _TELLS.get(first.basis, _tell_nothing))
    yield from cite(first)


#: What differs between orders that share a card.
_TELLS: Final[Mapping[Basis, Callable[[Decision], str]]] = {
    Basis.UNREADABLE: lambda d: f"Could not be read: {', '.join(fault.path for fault in d.order.faults[:5])}.",
    Basis.TECHNICAL: lambda d: f"{plain(name_missing(d), longest=300)}.",
}


def _name_failure(decision: Decision, has_others: bool) -> str:
    """Return why an order, or each of several, has no answer."""
    orders, them = ("these orders are", "them") if has_others else ("this order is", "it")
    if decision.basis is Basis.TECHNICAL:
        return f"Cannot determine whether {orders} covered: information needed for it could not be read."
    if has_modifier(decision):
        return f"Cannot determine whether {orders} covered: this service does not support a modifier on {them}."
    return f"Cannot determine whether {orders} covered: parts of {them} are not valid FHIR R4."
