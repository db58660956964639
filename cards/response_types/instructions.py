"""Instructions: a card of words without a link, where an answer needs the clinician to say something first."""

from collections.abc import Callable
from typing import Any

from cards.card import Card, HooksCoding, Source
from cards.decision import Basis, Decision
from cards.versions import WireVersion
from cards.wording import ask, doubts, explain, name_order, plain, summarise


def build(decision: Decision, number: int, wire: WireVersion, derive_id: Callable[..., str]) -> Card:
    """Build the card for an order that cannot be judged: what is missing, and what to write on the order."""
    return Card(
        uuid=derive_id("instructions", str(number), decision.payer.id),
        summary=_summary(decision),
        detail=_detail(decision),
        indicator="info",
        source=Source(
            decision.payer.name,
            HooksCoding(wire.topic_system, "coverage-info", "Coverage Information"),
            decision.payer.url,
        ),
        extension=_concerns(decision),
    )


def _summary(decision: Decision) -> str:
    if decision.basis is Basis.UNREADABLE:
        return "An order could not be read completely; its coverage cannot be told"
    return summarise(decision.findings[0], decision.covered)


def _detail(decision: Decision) -> str:
    lines = [_ask(decision), "", f"- Order: {name_order(decision)}."]
    for finding in decision.findings:
        lines += [f"- {plain(doubt, longest=300)}" for doubt in doubts(finding)]
        lines.append(f"- Policy: {finding.version.citation}.")
    if decision.basis is Basis.UNREADABLE:
        lines += [f"- {plain(reason, longest=300)}" for reason in explain(decision)]
    return "\n".join(lines)


def _ask(decision: Decision) -> str:
    if decision.basis is Basis.UNREADABLE:
        return "Cannot tell whether this order is covered: parts of it do not have the form of FHIR R4."
    return ask(decision.findings[0])


def _concerns(decision: Decision) -> dict[str, Any] | None:
    if decision.order.id is None:
        return None
    return {"davinci-crd.associated-resource": [decision.order.reference]}
