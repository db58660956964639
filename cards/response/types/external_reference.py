"""External Reference: a card that links to the guideline (resp-18 to 22: absolute links, no suggestions)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cards.decision import Decision
from cards.payer_directory import Payer
from cards.policy import Covered, Policy, PolicyVersion
from cards.response.card import Card, HooksCoding, Link, absolute_link, hooks_coding, name_source
from cards.response.doubts import condition, rests_on
from cards.response.identity import identify_card
from cards.response.options import ResponseOptions
from cards.response.wording import advise, head, list_orders, suppose, write_paragraphs


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
        source=name_source(first.payer, hooks_coding(options.wire.topic_system, *_TOPICS[first.says])),
        links=tuple(dict.fromkeys([_link(f.policy, f.version, first.payer) for f in first.findings])),
        override_reasons=_reasons(first) if first.is_sure and first.covered is Covered.NOT_COVERED else (),
        extension=options.associate(references),
    )


def _detail(decisions: Sequence[Decision], options: ResponseOptions) -> str:
    """Verdict first, then what to do, then the orders by name and what the answer rests on."""
    first = decisions[0]
    notes = dict.fromkeys(note for finding in first.findings for note in finding.version.notes)
    return write_paragraphs(
        f"{_verdict(first)} {first.findings[0].version.position}",
        " ".join(_name_terms(first, options)),
        _name_steps(first),
        list_orders(decisions, _rest),
        " ".join(notes),
        *(f"Policy: {finding.version.citation}." for finding in first.findings),
    )


def _rest(decision: Decision) -> str:
    grounds = dict.fromkeys([rests_on(finding, decision.order) for finding in decision.findings])
    conditions = dict.fromkeys([condition(finding) for finding in decision.findings])
    return " ".join([f"Based on {'; '.join(grounds)}.", *(said for said in conditions if said)])


def _name_terms(decision: Decision, options: ResponseOptions) -> Iterator[str]:
    """Yield what an answer asks for; of several policies the strictest prior authorization counts."""
    needed = {finding.version.pa_needed for finding in decision.findings}
    yield from [text for code, text in _PRIOR_AUTHORIZATION.items() if code in needed][:1]
    asked = {document for finding in decision.findings for document in finding.version.terms_of_coverage.documents}
    if asked and options.primary_hook:  # CRD-167: supporting hooks ask for none
        yield f"Documentation needed: {', '.join(words for code, words in _DOCUMENTS.items() if code in asked)}."


def _name_steps(decision: Decision) -> str:
    """Return what to do next: what the policies say, or where the coverage is in doubt, what would settle it."""
    if not decision.is_sure:
        return f"Next step: {advise(decision.problem)}"
    steps = list(dict.fromkeys(step for finding in decision.findings for step in finding.version.next_steps))
    heading = "Next step" if len(steps) == 1 else "Next steps"
    return f"{heading}: {' '.join(steps[:_MOST_STEPS])}" if steps else ""


#: As many next steps are on one card, those of the most binding policy first.
_MOST_STEPS: Final = 3


def _verdict(decision: Decision) -> str:
    """Return the verdict; what is not sure of the coverage stands before it."""
    said = _VERDICTS[decision.covered].format(decision.payer.name) if decision.is_sure else _SUPPOSED[decision.says]
    return f"{decision.outcome.reason} {suppose(decision)}{said}".lstrip()


#: What would hold under a payer of which it is not sure that it is the patient's.
_SUPPOSED: Final = {
    Covered.NOT_COVERED: "not covered.",
    Covered.CONDITIONAL: "coverage depends on more information.",
}


#: The strictest first.
_PRIOR_AUTHORIZATION: Final = {
    "auth-needed": "Prior authorization is needed.",
    "performpa": "Prior authorization is needed, to be requested by the performer.",
    "conditional": "Whether prior authorization is needed depends on more information.",
    "no-auth": "Prior authorization is not needed.",
}

_DOCUMENTS: Final = {"clinical": "clinical", "admin": "administrative", "patient": "from the patient"}

_VERDICTS: Final = {
    Covered.NOT_COVERED: "Not covered by {}.",
    Covered.COVERED: "Covered by {}.",
    Covered.CONDITIONAL: "Coverage by {} depends on more information.",
}


def _reasons(decision: Decision) -> tuple[HooksCoding, ...]:
    """Return why the clinician may go on all the same, as the payer words it (HK-98)."""
    return tuple(hooks_coding(*reason) for reason in decision.payer.override_reasons)


#: CRD card types: off-guideline where the plan speaks against the order, guideline where it only sets terms.
_TOPICS: Final = {
    Covered.NOT_COVERED: ("off-guideline", "Off Guideline"),
    Covered.CONDITIONAL: ("guideline", "Guideline"),
    Covered.COVERED: ("guideline", "Guideline"),
}


def _link(policy: Policy, version: PolicyVersion, payer: Payer) -> Link:
    url = payer.policy_links.get(policy.id, version.guideline.url)
    return absolute_link(f"{policy.name} ({policy.publisher})", url)
