"""Why an order was decided as it was, as a page shows it: the steps, and the order with its deciding words marked."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from cards import Decision, Order, explain
from cards.conditions import Fact
from cards.matching.match import Finding, Span
from cds_hooks.answering.trace import Explanation, Steps, tell_basis
from cds_hooks.console.wording import BASES

#: A step about words names the term and the element that has it.
_WORDS: Final = re.compile(r'"(?P<term>.+)" in (?P<path>[^:\s]+): ')


#: A step about the words that decide names the element and its characters.
_CHARACTERS: Final = re.compile(r"(?P<path>.+), characters (?P<start>\d+) to (?P<end>\d+)")


class Step(NamedTuple):
    """One rule that an order went through, and what it found."""

    rule: str
    found: str


class PolicySteps(NamedTuple):
    """What one policy came to: as people cite it, and the rules it was asked by."""

    citation: str
    steps: tuple[Step, ...]
    is_match: bool


class Text(NamedTuple):
    """Words of the order: what they are, where they stand, and in pieces, each with why it is marked (`_KINDS`)."""

    name: str
    path: str
    pieces: tuple[tuple[str, str], ...]


class Code(NamedTuple):
    """A code of the order, where it stands, and whether the decision rests on it."""

    system: str
    code: str
    path: str
    decides: bool


class Stated(NamedTuple):
    """What an order states besides codes and words: what that is called, and what stands there."""

    name: str
    value: str


class PolicyShown(NamedTuple):
    """A policy that the answer rests on, with its version and from when to when that is in force."""

    id: str
    citation: str
    covered: str
    verdict: str
    strength: str
    path: str
    start: date | None
    end: date | None


class Why(NamedTuple):
    """One order, the answer, and everything that led there."""

    title: str
    payer: str
    day: date | None
    covered: str | None
    basis: str
    reasons: tuple[str, ...]
    policies: tuple[PolicyShown, ...]
    first: tuple[Step, ...]
    asked: tuple[PolicySteps, ...]
    last: tuple[Step, ...]
    codes: tuple[Code, ...]
    texts: tuple[Text, ...]
    stated: tuple[Stated, ...]


def tell_why(explanation: Explanation, on: date) -> Why:
    """Return what a page says of how an order was decided."""
    order, decision = explanation.order, explanation.decision
    first, asked, last = _group(_quote(explanation.steps, order))
    return Why(
        title=order.title or f"{order.resource_type} without a name",
        payer=explanation.paying.payer.name,
        day=order.day_of_service(on),
        covered=decision.covered.value if decision else None,
        basis=(tell_basis(decision) or BASES[decision.basis.name]) if decision else "the order asks for nothing",
        reasons=tuple(_reasons(decision)) if decision else (),
        policies=tuple(_policies(decision)) if decision else (),
        first=first,
        asked=asked,
        last=last,
        codes=tuple(_codes(order, decision)),
        texts=tuple(_texts(order, list(_marks(explanation)))),
        stated=tuple(_stated(explanation)),
    )


#: What is shown of an order besides its codes and words, where it says so: nothing of the patient.
_STATED: Final = (
    (Fact.PLACE, "Place of service"),
    (Fact.ORDERED_BY, "Ordered by NPI"),
    (Fact.PERFORMED_BY, "Performed by NPI"),
)


def _stated(explanation: Explanation) -> Iterator[Stated]:
    circumstances = explanation.circumstances
    if circumstances:
        yield from (Stated(name, code) for fact, name in _STATED for code in sorted(circumstances.codes(fact)))


def _reasons(decision: Decision) -> Iterator[str]:
    """Yield the reasons of the answer, and which authorizations were looked at in vain."""
    yield from explain(decision)
    yield from decision.authorization.looked_at if decision.authorization else ()


def _policies(decision: Decision) -> Iterator[PolicyShown]:
    for finding in decision.findings:
        version = finding.version
        yield PolicyShown(
            id=finding.policy.id,
            citation=version.citation,
            covered=version.covered.value,
            verdict=version.verdict,
            strength=finding.match.strength.value,
            path=finding.path,
            start=version.start,
            end=version.end,
        )


def _quote(steps: Steps, order: Order) -> Steps:
    """Return steps that name words by their characters with the words themselves."""
    texts = {text.path: text.text for text in order.texts}

    def quote(rule: str, found: str) -> tuple[str, str]:
        named = _CHARACTERS.fullmatch(found) if rule == "deciding words" else None
        if named is None or named["path"] not in texts:
            return rule, found
        return rule, f"“{texts[named['path']][int(named['start']) : int(named['end'])]}” in {named['path']}"

    return tuple(quote(*step) for step in steps)


def _group(steps: Steps) -> tuple[tuple[Step, ...], tuple[PolicySteps, ...], tuple[Step, ...]]:
    """Return the steps before any policy is asked, those of each policy, and those after."""
    first: list[Step] = []
    asked: list[PolicySteps] = []
    last: list[Step] = []
    within: list[Step] | None = None
    for rule, found in steps:
        if rule == "in force":
            within = []
            asked.append(PolicySteps(found, (), is_match=False))
        elif within is None:
            (last if asked else first).append(Step(rule, found))
        else:
            within.append(Step(rule, found))
            asked[-1] = asked[-1]._replace(steps=tuple(within), is_match=rule == "match")
            within = None if rule in ("match", "no match") else within
    return tuple(first), tuple(asked), tuple(last)


def _codes(order: Order, decision: Decision | None) -> Iterator[Code]:
    deciding = {finding.path for finding in decision.findings} if decision else set()
    for found in order.codings:
        yield Code(found.coding.system, found.coding.code, found.path, found.path in deciding)


class _Marked(NamedTuple):
    """A stretch of an order's text, and why it is marked."""

    span: Span
    kind: str


