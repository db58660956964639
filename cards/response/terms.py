"""What is said of services that are covered on some terms: of several together, and how authorization is asked for."""

from collections.abc import Sequence
from typing import Final

from cards.decision import Decision
from cards.matching.match import Finding
from cards.policy import Covered
from cards.response.card import SUMMARY_LIMIT

_SAYS: Final = {Covered.COVERED: "are covered", Covered.CONDITIONAL: "may not be covered"}


def ask_authorization(decision: Decision) -> tuple[str, ...]:
    """Return how prior authorization is asked for, of whom and how long it takes, a sentence each."""
    told = [finding.version.terms_of_coverage.authorization for finding in decision.findings]
    if not any(told) or not decision.is_sure:
        return ()
    return tuple(dict.fromkeys(sentence for sentences in told for sentence in sentences))


def find_shared(decisions: Sequence[Decision]) -> tuple[str, ...]:
    """Return what is told of authorization for all of several orders alike."""
    first = ask_authorization(decisions[0])
    if not first or len(decisions) == 1:
        return first
    told = [ask_authorization(decision) for decision in decisions[1:]]
    return tuple(text for text in first if all(text in others for others in told))


def summarise_several(decisions: Sequence[Decision]) -> str:
    """Return the summary of several orders with one answer: what it is, and as many services as there is room for."""
    first = decisions[0]
    orders = len({id(decision.order) for decision in decisions})
    said = f"{orders} orders {_SAYS[first.covered]}" if orders > 1 else f"This order {_ONE[first.covered]}"
    verdict = first.findings[0].version.verdict
    return _fit(f"{said}: {verdict}", list(dict.fromkeys(name_service(d.findings[0]) for d in decisions)))


_ONE: Final = {Covered.COVERED: "is covered", Covered.CONDITIONAL: "may not be covered"}


def name_service(finding: Finding) -> str:
    """Return what is ordered, with its code where one names it."""
    coding = finding.match.coding
    return f"{finding.service} ({coding.coding.code})" if coding else finding.service


def _fit(said: str, named: Sequence[str]) -> str:
    for count in range(len(named), 0, -1):
        more = f" and {len(named) - count} more" if count < len(named) else ""
        text = f"{said}: {', '.join(named[:count])}{more}"
        if len(text) <= SUMMARY_LIMIT:
            return text
    return said[:SUMMARY_LIMIT]
