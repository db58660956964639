"""The sentences people read: what an order is called, what an answer says and on what it rests."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cards.coverage import CoverageProblem
from cards.coverage_outcome import Voice
from cards.decision import Basis, Decision
from cards.matching.match import Finding
from cards.order import Order
from cards.policy import Covered
from cards.response.card import SUMMARY_LIMIT
from cards.response.doubts import ask, condition, doubts, rests_on, summarise_doubt
from cards.response.plain_text import plain

#: As many orders are named on one card.
_MOST_NAMED: Final = 20

#: What is said of prior authorization where nobody could tell whether one is on file.
NOT_LOOKED_UP: Final = (
    "Whether prior authorization is on file could not be looked up: a technical failure. Without one it is needed."
)

_SAYS: Final = {
    Covered.NOT_COVERED: "is not covered",
    Covered.COVERED: "is covered",
    Covered.CONDITIONAL: "may not be covered",
    Covered.INDETERMINATE: "could not be determined",
}


def tell_problem(problem: CoverageProblem) -> str:
    """Return what is not known of the coverage as a sentence."""
    return f"{problem.value[0].upper()}{problem.value[1:]}."


def name_order(decision: Decision) -> str:
    """Return the order in human words, safe to show, such as `Prolotherapy, right knee`."""
    order = decision.order
    return plain(order.title) or f"{_KINDS.get(order.resource_type, 'Order')} without a readable name"


#: What an order is called that has no words of its own.
_KINDS: Final = {
    "Appointment": "Appointment",
    "CommunicationRequest": "Communication order",
    "DeviceRequest": "Device order",
    "Encounter": "Visit",
    "MedicationRequest": "Medication order",
    "NutritionOrder": "Nutrition order",
    "ServiceRequest": "Service order",
    "VisionPrescription": "Vision prescription",
}


def list_orders(decisions: Sequence[Decision], tell: Callable[[Decision], str]) -> str:
    """Return one order as a sentence, several as a list; what there is to tell of all of them alike stands once.

    Orders of one name are one item, with their number.

    No name begins a line or an item: Markdown would make a list of `1. knee`.
    """
    told = [(name_order(decision), tell(decision)) for decision in once(decisions)]
    if len(told) == 1:
        return _say_order(*told[0], 1)
    like = Counter(told)
    if len(like) == 1:
        return _say_order(*told[0], len(told))
    shared = told[0][1] if len({rest for _, rest in told}) == 1 else ""
    named = list(like.items())[:_MOST_NAMED]
    lines = [f"- {_say_order(name, '' if shared else rest, count)}" for (name, rest), count in named]
    if left := len(told) - sum(count for _, count in named):
        lines.append(f"- And {left} more.")
    return write_paragraphs("\n".join(lines), shared)


def _say_order(name: str, rest: str, count: int) -> str:
    return f"{'Order' if count == 1 else f'{count} orders'}: {name}. {rest}".rstrip()


def write_paragraphs(*texts: str) -> str:
    """Return what there is to say as paragraphs, none of them twice: they read well as plain text and as Markdown."""
    return "\n\n".join(dict.fromkeys(text for text in texts if text))


def suppose(decision: Decision) -> str:
    """Return how a card begins that says what would hold under the default payer; nothing on any other card."""
    is_supposed = decision.outcome.card is Voice.DEFAULT
    return f"If this patient is covered by {decision.payer.name}: " if is_supposed else ""


def head(decision: Decision) -> str:
    """Return the summary of a decision's card; it ends before the verdict where the whole is too long for one."""
    finding, supposed = decision.findings[0], suppose(decision)
    said, room = summarise(finding, decision.says), SUMMARY_LIMIT - len(supposed)
    if len(said) > room:
        said = plain(f"{finding.service} {_SAYS[decision.says]}", room)
    return supposed + said


def summarise(finding: Finding, covered: Covered) -> str:
    """Return the one sentence of a card: service, code and verdict."""
    match = finding.match
    if not match.strength.is_sure:
        return summarise_doubt(finding)
    code = f" ({match.coding.coding.code})" if match.coding else ""
    return f"{finding.service}{code} {_SAYS[covered]}: {finding.version.verdict}"


