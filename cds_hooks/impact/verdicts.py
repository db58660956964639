"""How a decision is named in a report: one word for the figures, and the columns behind it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cards import Basis, CoverageProblem, Decision, Order, Place, ResponseOptions, calls_for_card
from cards.matching.tokens import normalise
from cards.policy import Covered

#: Texts are shown to so many characters.
_LONGEST_TEXT: Final = 120


class Verdict(NamedTuple):
    """What is answered to an order, in the columns of a report (`batches.VERDICT`).

    `verdict` is one word for the figures; `text` the order's name in lower case where a policy is in doubt about it or
    nothing tells what is ordered, which is what an analyst reads first.
    """

    verdict: str
    covered: str | None = None
    pa_needed: str | None = None
    doc_needed: str | None = None
    basis: str | None = None
    problem: str | None = None
    payer: str | None = None
    policy: str | None = None
    version: str | None = None
    strength: str | None = None
    code: str | None = None
    alert: bool = False
    text: str | None = None


_NAMES: Final = (Place.CODE_TEXT, Place.DISPLAY)
_TO_BE_READ: Final = frozenset({"in-doubt", "no-policy", "unreadable"})
NOTHING_ASKED: Final = Verdict("nothing-asked")

#: What the figures call an answer that rests on something else than a policy.
_WITHOUT_POLICY: Final = {
    Basis.COVERAGE: "coverage-unknown",
    Basis.TECHNICAL: "record-missing",
    Basis.UNREADABLE: "unreadable",
    Basis.NOT_EVALUATED: "no-policy",
}

#: From the strictest down: of several coverages of equal rank the stricter counts.
STRICTNESS: Final = (
    "not-covered",
    "in-doubt",
    "conditional",
    "pa-needed",
    "pa-depends",
    "doc-needed",
    "covered",
    "coverage-ended",
    "coverage-unknown",
    "record-missing",
    "unreadable",
    "no-policy",
    "nothing-asked",
)


def name_decision(decision: Decision, options: ResponseOptions) -> Verdict:
    """Return a decision in the columns of a report; `options` say whether there would be a card."""
    first = decision.findings[0] if decision.findings else None
    verdict = _verdict_of(decision)
    matched = first.match.coding if first else None
    documents = {code for f in decision.findings for code in f.version.terms_of_coverage.documents}
    return Verdict(
        verdict=verdict,
        covered=decision.covered.value,
        pa_needed=decision.pa_needed if decision.is_sure else None,
        doc_needed=", ".join(sorted(documents)) if documents and decision.is_sure else None,
        basis=decision.basis.name.lower().replace("_", "-"),
        problem=decision.problem.name.lower().replace("_", "-") if decision.problem else None,
        payer=decision.payer.id if decision.payer_is_known else None,
        policy=first.policy.id if first else None,
        version=first.version.key if first else None,
        strength=first.match.strength.value if first else None,
        code=" ".join(matched.coding) if matched else code_of(decision.order),
        alert=calls_for_card(decision, options),
        text=_text_of(decision, verdict),
    )


def _text_of(decision: Decision, verdict: str) -> str | None:
    """Return the order's name where somebody should look at it."""
    order = decision.order
    if order.codings and verdict != "in-doubt":
        return None
    if verdict not in _TO_BE_READ:
        return None
    named = next((t.text for place in _NAMES for t in order.texts if t.place is place), "")
    return normalise(named).strip()[:_LONGEST_TEXT].strip() or None


def _verdict_of(decision: Decision) -> str:
    """Return one word for an answer."""
    if decision.problem is CoverageProblem.INACTIVE and decision.basis is Basis.COVERAGE:
        return "coverage-ended"
    if decision.basis is not Basis.POLICY:
        return _WITHOUT_POLICY[decision.basis]
    if not decision.is_sure:
        return "in-doubt"
    if decision.covered is not Covered.COVERED:
        return decision.covered.value
    if decision.pa_needed not in (None, "no-auth"):
        return "pa-depends" if decision.pa_needed == "conditional" else "pa-needed"
    return "doc-needed" if decision.sets_terms else "covered"


def find_strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the strictest of the answers under several coverages; there is a card where one of them has one."""
    first = min(verdicts, key=lambda one: STRICTNESS.index(one.verdict))
    return first._replace(alert=any(one.alert for one in verdicts))


def code_of(order: Order) -> str | None:
    """Return the first code of an order, as `SYSTEM CODE`."""
    return " ".join(order.codings[0].coding) if order.codings else None
