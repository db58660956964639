"""Instructions: a card of words without a link, where an answer needs the clinician to do or say something first.

It has a detail, no links and no suggestions (resp-24), and sends nobody to a portal (resp-23).
"""

from collections.abc import Callable, Sequence
from typing import Final

from cards.card import Card, HooksCoding, Source
from cards.coverage import Payer
from cards.decision import Basis, Decision
from cards.options import ResponseOptions
from cards.wording import ask, doubts, explain, name_order, plain, summarise, tell_problem

#: The topic of these cards: what they ask for is what coverage depends on.
TOPIC: Final = "coverage-info"

#: As many orders are named on one card.
_MOST_NAMED: Final = 20


def build(decision: Decision, number: int, options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the card for an order that cannot be judged: what is missing, and what to write on the order."""
    return Card(
        uuid=derive_id("instructions", str(number), decision.payer.id),
        summary=_summary(decision),
        detail=_detail(decision),
        indicator="info",
        source=_source(decision.payer, options),
        extension=options.associate([decision.order.reference] if decision.order.id else []),
    )


def build_problem(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card for orders of which it is not known under which coverage they are paid (spec 8.5)."""
    first = decisions[0]
    named = [f"- Order: {name_order(decision)}." for decision in decisions[:_MOST_NAMED]]
    if len(decisions) > _MOST_NAMED:
        named.append(f"- And {len(decisions) - _MOST_NAMED} more.")
    problem = tell_problem(first.problem) if first.problem else ""
    lines = [f"{problem} Check which active coverage the patient has, and call again.", "", *named]
    return Card(
        uuid=derive_id("coverage-problem", first.payer.id),
        summary="The coverage could not be identified; nothing is said about these orders",
        detail="\n".join(lines),
        indicator="info",
        source=_source(first.payer, options),
        extension=options.associate([decision.order.reference for decision in decisions if decision.order.id]),
    )


def _source(payer: Payer, options: ResponseOptions) -> Source:
    return Source(payer.name, HooksCoding(options.wire.topic_system, TOPIC, "Coverage Information"), payer.url)


def _summary(decision: Decision) -> str:
    match decision.basis:
        case Basis.UNREADABLE:
            return "An order could not be read completely; its coverage cannot be told"
        case Basis.TECHNICAL:
            return "A technical failure prevents an answer on the coverage of an order"
        case _:
            return summarise(decision.findings[0], decision.covered)


def _detail(decision: Decision) -> str:
    lines = [_ask(decision), "", f"- Order: {name_order(decision)}."]
    for finding in decision.findings:
        lines += [f"- {plain(doubt, longest=300)}" for doubt in doubts(finding)]
        lines.append(f"- Policy: {finding.version.citation}.")
    if decision.basis is not Basis.POLICY:
        lines += [f"- {plain(reason, longest=300)}" for reason in explain(decision)]
    return "\n".join(lines)


def _ask(decision: Decision) -> str:
    match decision.basis:
        case Basis.UNREADABLE:
            return "Cannot tell whether this order is covered: parts of it do not have the form of FHIR R4."
        case Basis.TECHNICAL:
            return "Cannot tell whether this order is covered: something needed for it could not be read."
        case _:
            return ask(decision.findings[0])
