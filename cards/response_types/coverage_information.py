"""Coverage Information: the answer written onto the order, for the machine (CRD 2.0.1, ext-coverage-information).

It is only ever a system action `update` of the whole order, never a card. The order travels back as received:
its own bytes are kept member by member, so decimals, unknown members and contained resources do not change.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
import orjson

from cards.card import SystemAction
from cards.coding import CodeSystems, Coding
from cards.coverage import same_reference
from cards.decision import Basis, Decision
from cards.match import Strength
from cards.policy import Covered, PolicyCode
from cards.versions import WireVersion
from cards.wording import explain, summarise

URL: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: What may differ between two annotations that say the same.
_INCIDENTAL: Final = frozenset({"date", "coverage-assertion-id"})

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def build(
    decision: Decision,
    order: bytes,
    number: int,
    wire: WireVersion,
    code_systems: CodeSystems,
    derive_id: Callable[..., str],
) -> SystemAction | None:
    """Build the action that writes the decision onto `order`, its JSON text; None where nothing is new.

    Without a Coverage there is nothing to refer to, and without an id no order to update: None.
    """
    coverage = decision.coverage.reference if decision.coverage else None
    if coverage is None or not is_possible(decision):
        return None
    policies = [finding.version.key for finding in decision.findings]
    assertion = derive_id("assertion", str(number), coverage, *policies)
    extension = _write(decision, coverage, assertion, _answer(decision, wire, code_systems))
    annotated = annotate(order, extension, coverage)
    return SystemAction(_describe(decision), annotated) if annotated else None


def is_possible(decision: Decision) -> bool:
    """Tell whether there is a Coverage to refer to and an order that can be updated."""
    order, coverage = decision.order, decision.coverage
    has_extensions_in_order = not any(fault.path == f"{order.resource_type}.extension" for fault in order.faults)
    return bool(coverage and coverage.reference and order.id and has_extensions_in_order)


def annotate(order: bytes, extension: bytes, coverage: str) -> bytes | None:
    """Return the order with the coverage information in place of our former one, other payers' untouched.

    None where the order already says the same for this coverage: repeating it is SHALL NOT in every version.
    """
    members = _MEMBERS.decode(order) if b'"extension"' in order or b"\\u" in order else {}
    if "extension" not in members:
        return b'%b,"extension":[%b]}' % (order[:-1].rstrip(), extension)
    kept: list[msgspec.Raw] = []
    present = bytes(members["extension"])
    for raw in [] if present == b"null" else _LIST.decode(present):
        former = msgspec.json.decode(raw)
        if not _is_ours(former, coverage):
            kept.append(raw)
        elif _content(former) == _content(msgspec.json.decode(extension)):
            return None
    members["extension"] = msgspec.Raw(msgspec.json.encode([*kept, msgspec.Raw(extension)]))
    return msgspec.json.encode(members)


def _is_ours(extension: Any, coverage: str) -> bool:
    if not isinstance(extension, dict) or extension.get("url") != URL:
        return False
    for part in _parts(extension):
        reference = part.get("valueReference")
        if part.get("url") == "coverage" and isinstance(reference, dict):
            return same_reference(str(reference.get("reference")), coverage)
    return False


def _content(extension: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for part in _parts(extension) if str(part.get("url")) not in _INCIDENTAL]


def _parts(extension: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = extension.get("extension")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _write(decision: Decision, coverage: str, assertion: str, answer: tuple[Any, ...]) -> bytes:
    """Return the extension's JSON: whose coverage, what is said of it, since when and under which id."""
    parts = (
        {"url": "coverage", "valueReference": {"reference": coverage}},
        *answer,
        {"url": "date", "valueDate": decision.on},
        {"url": "coverage-assertion-id", "valueString": assertion},
    )
    return orjson.dumps({"url": URL, "extension": parts})


def _answer(decision: Decision, wire: WireVersion, code_systems: CodeSystems) -> tuple[Any, ...]:
    """Return the parts that say the answer; those of a policy are written once for all orders they are the same for."""
    if not decision.is_sure:  # what is in doubt may rest on codes of the order, which are not kept
        return tuple(_answer_parts(decision, wire, code_systems))
    rests_on = [(finding.version, finding.match) for finding in decision.findings]
    key = (decision.covered, decision.payer, decision.payer_is_known, wire.name, *rests_on)
    written = _written.get(key)
    if written is None:
        written = tuple(orjson.Fragment(orjson.dumps(p)) for p in _answer_parts(decision, wire, code_systems))
        if len(_written) < _MOST_WRITTEN:
            _written[key] = written
    return written


#: Answers written before. They hold nothing of any order but terms of the vocabulary.
_written: Final[dict[tuple[Any, ...], tuple[orjson.Fragment, ...]]] = {}
_MOST_WRITTEN: Final = 10_000


def _answer_parts(decision: Decision, wire: WireVersion, code_systems: CodeSystems) -> Iterator[dict[str, Any]]:
    yield {"url": "covered", "valueCode": decision.covered}
    yield from _conditions(decision, wire)
    for code in _billing_codes(decision):
        yield {"url": "billingCode", "valueCoding": _coding(code, code_systems)}
    for text in explain(decision):
        yield {"url": "reason", "valueCodeableConcept": {**_reason_code(decision, wire), "text": text}}


def _reason_code(decision: Decision, wire: WireVersion) -> dict[str, Any]:
    """CRD 2.0.1 has one code that fits a policy in doubt: the ordered code is too coarse to be judged."""
    if decision.basis is Basis.POLICY and decision.covered is Covered.CONDITIONAL and not decision.is_sure:
        return {"coding": [{"system": wire.detail_system, "code": "detail-code"}]}
    return {}


def _conditions(decision: Decision, wire: WireVersion) -> Iterator[dict[str, Any]]:
    pa_needed = _pa_needed(decision, wire)
    if pa_needed:
        yield {"url": "pa-needed", "valueCode": pa_needed}
    if decision.covered is Covered.CONDITIONAL:
        # crd-ci-q3: info-needed belongs to a conditional answer; OTH is explained by the reason.
        yield {"url": "info-needed", "valueCode": "OTH"}


def _pa_needed(decision: Decision, wire: WireVersion) -> str | None:
    match decision.covered:
        case Covered.NOT_COVERED:
            return wire.not_covered_pa_needed
        case Covered.CONDITIONAL:
            return _strictest_pa(decision) if decision.is_sure else wire.conditional_pa_needed
        case Covered.COVERED:
            return _strictest_pa(decision)


#: Prior authorization from the strictest down: of several policies the stricter counts.
_PA_STRICTNESS: Final = ("auth-needed", "performpa", "conditional", "no-auth")


def _strictest_pa(decision: Decision) -> str | None:
    needed = {finding.version.pa_needed or "conditional" for finding in decision.findings}
    return min(needed, key=_PA_STRICTNESS.index)


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


def _coding(code: PolicyCode, code_systems: CodeSystems) -> dict[str, str]:
    return {
        "system": code_systems.uri(code.coding.system),
        "code": code.coding.code,
        "display": code.display,
    }


def _describe(decision: Decision) -> str:
    if decision.findings:
        said = summarise(decision.findings[0], decision.covered)
    elif decision.basis is Basis.UNREADABLE:
        said = "coverage cannot be told, the order could not be read completely"
    else:
        said = "not evaluated by this service"
    return f"Write {decision.payer.name} coverage information onto the order: {said}"
