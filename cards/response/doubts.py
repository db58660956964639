"""On what an answer rests, why an order may not be for a service, and what its clinician can do about that.

What stands in quotes is the order's own, as it was sent; its place is named.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from cards.decision import Decision
from cards.matching.match import Doubt, DoubtKind, Finding, Match, Strength
from cards.order import Order
from cards.response.plain_text import plain

#: Doubts that no code on the order settles: its code is another service's, its name is, or its words take it back.
_OTHERWISE: Final = frozenset({DoubtKind.ANOTHER_CODE, DoubtKind.CONTRADICTED, DoubtKind.TAKEN_BACK})

#: Of these one of an order's code and name is wrong, whatever is ordered.
_CONTRADICTIONS: Final = frozenset({DoubtKind.ANOTHER_CODE, DoubtKind.CONTRADICTED})

#: Orders for something that a procedure's code does not name.
_OF_PRODUCTS: Final = frozenset({"DeviceRequest", "MedicationRequest", "NutritionOrder", "VisionPrescription"})

_SUMMARIES: Final = {
    Strength.QUALIFIED: "Unclear whether {} is ordered: specify the procedure",
    Strength.INFERRED: "May be {}: specify the procedure",
    Strength.UNLISTED: "May be {} (unlisted code): enter the specific procedure",
}

#: As much of an order's name stands in a summary.
_LONGEST_NAME: Final = 50

_TAKEN_BACK: Final = "Unclear whether the order for {} stands: confirm or cancel it"

#: What speaks against an order, behind "the name of the service is in this place".
_AGAINST: Final[Mapping[DoubtKind, str]] = {
    DoubtKind.ANOTHER_CODE: "but the code {code} is another service's",
    DoubtKind.ANOTHER_NAME: "but the order's name says something else",
    DoubtKind.CONTRADICTED: 'but {where} is "{clause}"',
    DoubtKind.ANOTHER_TREATMENT: 'and {where} says "{clause}"',
    DoubtKind.NEAR: "and may be another procedure",
    DoubtKind.NOT_ORDERED: "but nothing says that it is to be done",
    DoubtKind.UNREAD: "beside words in a script that is not read here",
    DoubtKind.ANY_WORD: "and may be any word there",
}

#: Doubts that the clause tells by itself: it names the service, or what it speaks of is the order.
_IN_THE_CLAUSE: Final = frozenset({DoubtKind.CONSIDERED, DoubtKind.TAKEN_BACK})


def rests_on(finding: Finding, order: Order) -> str:
    """Return the code or words of the order that the answer is based on (inferences SHALL be disclosed, impl-5)."""
    match = finding.match
    if not match.strength.is_sure:
        return _tell_doubt(finding, order)
    named = f"code {match.coding.coding.code}" if match.coding else f"{_quote(finding, order)} in {_place(match)}"
    return " and ".join((named, *finding.facts)) if finding.facts else named


def condition(finding: Finding) -> str:
    """Return on what a sure answer hangs, as a sentence: words about the order that were not understood (impl-5)."""
    doubt = finding.match.doubt
    if not finding.match.strength.is_sure or doubt is None or doubt.clause is None:
        return ""
    return f'This holds if this order stands: {doubt.clause.place.value} says "{plain(doubt.clause.words)}".'


def quoted(finding: Finding, order: Order) -> str | None:
    """Return the order's own words, as sent and safe to show, that name the service; None where none were marked."""
    for span in finding.deciding:
        if span.path == finding.path:
            text = next((text.text for text in order.texts if text.path == span.path), "")
            return plain(text[span.start : span.end]) or None
    return None


def summarise_doubt(finding: Finding) -> str:
    """Return the one sentence of a card that asks what is ordered, or whether the order stands."""
    match, service, doubt = finding.match, finding.service.lower(), finding.match.doubt
    if _is_taken_back(finding):
        return _TAKEN_BACK.format(service)
    if doubt and doubt.kind is DoubtKind.ANOTHER_CODE and doubt.code:
        return f"The order says {service}, but code {plain(doubt.code.code)} is another service's: correct one of them"
    if doubt and doubt.kind is DoubtKind.CONTRADICTED and doubt.clause:
        named = plain(doubt.clause.words, _LONGEST_NAME)
        return f'Code {match.words} is {service}, but the order says "{named}": correct one of them'
    return _SUMMARIES[match.strength].format(service)