#: Why words are marked: a later one goes over an earlier one.
_KINDS: Final = ("named", "doubt", "decides")


def _marks(explanation: Explanation) -> Iterator[_Marked]:
    """Yield the characters that decided, the clauses that leave a doubt, and the terms that the steps name."""
    for finding in explanation.decision.findings if explanation.decision else ():
        doubted = set(_doubted(finding, explanation.order))
        yield from (_Marked(span, "decides") for span in finding.deciding if span not in doubted)
        yield from (_Marked(span, "doubt") for span in doubted)
    yield from (_Marked(span, "named") for span in _named(explanation))


def _doubted(finding: Finding, order: Order) -> Iterator[Span]:
    """Yield where the clause stands that leaves a doubt; the deciding words may be a part of it."""
    clause = finding.match.doubt.clause if finding.match.doubt else None
    if clause is None:
        return
    for text in order.texts:
        at = text.text.find(clause.words) if text.place is clause.place else -1
        if at >= 0:
            yield Span(text.path, at, at + len(clause.words))


def _named(explanation: Explanation) -> Iterator[Span]:
    found = [_WORDS.match(step[1]) for step in explanation.steps if step[0] == "words"]
    for term, path in dict.fromkeys((match["term"], match["path"]) for match in found if match):
        written = re.compile(r"[\W_]+".join(map(re.escape, re.findall(r"\w+", term))) or r"(?!)", re.IGNORECASE)
        for text in explanation.order.texts:
            if text.path == path:
                yield from (Span(path, *hit.span()) for hit in written.finditer(text.text))


def _texts(order: Order, marks: Sequence[_Marked]) -> Iterator[Text]:
    for text in order.texts:
        own = [mark for mark in marks if mark.span.path == text.path]
        yield Text(text.place.value, text.path, tuple(_cut(text.text, own)))


def _cut(text: str, marks: Iterable[_Marked]) -> Iterator[tuple[str, str]]:
    """Yield a text in pieces, each with why it is marked, or nothing."""
    kinds = [""] * len(text)
    for span, kind in sorted(marks, key=lambda mark: _KINDS.index(mark.kind)):
        start, end = max(span.start, 0), min(span.end, len(text))
        kinds[start:end] = [kind] * len(kinds[start:end])
    at = 0
    for kind, run in groupby(kinds):
        length = sum(1 for _ in run)
        yield text[at : at + length], kind
        at += length
