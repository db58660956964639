"""Mistakes in coverage information that the validator has to find: one that checked nothing would pass every example."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from tests.validator.examples import COVERAGE_INFORMATION, Written, read_written
from tests.validator.validator_process import Validator
from tests.validator.verdict import TEMPORARY, VERSIONS, new_faults

WRITTEN = read_written()


class Slip(NamedTuple):
    """A mistake in the coverage information, the rule that must find it (JSON has none), and words of the location or message."""

    make: Callable[[list[Any]], None]
    rule: str | None
    says: str
    versions: Sequence[str] = VERSIONS


def setting(url: str, **value: Any) -> Callable[[list[Any]], None]:
    """Give a part another value, or none."""

    def make(parts: list[Any]) -> None:
        at = [part["url"] for part in parts].index(url)
        parts[at] = {"url": url, **value}

    return make


def adding(url: str, **value: Any) -> Callable[[list[Any]], None]:
    return lambda parts: parts.append({"url": url, **value})


def dropping(url: str) -> Callable[[list[Any]], None]:
    return lambda parts: parts.remove(next(part for part in parts if part["url"] == url))


def detail(code: str, *, category: bool = True, **value: Any) -> Callable[[list[Any]], None]:
    concept = {"coding": [{"system": TEMPORARY, "code": code}]}
    parts = [{"url": "code", "valueCodeableConcept": concept}, {"url": "value", **value}]
    return adding("detail", extension=[{"url": "category", "valueCode": "cat-other"}, *parts] if category else parts)


MISSING_SLICE = "Validation_VAL_Profile_Minimum_SLICE"
TOO_MANY = "Validation_VAL_Profile_Maximum"
NOT_IN_SET = "Terminology_TX_NoValid_16"
WRONG_TYPE = "Extension_PROF_Type"
CI = f"{COVERAGE_INFORMATION}#crd-ci-q"

SLIPS = {
    "an unknown code": Slip(setting("covered", valueCode="coverd"), NOT_IN_SET, "ValueSet/coverageInfo"),
    "a code of 2.2": Slip(
        setting("covered", valueCode="indeterminate"), NOT_IN_SET, "ValueSet/coverageInfo", ["2.0", "2.1"]
    ),
    "the purpose that crd-ci-q4 of 2.0 means": Slip(
        adding("doc-purpose", valueCode="PA"), NOT_IN_SET, "ValueSet/DocReason"
    ),
    "an unknown information": Slip(
        adding("info-needed", valueCode="performr"), NOT_IN_SET, "ValueSet/informationNeeded"
    ),
    "a code as a string": Slip(setting("covered", valueString="covered"), WRONG_TYPE, "found type string"),
    "a date with a time": Slip(
        setting("date", valueDateTime="2026-11-23T00:00:00Z"), WRONG_TYPE, "found type dateTime"
    ),
    "no such day": Slip(setting("date", valueDate="2026-11-31"), "Type_Specific_Checks_DT_Date_Valid", "2026-11-31"),
    "no date": Slip(dropping("date"), MISSING_SLICE, "'Extension.extension:date'"),
    "two dates": Slip(adding("date", valueDate="2026-11-23"), TOO_MANY, "Extension.extension:date: max allowed = 1"),
    "no coverage": Slip(dropping("coverage"), MISSING_SLICE, "'Extension.extension:coverage'"),
    "no id": Slip(dropping("coverage-assertion-id"), MISSING_SLICE, "'Extension.extension:coverage-assertion-id'"),
    "an empty id": Slip(
        setting("coverage-assertion-id", valueString=""),
        "Type_Specific_Checks_DT_Primitive_NotEmpty",
        "cannot be empty",
    ),
    "a number as id": Slip(setting("coverage-assertion-id", valueString=7), None, "must be a string"),
    "no value": Slip(setting("covered"), "Validation_VAL_Profile_Minimum", "Extension.extension:covered.value[x]"),
    "a patient as coverage": Slip(
        setting("coverage", valueReference={"reference": "Patient/1"}), "Reference_REF_BadTargetType2", "'Patient'"
    ),
    "an unknown part": Slip(
        adding("coverd", valueCode="covered"), "Extension_EXT_SubExtension_Invalid", "Sub-extension url 'coverd'"
    ),
    "a part of 2.1": Slip(
        adding("expiry-date", valueDate="2027-01-01"), "Extension_EXT_SubExtension_Invalid", "'expiry-date'", ["2.0"]
    ),
    "an unknown reason": Slip(
        adding("reason", valueCodeableConcept={"coding": [{"system": TEMPORARY, "code": "gold-kard"}]}),
        "Terminology_TX_NoValid_2_CC",
        "ValueSet/coverageAssertionReasons",
    ),
    "an unknown detail": Slip(
        detail("policy-lnk", valueString="x"), "Terminology_TX_NoValid_2_CC", "ValueSet/coverageDetail"
    ),
    "a detail of the wrong type": Slip(
        detail("instructions", valueInteger=3), "Validation_VAL_Profile_NoType", "valueInteger"
    ),
    "a link in 2.0": Slip(
        detail("allowed-quantity", valueUrl="http://a.example"), "Validation_VAL_Profile_NoType", "valueUrl", ["2.0"]
    ),
    "a detail without category": Slip(
        detail("policy-link", category=False, valueString="x"),
        MISSING_SLICE,
        "'Extension.extension:detail.extension:category'",
        ["2.2"],
    ),
    "the contact of 2.1": Slip(
        adding("contact", valueContactPoint={"system": "phone", "value": "1"}),
        WRONG_TYPE,
        "found type ContactPoint",
        ["2.2"],
    ),
    "the contact of 2.2": Slip(
        adding("contact", valueContactDetail={"name": "Desk"}), WRONG_TYPE, "found type ContactDetail", ["2.0", "2.1"]
    ),
    "a form without need": Slip(
        adding("questionnaire", valueCanonical="http://a.example/q"), f"{CI}1", "Questionnaire"
    ),
    "an authorization by the way": Slip(adding("satisfied-pa-id", valueString="1"), f"{CI}5", "satisfied-pa-id"),
}


def not_covered(version: str) -> Written:
    """A ServiceRequest of an example that is not covered."""
    of_version = (one for one in WRITTEN if (one.version, one.resource["resourceType"]) == (version, "ServiceRequest"))
    return next(one for one in of_version if {"url": "covered", "valueCode": "not-covered"} in parts_of(one))


def parts_of(written: Written) -> list[Any]:
    [extension] = [one for one in written.resource["extension"] if one["url"] == COVERAGE_INFORMATION]
    return list(extension["extension"])


@pytest.mark.parametrize(
    ("version", "slip"),
    [pytest.param(version, slip, id=f"{version} {name}") for name, slip in SLIPS.items() for version in slip.versions],
)
def test_a_slip_in_coverage_information_is_found(version: str, slip: Slip, validator: Validator) -> None:
    written = not_covered(version)
    parts = parts_of(written)
    slip.make(parts)
    resource = {**written.resource, "extension": [{"url": COVERAGE_INFORMATION, "extension": parts}]}

    found = new_faults(validator, written._replace(resource=resource))

    assert slip.rule in [one.id for one in found if slip.says in f"{one.location} {one.message}"], found


@pytest.mark.parametrize("version", VERSIONS)
def test_an_extension_of_a_wrong_name_is_found(version: str, validator: Validator) -> None:
    written = not_covered(version)
    resource = copy.deepcopy(dict(written.resource))
    resource["extension"][0]["url"] += "s"

    found = new_faults(validator, written._replace(resource=resource))

    assert "Extension_EXT_Unknown" in [one.id for one in found]


@pytest.mark.parametrize("version", VERSIONS)
def test_coverage_information_on_a_patient_is_found(version: str, validator: Validator) -> None:
    extension = not_covered(version).resource["extension"]

    found = validator.validate(version, {"resourceType": "Patient", "extension": extension})

    assert [one.location for one in found if one.id == "Extension_EXTP_Context_Wrong"] == ["Patient"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fault_that_the_order_came_with_is_not_ours(version: str, validator: Validator) -> None:
    written = not_covered(version)
    assert written.received is not None
    faulty = written._replace(
        resource={**written.resource, "status": "drafty"}, received={**written.received, "status": "drafty"}
    )

    assert new_faults(validator, faulty) == []
    assert any(
        one.is_error and "drafty" in one.message for one in new_faults(validator, faulty._replace(received=None))
    )
