"""What tells a card or an assertion from others, so that ids can be derived of it."""

from collections.abc import Iterator, Sequence
from typing import Final

from cards.authorization import OnFile
from cards.decision import Decision
from cards.response.doubts import rests_on

#: The kinds of ids that are not a card's.
ASSERTION: Final = "assertion"
SUGGESTION: Final = "suggestion"

#: Stands for a payer that is not established.
NO_PAYER: Final = "none"


def identify_card(kind: str, decisions: Sequence[Decision]) -> tuple[str, ...]:
    """Return what a card is about: who answers what under which policies, and the content of which orders.

    The same card is sent again for the same orders, whichever hook asks and whatever else the call holds.
    """
    first = decisions[0]
    payer = first.payer.id if first.payer_is_known else NO_PAYER
    policies = [finding.version.key for finding in first.findings]
    grounds = [rests_on(finding, first.order) for finding in first.findings]
    said = [first.covered.value, first.basis.name, first.outcome.reason, *grounds]
    others = [rests_on(finding, decision.order) for decision in decisions[1:] for finding in decision.findings]
    said += [text for text in dict.fromkeys(others) if text not in said]
    said += [text for decision in decisions if decision.authorization for text in _on_file(decision.authorization)]
    return (kind, payer, *policies, *dict.fromkeys(d.order.reference for d in decisions), *said, *_contents(decisions))


def _on_file(found: OnFile) -> tuple[str, ...]:
    """Return what is told of authorizations: a card that is told anew once one was given is another card."""
    number = found.satisfied_by.number if found.satisfied_by else ""
    return ("on file", number, str(found.has_failed), *found.looked_at)


def _contents(decisions: Sequence[Decision]) -> Iterator[str]:
    yield from dict.fromkeys(decision.order.content for decision in decisions)