def explain(decision: Decision) -> tuple[str, ...]:
    """Return the reasons of the answer, a sentence each, for the coverage information on the order."""
    if decision.basis is Basis.POLICY:
        reasons = [_explain_finding(finding, decision.order) for finding in decision.findings]
    elif decision.basis is Basis.UNREADABLE:
        paths = ", ".join(fault.path for fault in decision.order.faults[:5])
        reasons = [f"The order could not be read completely ({paths}), so its coverage could not be determined."]
    elif decision.basis is Basis.COVERAGE:
        reasons = [decision.outcome.reason]
    elif decision.basis is Basis.TECHNICAL:
        reasons = [f"Information needed for a determination was unavailable: {name_missing(decision)}."]
    elif decision.order.codings or decision.order.texts:
        reasons = ["Not evaluated: this service has no policy for the ordered service."]
    else:
        reasons = ["Not evaluated: the order has no code or description this service can use."]
    if decision.outcome.answers and decision.outcome.reason:
        reasons.append(decision.outcome.reason)
    return tuple(reasons)


def advise(problem: CoverageProblem | None) -> str:
    """Return what to do about a coverage that cannot be told or is not in force."""
    match problem:
        case CoverageProblem.INACTIVE:
            return "Enter the coverage that is in force on the day of service, then ask again."
        case CoverageProblem.NO_MEMBER | CoverageProblem.NO_COVERAGE | CoverageProblem.SEVERAL_MEMBERS:
            return "Check the member id and the birth date against the insurance card, then ask again."
        case CoverageProblem.NO_MEMBER_ID:
            return "Enter the member id of the coverage, then ask again."
        case CoverageProblem.LOOK_UP_FAILED:
            return "Ask again later; nothing on the order needs to change."
        case CoverageProblem.UNKNOWN_PAYER:
            return "Ask the payer of this coverage about the order."
        case CoverageProblem.SELF_PAY:
            return "Nothing needs to be asked: no payer is to pay."
        case CoverageProblem.OTHER_PATIENT:
            return "Ask about this order in a call for its own patient."
        case _:
            return "Enter the patient's primary coverage with its payer, then ask again."


def has_modifier(decision: Decision) -> bool:
    """Tell whether an order could not be judged for a modifier that is valid and not understood here."""
    return any(fault.path.endswith(".modifierExtension") for fault in decision.order.faults)


def once(decisions: Sequence[Decision]) -> list[Decision]:
    """Return decisions with one for each order: an order under two coverages is named once."""
    return list({id(decision.order): decision for decision in reversed(decisions)}.values())[::-1]


def name_missing(decision: Decision) -> str:
    """Return what a technical failure kept away, in words."""
    return "; ".join(decision.missing[:5]) or "this service failed"


def instruct(decision: Decision) -> tuple[str, ...]:
    """Return what to do so that the order can be judged; nothing where it is judged."""
    match decision.basis:
        case Basis.POLICY:
            doubtful = [finding for finding in decision.findings if not finding.match.strength.is_sure]
            return tuple(dict.fromkeys(ask(finding, decision.order) for finding in doubtful))
        case Basis.UNREADABLE if has_modifier(decision):
            return (
                f"Ask {decision.payer.name} in another way: this service does not support a modifier of the order.",
            )
        case Basis.UNREADABLE:
            return ("Send the order as valid FHIR R4 to get a determination.",)
        case Basis.COVERAGE:
            return (advise(decision.problem),)
        case Basis.TECHNICAL:
            return ("Ask again once it can be read; nothing on the order needs to change.",)
        case Basis.NOT_EVALUATED:
            name = decision.payer.name
            return (f"Ask {name} about this service in another way; no change to the order brings an answer here.",)


def _explain_finding(finding: Finding, order: Order) -> str:
    version, policy = finding.version, f"Policy: {finding.version.citation}."
    said: tuple[str, ...]
    if finding.match.strength.is_sure:
        said = (version.position, f"Based on {rests_on(finding, order)}.", condition(finding), policy)
    else:
        said = (*doubts(finding, order), ask(finding, order), policy)
    return " ".join(part for part in said if part)


def cite(decision: Decision) -> Iterator[str]:
    """Yield the policies that a decision rests on, a paragraph each."""
    yield from (f"Policy: {finding.version.citation}." for finding in decision.findings)
