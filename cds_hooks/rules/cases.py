"""The cases of a policy: what it should answer, as data, and what it does answer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from cards import ORDER_TYPES, Circumstances, CodeSystems, DocumentError, Payer, PayerChoice, Policy, decide, read_order
from cards.coverage_terms import CoverageTerms
from cards.matching.match import Finding
from cds_hooks.documents import Schema, load_schema, read_document
from cds_hooks.errors import StartError
from cds_hooks.rules.folders import SHIPPED
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.short_orders import write_in_full
from cds_hooks.strict_json import parse_json

_SCHEMA: Final = SHIPPED / "policies" / "policy-cases.schema.json"

#: What a policy answers about an order that is none of its business; the other answers are codes of `covered`.
NOTHING: Final = "nothing"


#: Stands for whichever payer a policy binds: a policy that is asked by itself answers the same under all of them.
ANY_PAYER: Final = Payer(
    id="any",
    name="Any payer",
    url=None,
    is_default=True,
    identifiers=frozenset(),
    types=(),
    names=frozenset(),
    policies=(),
    policy_links={},
    policy_contacts={},
)


class Case(NamedTuple):
    """One case of a policy; `path` is its JSON path in the cases file; what is None may be anything.

    `beside` are the other orders of the call.
    """

    path: str
    name: str
    on: date
    order: Mapping[str, Any]
    expect: str
    strength: str | None
    beside: tuple[Mapping[str, Any], ...] = ()
    pa_needed: str | None = None
    info_needed: tuple[str, ...] | None = None


class Answer(NamedTuple):
    """What one policy answers about one order, and the texts of that answer, by what each is.

    `as_written` adds the strength to the answer, as in "not-covered (stated)".
    """

    covered: str
    strength: str | None
    texts: Mapping[str, str]
    pa_needed: str | None = None
    info_needed: tuple[str, ...] | None = None

    @property
    def as_written(self) -> str:
        """The answer with its strength, for a person."""
        said = [self.covered, self.pa_needed or "", *(f"info-needed {code}" for code in self.info_needed or ())]
        answer = ", ".join(part for part in said if part)
        return f"{answer} ({self.strength})" if self.strength else answer


_SILENCE: Final = Answer(NOTHING, None, {})


@cache
def load_cases_schema() -> Schema:
    """Return the validator of cases files."""
    return load_schema(_SCHEMA)


def read_cases(path: Path, systems: CodeSystems) -> tuple[Case, ...]:
    """Return the cases of a file, orders written short spelled out; StartError says what is wrong where."""
    document = read_document(path, load_cases_schema())
    cases, faults = [], []
    for number, entry in enumerate(document["cases"]):
        try:
            cases.append(_read_case(number, entry, systems))
        except DocumentError as error:
            faults.append(f"{path}: {error.path}: {error.reason}")
    if faults:
        raise StartError("\n".join(faults))
    return tuple(cases)


def read_orders(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the orders of an NDJSON file with their line numbers; StartError names the line, never what it holds."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        raise StartError(f"{path}: cannot be read as UTF-8 text") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _read_order_line(line, f"{path}: line {number}")


def _read_order_line(line: str, where: str) -> Mapping[str, Any]:
    try:
        order = parse_json(line)
    except (ValueError, RecursionError):
        raise StartError(f"{where}: not JSON, or a duplicate key") from None
    if not isinstance(order, dict) or str(order.get("resourceType")) not in ORDER_TYPES:
        raise StartError(f"{where}: resourceType must be one of {', '.join(ORDER_TYPES)}")
    return order


def _read_case(number: int, entry: Mapping[str, Any], systems: CodeSystems) -> Case:
    path, on = f"$.cases[{number}]", date.fromisoformat(entry["on"])
    order = write_in_full(entry["order"], f"{path}.order", systems)
    beside = tuple(write_in_full(one, f"{path}.with[{n}]", systems) for n, one in enumerate(entry.get("with", ())))
    asked = tuple(entry["info-needed"]) if "info-needed" in entry else None
    said = entry["expect"], entry.get("strength"), beside, entry.get("pa-needed"), asked
    return Case(path, entry["name"], on, order, *said)


def answer_order(
    order: Mapping[str, Any], policy: str, on: date, rules: Rules, beside: Sequence[Mapping[str, Any]] = ()
) -> Answer:
    """Ask one policy alone about an order; a policy that the rules do not have answers nothing.

    `beside` are the other orders of the call. A Patient that the order contains as `#patient` is the call's.
    """
    if policy not in rules.index.policies:
        return _SILENCE
    paying = PayerChoice(None, replace(ANY_PAYER, policies=(policy,)), payer_is_known=True)
    resource, systems = {"resourceType": "ServiceRequest", "id": "o", **order}, rules.vocabulary.code_systems
    others = [{"resourceType": "ServiceRequest", "id": f"b{n}", **one} for n, one in enumerate(beside)]
    read = read_order(resource, systems)
    day, last_day = read.day_of_service(on), read.last_day_of_service(on)
    circumstances = Circumstances(
        (resource,),
        systems,
        lambda _: None,
        day,
        last_day,
        has_day=read.service_days is not None,
        patient="#patient",
        beside=lambda: [other for one in others if not (other := read_order(one, systems)).is_void],
    )
    decision = decide(read, paying, rules.index, on, circumstances=circumstances)
    if decision is None or not decision.findings:
        return _SILENCE
    finding = decision.findings[0]
    sure = decision.is_sure
    asked = finding.version.terms_of_coverage.info_needed if sure else ()
    return Answer(
        decision.covered.value,
        finding.match.strength.value,
        _texts(finding),
        finding.version.pa_needed if sure else None,
        asked,
    )


def is_as_expected(case: Case, answer: Answer) -> bool:
    """Tell whether an answer is what the case expects, in all that the case names."""
    if answer.covered != case.expect or case.strength not in (None, answer.strength):
        return False
    return case.pa_needed in (None, answer.pa_needed) and case.info_needed in (None, answer.info_needed)


def expectation(case: Case) -> str:
    """Return what a case expects as answers are written."""
    return Answer(case.expect, case.strength, {}, case.pa_needed, case.info_needed).as_written


def edge_days(policy: Policy) -> tuple[date, ...]:
    """Return the first days of the dated versions, a `null` that ends the policy among them."""
    return tuple(start for start in policy.starts if start != date.min)


def _terms(terms: CoverageTerms) -> str:
    """What a policy asks for besides its answer, as one line that changes when any of it does."""
    details = [f"{detail.code} {json.dumps(detail.value, sort_keys=True)}" for detail in terms.details]
    asked = (*terms.info_needed, *terms.documents, *terms.purposes, *terms.questionnaires)
    return "; ".join((*asked, *details, *terms.authorization))


def _texts(finding: Finding) -> dict[str, str]:
    """Everything the policy itself says in an answer; the link is the policy's own, not one a payer has set."""
    policy, version, regulated = finding.policy, finding.version, finding.match.regulated
    return {
        "service": finding.service,
        "verdict": version.verdict,
        "position": version.position,
        "notes": " ".join(version.notes),
        "next steps": " ".join(version.next_steps),
        "prior authorization": version.pa_needed or "",
        "terms": _terms(version.terms_of_coverage),
        "regulatory note": (version.inference.regulatory_note or "") if version.inference and regulated else "",
        "citation": version.citation,
        "link": f"{policy.name} ({policy.publisher}) {version.guideline.url}",
    }
