"""External Reference: a card that links to the guideline (resp-18 to 22: absolute links, no suggestions)."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems
from cards.decision import Decision
from cards.payer_directory import Payer
from cards.policy import Covered, Policy, PolicyVersion
from cards.response.card import Card, HooksCoding, Link, Source, absolute_link, hooks_coding, name_source
from cards.response.doubts import condition, rests_on
from cards.response.identity import identify_card
from cards.response.options import ResponseOptions
from cards.response.terms import ask_authorization, find_shared, summarise_several
from cards.response.wording import NOT_LOOKED_UP, advise, head, list_orders, suppose, write_paragraphs


def topic(decision: Decision) -> str:
    """Return the topic code that the card of a decision has."""
    return _TOPICS[decision.says][0]


def likeness(decision: Decision) -> tuple[Any, ...]:
    """Return what orders that are covered on the same terms have in common, whatever they are for: one card is enough.

    What differs, such as how long an approval is valid, is told of each order.
    """
    findings = decision.findings
    said = [(f.policy.id, f.version.start, f.version.verdict, f.version.position) for f in findings]
    asked = [(f.version.terms_of_coverage.documents, f.version.next_steps, f.version.notes) for f in findings]
    return decision.covered, decision.pa_needed, decision.payer.id, *said, *asked


class _Wording(NamedTuple):
    """What a card says beside its orders: the same for all orders that get the same answer, so it is worded once."""

    summary: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    indicator: str
    source: Source
    links: tuple[Link, ...]
    override_reasons: tuple[HooksCoding, ...]


def build(
    decisions: Sequence[Decision], options: ResponseOptions, code_systems: CodeSystems, derive_id: Callable[..., str]
) -> Card:
    """Build the one card of orders that have the same answer under the same policies and payer."""
    shared = find_shared(decisions)
    wording = _find_wording(decisions, options, code_systems, shared)
    references = list(dict.fromkeys([decision.order.reference for decision in decisions if decision.order.id]))
    orders = list_orders(decisions, partial(_rest, shared=shared))
    return Card(
        uuid=derive_id(*identify_card("card", decisions)),
        summary=wording.summary,
        detail=write_paragraphs(*wording.before, orders, *wording.after),
        indicator=wording.indicator,
        source=wording.source,
        links=wording.links,
        override_reasons=wording.override_reasons,
        extension=options.associate(references),
    )


def _find_wording(
    decisions: Sequence[Decision], options: ResponseOptions, code_systems: CodeSystems, shared: tuple[str, ...]
) -> _Wording:
    """Return the wording; that of one order with a sure answer is kept, which saves a tenth of the work on a call.

    Nothing of an order is in it but the code that a policy names; what tells a number of an authorization is not kept.
    """
    first = decisions[0]
    if len(decisions) > 1 or not first.is_sure or first.authorization:
        return _word(decisions, options, shared)
    findings = [(f.policy, f.version, f.match.coding) for f in first.findings]
    topics, is_primary = options.wire.topic_system, options.primary_hook
    key = ("card", first.covered, first.payer, first.outcome.reason, first.outcome.card, topics, is_primary, *findings)
    kept: _Wording = code_systems.write_once(key, lambda: _word(decisions, options, shared))
    return kept


def _word(decisions: Sequence[Decision], options: ResponseOptions, shared: tuple[str, ...]) -> _Wording:
    """Word a card: the verdict first, then what to do; behind the orders what the answer rests on."""
    first = decisions[0]
    is_sure, is_refused = first.is_sure, first.covered is Covered.NOT_COVERED
    notes = dict.fromkeys(note for finding in first.findings for note in finding.version.notes)
    return _Wording(
        summary=_summary(decisions),
        before=(
            f"{_verdict(first)} {first.findings[0].version.position}",
            " ".join(_name_terms(first, options)),
            " ".join((_name_steps(first), *shared)).strip(),
        ),
        after=(" ".join(notes), *(f"Policy: {finding.version.citation}." for finding in first.findings)),
        indicator="warning" if is_sure and (is_refused or _is_at_risk(first)) else "info",
        source=name_source(first.payer, hooks_coding(options.wire.topic_system, *_TOPICS[first.says])),
        links=tuple(dict.fromkeys([*_links(decisions, options)])),
        override_reasons=_reasons(first) if is_sure and is_refused else (),
    )


def _summary(decisions: Sequence[Decision]) -> str:
    """Return the summary; of several services what is said of them together, and which they are."""
    first = decisions[0]
    if len(decisions) == 1:
        return head(first)
    named = {(decision.findings[0].service, decision.findings[0].match.coding) for decision in decisions}
    return summarise_several(decisions) if len(named) > 1 and first.is_sure else head(first)


def _is_at_risk(decision: Decision) -> bool:
    """Tell whether a service may not be paid if nothing is done: that is a warning, from the clinician's viewpoint."""
    return decision.covered is not Covered.COVERED or decision.pa_needed in (
        "auth-needed",
        "performpa",
        "indeterminate",
    )


def _rest(decision: Decision, shared: tuple[str, ...]) -> str:
    """Return on what the answer rests, and what is told of this order alone."""
    grounds = dict.fromkeys([rests_on(finding, decision.order) for finding in decision.findings])
    conditions = dict.fromkeys([condition(finding) for finding in decision.findings])
    asked = [text for text in ask_authorization(decision) if text not in shared]
    looked_at = decision.authorization.looked_at if decision.authorization else ()
    return " ".join([f"Based on {'; '.join(grounds)}.", *(said for said in conditions if said), *looked_at, *asked])


def _name_terms(decision: Decision, options: ResponseOptions) -> Iterator[str]:
    """Yield what an answer asks for; of several policies the strictest prior authorization counts."""
    needed = _PRIOR_AUTHORIZATION.get(decision.pa_needed or "", "")
    if needed and needed.partition(" depends")[0] not in decision.findings[0].version.position:
        yield needed
    asked = {document for finding in decision.findings for document in finding.version.terms_of_coverage.documents}
    if not options.primary_hook:  # CRD-167: supporting hooks ask for none
        return
    if named := [words for code, words in _DOCUMENTS.items() if code in asked]:
        yield f"Documentation needed: {', '.join(named)}."
    elif asked and "ocumentation" not in decision.findings[0].version.position:
        yield "Whether documentation is needed depends on more information."


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
    "indeterminate": NOT_LOOKED_UP,
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


def _links(decisions: Sequence[Decision], options: ResponseOptions) -> Iterator[Link]:
    """Yield a link to each guideline, and to each form where the payer's file says where it is.

    Supporting hooks ask for no documentation (CRD-167).
    """
    payer = decisions[0].payer
    for decision in decisions:
        yield from (_link(finding.policy, finding.version, payer) for finding in decision.findings)
    for decision in decisions if options.primary_hook and payer.questionnaire_links else ():
        asked = (q for f in decision.findings for q in f.version.terms_of_coverage.questionnaires)
        found = (payer.questionnaire_links.get(canonical) for canonical in asked)
        yield from (absolute_link(*link) for link in found if link)


def _link(policy: Policy, version: PolicyVersion, payer: Payer) -> Link:
    url = payer.policy_links.get(policy.id, version.guideline.url)
    return absolute_link(f"{policy.name} ({policy.publisher})", url)
