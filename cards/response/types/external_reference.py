"""External Reference: a card that links to the guideline (resp-18 to 22: absolute links, no suggestions)."""

from collections.abc import Callable, Sequence
from typing import Final

from cards.decision import Decision
from cards.payer_directory import Payer
from cards.policy import Covered, Policy, PolicyVersion
from cards.response.card import Card, HooksCoding, Link, Source
from cards.response.identity import identify_card
from cards.response.options import ResponseOptions
from cards.response.versions import WireVersion
from cards.response.wording import head, name_order, once, rests_on, suppose

_REASONS: Final = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"

#: Why a clinician may go on all the same: the categories of CDS Hooks 3.0's non-adherence codes that fit a
#: coverage answer, with their published displays.
OVERRIDE_REASONS: Final = (
    HooksCoding(_REASONS, "cds-not-applicable", "PC CDS does not apply to patient"),
    HooksCoding(
        _REASONS,
        "recipient-disagrees-evidence",
        "Recipient disagrees with recommendation because of issues with the evidence",
    ),
    HooksCoding(_REASONS, "recipient-concerns-outcomes", "Recipient has concerns regarding potential health outcomes"),
    HooksCoding(
        _REASONS, "does-not-align-preferences", "Recommendation does not align with patient preferences or values"
    ),
)


def topic(decision: Decision) -> str:
    """Return the topic code that the card of a decision has."""
    return _TOPICS[decision.says][0]


def build(decisions: Sequence[Decision], options: ResponseOptions, derive_id: Callable[..., str]) -> Card:
    """Build the one card of orders that have the same answer under the same policies and payer."""
    first = decisions[0]
    references = list(dict.fromkeys([decision.order.reference for decision in decisions if decision.order.id]))
    return Card(
        uuid=derive_id(*identify_card("card", decisions)),
        summary=head(first),
        detail=_detail(decisions, options),
        indicator="warning" if first.is_sure and first.covered is not Covered.COVERED else "info",
        source=_source(first.payer, options.wire, _TOPICS[first.says]),
        links=tuple(dict.fromkeys([_link(f.policy, f.version, first.payer) for f in first.findings])),
        override_reasons=OVERRIDE_REASONS if first.is_sure and first.covered is Covered.NOT_COVERED else (),
        extension=options.associate(references),
    )


def _detail(decisions: Sequence[Decision], options: ResponseOptions) -> str:
    """Verdict first, then the orders by name, then what it is based on: short lines that read as plain text."""
    first = decisions[0]
    lines = [f"{_verdict(first)} {first.findings[0].version.position}", ""]
    if first.outcome.reason:
        lines += [first.outcome.reason, ""]
    for decision in once(decisions):
        because = "; ".join(dict.fromkeys([rests_on(finding) for finding in decision.findings]))
        lines.append(f"- Order: {name_order(decision)}. Based on {because}.")
    for finding in first.findings:
        lines.append(f"- Policy: {finding.version.citation}.")
        lines += [f"- {note}" for note in finding.version.notes if f"- {note}" not in lines]
        if finding.version.pa_needed:
            lines.append(f"- Prior authorization: {_PRIOR_AUTHORIZATION[finding.version.pa_needed]}.")
        documents = finding.version.terms_of_coverage.documents
        if documents and options.primary_hook:  # CRD-167: supporting hooks ask for none
            lines.append(f"- Documentation needed: {', '.join(documents)}.")
    return "\n".join(lines)


def _verdict(decision: Decision) -> str:
    if decision.is_sure:
        return _VERDICTS[decision.covered].format(decision.payer.name)
    return f"{suppose(decision)}{_SUPPOSED[decision.says]}"


#: What would hold under a payer of which it is not sure that it is the patient's.
_SUPPOSED: Final = {
    Covered.NOT_COVERED: "not covered.",
    Covered.CONDITIONAL: "coverage depends on more information.",
}


_PRIOR_AUTHORIZATION: Final = {
    "auth-needed": "needed",
    "performpa": "needed, to be requested by the performer",
    "conditional": "depends on more information",
    "no-auth": "not needed",
}

_VERDICTS: Final = {
    Covered.NOT_COVERED: "Not covered by {}.",
    Covered.COVERED: "Covered by {}.",
    Covered.CONDITIONAL: "Coverage by {} depends on more information.",
}


def _source(payer: Payer, wire: WireVersion, topic: tuple[str, str]) -> Source:
    return Source(payer.name, HooksCoding(wire.topic_system, *topic), payer.url)


#: CRD card types: off-guideline where the plan speaks against the order, guideline where it only sets terms.
_TOPICS: Final = {
    Covered.NOT_COVERED: ("off-guideline", "Off Guideline"),
    Covered.CONDITIONAL: ("guideline", "Guideline"),
    Covered.COVERED: ("guideline", "Guideline"),
}


def _link(policy: Policy, version: PolicyVersion, payer: Payer) -> Link:
    url = payer.policy_links.get(policy.id, version.guideline.url)
    return Link(f"{policy.name} ({policy.publisher})", url)
