"""The parts of the guide's StructureDefinition ext-coverage-information that say an answer, by version."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from cards.authorization import OnFile
from cards.coding import CodeSystems, Coding
from cards.coverage import CoverageProblem
from cards.coverage_terms import DETAIL_CATEGORIES, Detail
from cards.decision import Basis, Decision
from cards.matching.match import Strength
from cards.policy import Covered, PolicyCode
from cards.response.codings import write_coding
from cards.response.doubts import quoted
from cards.response.options import ResponseOptions
from cards.response.terms import ask_authorization
from cards.response.versions import TEMPORARY, WireVersion
from cards.response.wording import NOT_LOOKED_UP, explain, instruct

Part = dict[str, Any]

#: Documentation that a supporting hook SHALL NOT ask for (CRD-167, hook-19).
_BOTH: Final = frozenset({"clinical", "admin"})

#: What says that documentation may be needed: on a supporting hook, which may ask for little, it is not said.
_OPEN: Final = frozenset({"conditional", "indeterminate"})


def write_answer(decision: Decision, options: ResponseOptions, code_systems: CodeSystems) -> tuple[Any, ...]:
    """Return the parts that say the answer; those of a policy are written once for all orders they are the same for,
    which saves a fifth of the work on a call.

    What is kept holds nothing of any order but terms of the vocabulary, as they were spelled.
    """
    if decision.authorization or not decision.is_sure or any(finding.match.doubt for finding in decision.findings):
        # what is in doubt, or not understood, is told with the order's own words and codes, which are not kept; nor are
        # numbers of authorizations
        return tuple(_answer(decision, options, code_systems))
    rests_on = [(f.version, f.match, quoted(f, decision.order), f.facts) for f in decision.findings]
    told = decision.outcome.reason
    key = (decision.covered, decision.payer, told, options.wire, options.primary_hook, *rests_on)
    written: tuple[orjson.Fragment, ...] = code_systems.write_once(
        key, lambda: tuple(orjson.Fragment(orjson.dumps(part)) for part in _answer(decision, options, code_systems))
    )
    depends = [reference for finding in decision.findings for reference in finding.dependencies]
    if not depends:
        return written
    return (*written, *_each("dependency", "valueReference", [{"reference": one} for one in dict.fromkeys(depends)]))


def _answer(decision: Decision, options: ResponseOptions, code_systems: CodeSystems) -> Iterator[Part]:
    wire = options.wire
    covered = wire.indeterminate if decision.covered is Covered.INDETERMINATE else decision.covered.value
    yield {"url": "covered", "valueCode": covered}
    pa_needed = _pa_needed(decision, wire)
    if pa_needed:
        yield {"url": "pa-needed", "valueCode": pa_needed}
    on_file = decision.authorization
    documents = _documents(decision, options)
    yield from _documentation(decision, documents, wire)
    if "conditional" in (covered, pa_needed, *documents):  # crd-ci-q3: if and only if something is conditional
        yield from ({"url": "info-needed", "valueCode": code} for code in _info_needed(decision, wire))
    for code in _billing_codes(decision):
        yield {"url": "billingCode", "valueCoding": write_coding(code, code_systems)}
    for number, text in enumerate((*explain(decision), *_unsayable(decision, options))):
        yield {"url": "reason", "valueCodeableConcept": {**_reason_code(decision, number, wire), "text": text}}
    yield from _authorization_reasons(on_file, wire) if on_file else ()
    for detail in _details(decision, wire):
        yield {"url": "detail", "extension": list(_detail(detail, wire))}
    if documents:
        yield from _each("questionnaire", "valueCanonical", _terms(decision, "questionnaires"))
    if on_file and on_file.satisfied_by:  # crd-ci-q5
        yield {"url": "satisfied-pa-id", "valueString": on_file.satisfied_by.number}
    yield from _contacts(decision, wire)


def _authorization_reasons(on_file: OnFile, wire: WireVersion) -> Iterator[Part]:
    """Yield which authorizations were looked at in vain, or that none could be (resp-43)."""
    for text in on_file.looked_at:
        yield {"url": "reason", "valueCodeableConcept": {"text": text}}
    if on_file.has_failed:
        code = _coding("technical", wire)
        yield {"url": "reason", "valueCodeableConcept": {**code, "text": NOT_LOOKED_UP}}


def _each(url: str, member: str, values: Iterable[Any]) -> Iterator[Part]:
    yield from ({"url": url, member: value} for value in values)


def _pa_needed(decision: Decision, wire: WireVersion) -> str | None:
    if decision.covered is Covered.NOT_COVERED:
        return wire.not_covered_pa_needed
    if decision.covered is Covered.INDETERMINATE:
        return None if wire.indeterminate == "indeterminate" else wire.conditional_pa_needed
    needed = decision.pa_needed if decision.is_sure else None
    if needed == "indeterminate":
        return wire.indeterminate
    return needed or wire.conditional_pa_needed


def _terms(decision: Decision, name: str) -> tuple[Any, ...]:
    """Return one kind of term of all policies that give the answer, each once; in doubt none of them holds."""
    if not decision.is_sure or decision.covered is Covered.NOT_COVERED:
        return ()
    found = (term for f in decision.findings for term in getattr(f.version.terms_of_coverage, name))
    return tuple(dict.fromkeys(found))


def _documents(decision: Decision, options: ResponseOptions) -> frozenset[str]:
    """Return the documentation that may be asked for here; where one code is all there is room for, the surest."""
    wire = options.wire
    named = (wire.indeterminate if code == "indeterminate" else code for code in _terms(decision, "documents"))
    documents = frozenset(named) & wire.documentation_codes
    if not options.primary_hook:
        return documents - _BOTH - _OPEN
    return documents - _OPEN if wire.both_documents and documents & _BOTH else documents


def _documentation(decision: Decision, documents: frozenset[str], wire: WireVersion) -> Iterator[Part]:
    if not documents:
        return
    both = wire.both_documents if documents >= _BOTH else None
    yield from _each("doc-needed", "valueCode", [both] if both else sorted(documents))
    purposes = (p for p in _terms(decision, "purposes") if wire.documents_withpa or p != "withpa")
    yield from _each("doc-purpose", "valueCode", purposes)


def _unsayable(decision: Decision, options: ResponseOptions) -> Iterator[str]:
    """Yield in words what this version has no code for: documentation by the patient, before 2.1."""
    for document in _terms(decision, "documents"):
        if options.primary_hook and document not in options.wire.documentation_codes | _OPEN:
            yield f"Documentation is needed ({document})."


def _info_needed(decision: Decision, wire: WireVersion) -> tuple[str, ...]:
    if decision.basis is Basis.POLICY and not decision.is_sure:
        return ("detail-code",) if wire.detail_code_place == "info-needed" else ("OTH",)
    if decision.problem is CoverageProblem.UNSURE_DAY:
        return ("timeframe",)
    asked = _terms(decision, "info_needed")
    if wire.detail_code_place != "info-needed":
        asked = tuple(dict.fromkeys("OTH" if code == "detail-code" else code for code in asked))
    return asked or ("OTH",)


def _reason_code(decision: Decision, number: int, wire: WireVersion) -> Part:
    """Return the coding of one of the reasons where the version has one that fits: the code is too coarse, a failure,
    or what the policy gives as the reason for what is said of prior authorization.
    """
    code = None
    if decision.basis is Basis.TECHNICAL:
        code = "technical"
    elif decision.basis is Basis.COVERAGE:
        code = decision.outcome.reason_code
    elif decision.basis is Basis.POLICY and not decision.is_sure:
        code = "detail-code"
    elif decision.basis is Basis.POLICY and number < len(decision.findings):
        version = decision.findings[number].version
        code = version.reason if version.pa_needed == decision.pa_needed else None
    return _coding(code, wire)


def _coding(code: str | None, wire: WireVersion) -> Part:
    return {"coding": [{"system": TEMPORARY, "code": code}]} if code in wire.reason_codes else {}


def _billing_codes(decision: Decision) -> tuple[PolicyCode, ...]:
    """The codes the answer holds for: those the policies name the service by. None for a conditional answer."""
    if decision.basis is not Basis.POLICY or decision.covered is Covered.CONDITIONAL:
        return ()
    codes: dict[Coding, PolicyCode] = {}
    for finding in decision.findings:
        matched = finding.match.coding
        named = [matched] if matched and finding.match.strength is Strength.DEFINITIVE else []
        for code in named or finding.version.definitive.values():
            codes.setdefault(code.coding, code)
    return tuple(codes.values())


def _details(decision: Decision, wire: WireVersion) -> Iterator[Detail]:
    """Yield the limits of the answer (CRD-262, resp-30), the policy it rests on, and what to do about a doubt."""
    yield from _terms(decision, "details")
    yield from _network(decision, wire)
    if not wire.explains_in_details:
        return
    for finding in decision.findings if decision.basis is Basis.POLICY else ():
        yield Detail(
            "policy-link",
            {"valueUrl": decision.payer.policy_links.get(finding.policy.id, finding.version.guideline.url)},
            f"Basis of this answer: {finding.version.citation}",
        )
    for text in (*instruct(decision), *ask_authorization(decision)):
        yield Detail("instructions", {"valueString": text})


def _network(decision: Decision, wire: WireVersion) -> Iterator[Detail]:
    """Yield, where the version has no reason for it, the detail that authorization is needed out of network only."""
    reasons = (finding.version.reason for finding in decision.findings) if decision.is_sure else ()
    if wire.tells_network_in_detail and "auth-out-network" in reasons:
        yield Detail("auth-out-network-only", {"valueBoolean": True})


def _detail(detail: Detail, wire: WireVersion) -> Iterator[Part]:
    if wire.detail_category:
        yield {"url": "category", "valueCode": DETAIL_CATEGORIES[detail.code]}
    coding = [{"system": system, "code": detail.code} for system in wire.detail_systems]
    yield {"url": "code", "valueCodeableConcept": {"coding": coding}}
    yield {"url": "value", **detail.value}
    if detail.qualification:
        yield {"url": "qualification", "valueString": detail.qualification}


def _contacts(decision: Decision, wire: WireVersion) -> Iterator[Part]:
    """Yield whom to ask about this answer: a desk of the policy's own, never the payer's general number."""
    for finding in decision.findings:
        contact = decision.payer.policy_contacts.get(finding.policy.id)
        if contact is None:
            continue
        points = [{"system": system, "value": value} for system, value in contact.telecom]
        if wire.contact_type == "ContactPoint":
            yield from _each("contact", "valueContactPoint", points)
        else:
            name = {"name": contact.name} if contact.name else {}
            yield {"url": "contact", "valueContactDetail": {**name, "telecom": points}}
