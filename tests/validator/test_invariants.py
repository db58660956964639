"""What the published invariants of coverage information really say, by HL7's FHIRPath engine.

Each test asks the engine about hand-made extensions, many on one ServiceRequest. Only the invariants count here: other
rules, such as the value sets, are broken on purpose to reach every branch of the expressions.
"""

import random
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.guide.conformance import broken_invariants
from tests.guide.definitions import read_guide
from tests.validator.examples import COVERAGE_INFORMATION
from tests.validator.validator_process import Validator
from tests.validator.verdict import TEMPORARY, VERSIONS

Part = dict[str, Any]

_AT = re.compile(r"ServiceRequest\.extension\[(\d+)\]")
_KEY = re.compile(rf"{re.escape(COVERAGE_INFORMATION)}#(crd-ci-q\d)")


def extension(*parts: Part) -> dict[str, Any]:
    return {"url": COVERAGE_INFORMATION, "extension": list(parts)}


def code(url: str, value: str) -> Part:
    return {"url": url, "valueCode": value}


def reason(**concept: Any) -> Part:
    return {"url": "reason", "valueCodeableConcept": concept}


def coded_reason(value: str) -> Part:
    return reason(coding=[{"system": TEMPORARY, "code": value}])


def failed(validator: Validator, version: str, *extensions: dict[str, Any]) -> list[list[str]]:
    """Return the keys of the invariants that each extension fails by HL7's engine."""
    order = {"resourceType": "ServiceRequest", "status": "draft", "intent": "order", "extension": extensions}
    keys: list[set[str]] = [set() for _ in extensions]
    for found in validator.validate(version, {**order, "subject": {"reference": "Patient/1"}}):
        if key := _KEY.fullmatch(found.id or ""):
            at = _AT.fullmatch(found.location or "")
            assert at, found
            keys[int(at[1])].add(key[1])
    return [sorted(found) for found in keys]


@pytest.mark.parametrize("covered", ["covered", "not-covered", "conditional"])
def test_the_invariant_crd_ci_q2_of_2_0_fails_without_pa_needed_whatever_is_covered(
    covered: str, validator: Validator
) -> None:
    """Its words ("if not-covered, pa-needed should not exist") say the opposite of what its expression demands.

    `extension.where(url = 'covered' and value != 'not-covered') implies extension.where(url = 'pa-needed').exists()`:
    where the left side is empty and the right side false, the result is empty, and HL7's engine fails an empty result.
    """
    answer = code("covered", covered)

    without, *with_pa_needed = failed(
        validator,
        "2.0",
        extension(answer),
        *(extension(answer, code("pa-needed", value)) for value in ("no-auth", "auth-needed", "performpa")),
    )

    assert without == ["crd-ci-q2"]
    assert with_pa_needed == [[], [], []]


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_the_invariant_crd_ci_q2_of_2_1_and_2_2_fails_with_pa_needed_beside_not_covered(
    version: str, validator: Validator
) -> None:
    """Here the expression says what the words say."""
    cases = [("not-covered", True), ("not-covered", False), ("covered", True), ("covered", False)]

    found = failed(
        validator,
        version,
        *(extension(code("covered", covered), *[code("pa-needed", "no-auth")] * has) for covered, has in cases),
    )

    assert found == [["crd-ci-q2"], [], [], []]


@pytest.mark.parametrize(("version", "purpose"), [("2.0", "PA"), ("2.1", "withpa"), ("2.2", "withpa")])
def test_the_invariant_crd_ci_q4_fails_whatever_pa_needed_says(
    version: str, purpose: str, validator: Validator
) -> None:
    """It is about 'satisfied', but with another pa-needed its left side is empty, so only its right side counts.

    In 2.0 it speaks of `PA`, a code that is not in the value set, and so never fails on a valid extension.
    """
    beside = (code("covered", "covered"), reason(text="why"), code("doc-needed", "clinical"))

    found = failed(
        validator,
        version,
        extension(*beside, code("pa-needed", "auth-needed"), code("doc-purpose", purpose)),
        extension(*beside, code("pa-needed", "auth-needed"), code("doc-purpose", "withclaim")),
        extension(*beside, code("pa-needed", "auth-needed")),
    )

    assert found == [["crd-ci-q4"], [], []]


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_the_invariant_crd_ci_q3_of_2_1_and_2_2_demands_info_needed_beside_conditional_only(
    version: str, validator: Validator
) -> None:
    """Its words say "if and only if"; info-needed beside an answer that is not conditional passes."""
    info = code("info-needed", "performer")

    found = failed(
        validator,
        version,
        extension(code("covered", "conditional")),
        extension(code("covered", "conditional"), info),
        extension(code("covered", "covered"), info),
    )

    assert found == [["crd-ci-q3"], [], []]


def test_the_invariant_crd_ci_q3_of_2_0_allows_info_needed_beside_conditional_only(validator: Validator) -> None:
    """The other direction: conditional without info-needed passes."""
    info, no_auth = code("info-needed", "performer"), code("pa-needed", "no-auth")

    found = failed(
        validator,
        "2.0",
        extension(code("covered", "conditional"), no_auth),
        extension(code("covered", "conditional"), no_auth, info),
        extension(code("covered", "covered"), no_auth, info),
    )

    assert found == [[], [], ["crd-ci-q3"]]


#: What stands for each part of an extension; one of each list makes an extension.
CHOICES: Sequence[Sequence[Sequence[Part]]] = (
    [[], *([code("covered", value)] for value in ("covered", "not-covered", "conditional", "indeterminate"))],
    [[], *([code("pa-needed", value)] for value in ("no-auth", "noauth", "satisfied", "conditional", "not-covered"))],
    [[], [{"url": "satisfied-pa-id", "valueString": "1"}]],
    [
        [],
        *([code("doc-needed", value)] for value in ("clinical", "no-doc", "conditional", "indeterminate")),
        [code("doc-needed", "clinical"), code("doc-needed", "no-doc")],
    ],
    [
        [],
        *([code("doc-purpose", value)] for value in ("withpa", "PA", "withclaim", "conditional")),
        [code("doc-purpose", "withclaim"), code("doc-purpose", "withpa")],
    ],
    [[], *([code("info-needed", value)] for value in ("performer", "OTH", "Other"))],
    [
        [],
        [reason(text="why")],
        [coded_reason("gold-card")],
        [coded_reason("technical")],
        [coded_reason("x"), coded_reason("gold-card")],
        [reason(text="why"), coded_reason("x")],
    ],
    [
        [],
        [{"url": "questionnaire", "valueCanonical": "http://a.example/form"}],
        [{"url": "response", "valueReference": {"reference": "QuestionnaireResponse/1"}}],
    ],
)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_reading_in_tests_guide_agrees_with_hl7s_engine(version: str, validator: Validator) -> None:
    """tests/guide decides the invariants wherever there is no Java: on these it decides every one of them alike."""
    draw = random.Random(7)  # noqa: S311 - a sample
    sample = [extension(*(part for choice in CHOICES for part in draw.choice(choice))) for _ in range(200)]

    found = failed(validator, version, *sample)

    assert found == [sorted(broken_invariants(version, one)) for one in sample]
    for invariant in read_guide(version).invariants:
        assert 0 < sum(invariant.key in keys for keys in found) < len(sample), f"{invariant.key} is not told apart"
