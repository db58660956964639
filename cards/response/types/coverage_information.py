"""Coverage Information: the answer written onto the order, for the machine (ext-coverage-information).

It is only ever a system action `update` of the whole order, never a card (resp-25).
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import orjson

from cards.coding import CodeSystems
from cards.coverage import CoverageProblem
from cards.decision import Basis, Decision
from cards.policy import Covered
from cards.response.annotation import URL, Assertion, Knowledge, annotate
from cards.response.card import OrderUpdate
from cards.response.coverage_extension import write_answer
from cards.response.identity import ASSERTION
from cards.response.options import ResponseOptions
from cards.response.wording import summarise

#: What a client switches off with `davinci-crd.configuration`, on any hook (resp-28).
TOPIC: Final = "coverage-info"


def build(
    decisions: Sequence[Decision],
    order: bytes,
    number: int,
    options: ResponseOptions,
    code_systems: CodeSystems,
    derive_id: Callable[..., str],
) -> OrderUpdate | None:
    """Build the action that writes the decisions onto `order`, its JSON text; None where nothing is new.

    There is one decision for each Coverage, and each gets a repetition with an id of its own (CRD-264, resp-32).
    Without a Coverage there is nothing to refer to, and without an id no order to update: None.
    """
    possible = [decision for decision in decisions if is_possible(decision)]
    if not possible:
        return None
    written = [_assert(decision, number, options, code_systems, derive_id) for decision in possible]
    annotated = annotate(order, written, options.fhir_base)
    return OrderUpdate(_describe(possible), annotated) if annotated else None


def is_possible(decision: Decision) -> bool:
    """Tell whether there is a Coverage to refer to and an order that can be updated."""
    order, coverage = decision.order, decision.coverage
    has_extensions_in_order = not any(fault.path == f"{order.resource_type}.extension" for fault in order.faults)
    has_place = order.id or order.is_unsaved
    return bool(coverage and coverage.reference and has_place and has_extensions_in_order)


def _assert(
    decision: Decision,
    number: int,
    options: ResponseOptions,
    code_systems: CodeSystems,
    derive_id: Callable[..., str],
) -> Assertion:
    """Return the extension: whose coverage, what is said of it, since when, under which id and until when."""
    coverage = str(decision.coverage.reference) if decision.coverage else ""
    policies = [finding.version.key for finding in decision.findings] if decision.basis is Basis.POLICY else []
    parts: list[Any] = [
        {"url": "coverage", "valueReference": {"reference": coverage}},
        *write_answer(decision, options, code_systems),
        {"url": "date", "valueDate": decision.on},
        {"url": "coverage-assertion-id", "valueString": derive_id(ASSERTION, str(number), coverage, *policies)},
    ]
    expiry = _expiry(decision) if options.wire.has_expiry_date else None
    if expiry:
        parts.append({"url": "expiry-date", "valueDate": expiry})
    extension = orjson.dumps({"url": URL, "extension": parts})
    return Assertion(coverage, extension, _knowledge_of(decision))


#: What the payer's own members say, whatever it was that an earlier answer rested on.
_LOOKED_UP: Final = frozenset({CoverageProblem.NO_MEMBER, CoverageProblem.NO_COVERAGE})


def _knowledge_of(decision: Decision) -> Knowledge:
    """Return what a decision knows, compared with what is on the order already."""
    if decision.is_sure and decision.covered is Covered.NOT_COVERED:
        return Knowledge.CONTRADICTS
    if decision.problem in _LOOKED_UP or (decision.authorization and not decision.authorization.has_failed):
        return Knowledge.CONTRADICTS
    if decision.basis is Basis.POLICY or decision.problem is CoverageProblem.INACTIVE:
        return Knowledge.NEW
    return Knowledge.NOTHING


def _expiry(decision: Decision) -> date | None:
    """Return the last day of the answer, where one is known: of the version, the coverage or the authorization."""
    if not decision.is_sure or decision.coverage is None:
        return None
    ends = [finding.version.end for finding in decision.findings]
    ends.append(decision.coverage.last_day)
    if decision.authorization and decision.authorization.satisfied_by:
        ends.append(decision.authorization.satisfied_by.end)
    return min((end for end in ends if end), default=None)


def _describe(decisions: Sequence[Decision]) -> str:
    decision = decisions[0]
    if decision.basis is Basis.POLICY:
        said = summarise(decision.findings[0], decision.covered)
    elif decision.basis is Basis.COVERAGE:
        said = decision.outcome.reason.rstrip(".")
    elif decision.basis is Basis.UNREADABLE:
        said = "coverage undetermined, part of the order could not be read"
    elif decision.basis is Basis.TECHNICAL:
        said = "coverage undetermined because of a technical failure"
    else:
        said = "not evaluated by this service"
    payers = " and ".join(dict.fromkeys([decision.payer.name for decision in decisions if decision.payer_is_known]))
    return f"Write {payers} coverage information onto the order: {said}".replace("  ", " ")