def may_be_ordered(match: Match) -> bool:
    """Tell whether an order in doubt may well be for the service: no code says otherwise, nothing takes it back."""
    return not match.strength.is_sure and (match.doubt is None or match.doubt.kind not in _OTHERWISE)


def is_contradicted(match: Match) -> bool:
    """Tell whether a code and a name of the order are of two services, so that one of them is wrong."""
    return match.doubt is not None and match.doubt.kind in _CONTRADICTIONS


def tell_doubts(decision: Decision) -> Iterator[str]:
    """Yield why it cannot be told what is ordered, and what to do about it, a paragraph each."""
    doubtful = [finding for finding in decision.findings if not finding.match.strength.is_sure]
    yield from (doubt for finding in doubtful for doubt in doubts(finding, decision.order))
    yield " ".join(dict.fromkeys(ask(finding, decision.order) for finding in doubtful))


def doubts(finding: Finding, order: Order) -> tuple[str, ...]:
    """Return why a finding gives no sure answer, a sentence each, with the regulatory note where one applies."""
    service, rule = finding.service.lower(), finding.version.inference
    note = rule.regulatory_note if rule and finding.match.regulated else None
    asked = f"the order for {service} stands" if _is_taken_back(finding) else f"{service} is ordered"
    doubt = f"Cannot tell whether {asked}: {_tell_doubt(finding, order)}."
    return (doubt, note) if note else (doubt,)


def ask(finding: Finding, order: Order) -> str:
    """Return what to do about a doubt, so that the order can be judged."""
    codes = " or ".join(dict.fromkeys(code.coding.code for code in finding.codes))
    service, doubt = finding.service.lower(), finding.match.doubt
    if _is_taken_back(finding):
        place = doubt.clause.place.value if doubt and doubt.clause else "the order"
        return f"If it is not to be carried out, cancel it. If it stands, correct {place}, then ask again."
    if doubt and doubt.kind is DoubtKind.ANOTHER_CODE and doubt.code and codes:
        wrong = plain(doubt.code.code)
        return f"If {service} is ordered, replace code {wrong} with {codes}. If not, correct the order's name."
    if doubt and doubt.kind is DoubtKind.CONTRADICTED:
        return f"If {service} is ordered, correct the order's name. If not, replace code {finding.match.words}."
    if order.resource_type in _OF_PRODUCTS:
        code = f" with code {codes}" if codes else ""
        return f"If it is for {service}, order the procedure{code}. If not, say on the order what it is for."
    code = f"add code {codes}" if codes else "name it on the order"
    return f"If {service} is ordered, {code}. If not, enter the procedure you are ordering."


def _is_taken_back(finding: Finding) -> bool:
    return finding.match.doubt is not None and finding.match.doubt.kind is DoubtKind.TAKEN_BACK


def _tell_doubt(finding: Finding, order: Order) -> str:
    """Return why it cannot be told what is ordered, as part of a sentence."""
    match = finding.match
    if match.code:
        return f"code {plain(match.code.code)} does not say what is done"
    words = _quote(finding, order)
    if match.doubt and match.doubt.kind is DoubtKind.CONTRADICTED:
        return f"the order's code is {words}, {_say_against(match.doubt)}"
    if match.strength is Strength.INFERRED:
        return f"{words} in {match.place.value} may mean it" if match.place else f"code {words} may mean it"
    if match.doubt is None:
        return f"{words} is in {_place(match)}, not as its code"
    if match.doubt.kind in _IN_THE_CLAUSE and match.doubt.clause:
        return f'{match.doubt.clause.place.value} says "{plain(match.doubt.clause.words)}"'
    return f"{words} is in {_place(match)}, {_say_against(match.doubt)}"


def _say_against(doubt: Doubt) -> str:
    where, clause = (doubt.clause.place.value, plain(doubt.clause.words)) if doubt.clause else ("the order", "")
    code = plain(doubt.code.code) if doubt.code else ""
    return _AGAINST.get(doubt.kind, doubt.kind.value).format(where=where, place=where, clause=clause, code=code)


def _quote(finding: Finding, order: Order) -> str:
    """Return the words that name the service: in quotes as sent, else as they were looked for."""
    own = quoted(finding, order)
    return f'"{own}"' if own else str(finding.match.words)


def _place(match: Match) -> str:
    return match.place.value if match.place else "the order"
