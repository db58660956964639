"""Groups of codes, answers under conditions and what versions share: what a policy document may say, and may not."""

from datetime import date
from typing import Any

import pytest

from cards import DocumentError, Policy, read_policy
from cards.coding import Coding
from cds_hooks.documents import load_schema
from cds_hooks.rules.loading import Rules
from tests.conftest import ROOT

SCHEMA = load_schema(ROOT / "cards" / "policies" / "policy.schema.json").validator
SAID = {"covered": "covered", "pa-needed": "auth-needed", "verdict": "ask first", "position": "It is to be authorized."}
NOT_COVERED = {"covered": "not-covered", "verdict": "excluded", "position": "It is excluded."}
REFERENCES = [{"title": "T", "url": "https://example.org/policy", "retrieved": "2026-11-01"}]


def document(groups: dict[str, Any], versions: dict[str, Any] | None = None, **shared: Any) -> dict[str, Any]:
    found = {
        "id": "acme", "title": "Acme", "service": "Service", "publisher": "Acme", "reviewed": "2026-11-01", "rights": "None.",
        "all-versions": {**SAID, "references": REFERENCES, **shared},
        "versions": versions or {"2026-01-01": {"groups": list(groups)}},
        "groups": {name: {"service": name.capitalize(), **group} for name, group in groups.items()},
    }  # fmt: skip
    SCHEMA.validate(found)
    return found


def read(rules: Rules, *groups: Any, **named: Any) -> Policy:
    return read_policy(document(*groups, **named), rules.vocabulary)


def said_of(policy: Policy, code: str, on: date = date(2026, 11, 23)) -> Any:
    version = policy.in_force(on)
    assert version
    return version.groups[Coding("HCPCS", code)]


def test_a_range_has_both_of_its_ends_and_all_between(rules: Rules) -> None:
    version = read(rules, {"a": {"codes": ["HCPCS K0800 to K0803", "HCPCS E0100"]}}).in_force(date(2026, 1, 1))

    assert version
    assert sorted(coding.code for coding in version.definitive) == ["E0100", "K0800", "K0801", "K0802", "K0803"]


def test_a_group_says_what_its_version_says_unless_it_says_otherwise(rules: Rules) -> None:
    policy = read(rules, {"a": {"codes": ["HCPCS K0800"]}, "b": {"codes": ["HCPCS K0801"], **NOT_COVERED}})

    assert (said_of(policy, "K0800").covered.value, said_of(policy, "K0800").pa_needed) == ("covered", "auth-needed")
    assert (said_of(policy, "K0801").covered.value, said_of(policy, "K0801").pa_needed) == ("not-covered", None)
    assert said_of(policy, "K0801").group.service == "B"


def test_who_says_covered_anew_takes_no_code_of_the_other_answer_over(rules: Rules) -> None:
    """Else `not-covered` would come with an authorization that somebody else's answer asks for."""
    terms = {"documentation": {"needed": ["clinical"]}}
    policy = read(rules, {"a": {"codes": ["HCPCS K0800"], "covered": "covered", "pa-needed": "no-auth"}}, **terms)

    assert said_of(policy, "K0800").terms_of_coverage.documents == ()


def test_a_version_changes_one_word_of_what_all_of_them_say(rules: Rules) -> None:
    versions = {
        "2024-01-01": {"groups": ["a"]},
        "2025-01-01": {"groups": ["a"], "prior-authorization": {"review": "7 days"}},
        "2026-01-01": None,
    }
    shared = {"prior-authorization": {"review": "10 days", "expedited-review": "2 days"}}
    policy = read(rules, {"a": {"codes": ["HCPCS K0800"]}}, versions=versions, **shared)

    before, after = (
        said_of(policy, "K0800", date(year, 6, 1)).terms_of_coverage.authorization for year in (2024, 2025)
    )
    assert before == ("The review takes 10 days, 2 days where it is expedited.",)
    assert after == ("The review takes 7 days, 2 days where it is expedited.",)
    assert policy.in_force(date(2026, 1, 1)) is None


@pytest.mark.parametrize(
    ("group", "path", "reason"),
    [
        ({"codes": ["ZZ 1"]}, "$.groups['a'].codes[0]", "no code system 'ZZ'"),
        ({"codes": ["HCPCS K0801 to K0800"]}, "$.groups['a'].codes[0]", "a range rises"),
        ({"codes": ["HCPCS K0800 to L0800"]}, "$.groups['a'].codes[0]", "differ in their number only"),
        ({"codes": ["HCPCS A0000 to A9999"]}, "$.groups['a'].codes[0]", "1000 codes at most"),
        ({"codes": ["HCPCS K0800", "HCPCS k0800"]}, "$.groups['a'].codes[1]", "there twice"),
        ({"codes": ["HCPCS K08000"]}, "$.groups['a'].codes[0]", "K08000 is no code that HCPCS can have"),
        ({"codes": ["HCPCS KO800"]}, "$.groups['a'].codes[0]", "KO800 is no code that HCPCS can have"),
        ({"codes": ["HCPCS K0800-K0802"]}, "$.groups['a'].codes[0]", "K0800-K0802 is no code that HCPCS can have"),
        (
            {"codes": ["HCPCS K0800"], "answers": [{"if": {"place-of-service": ["22", "91"]}, **SAID}]},
            "$.groups['a'].answers[0].if.place-of-service[1]",
            "91 is not an assigned place-of-service code of CMS: no order can say it",
        ),
        (
            {"codes": ["HCPCS K0800"], "answers": [{"if": {"setting": ["OUTP"]}, **SAID}]},
            "$.groups['a'].answers[0].if.setting[0]",
            "OUTP is not a class of an encounter",
        ),
        (
            {"codes": ["HCPCS K0800"], "covered": "covered"},
            "$.groups['a']",
            "pa-needed: missing; covered says whether prior authorization is needed",
        ),
        (
            {"codes": ["HCPCS K0800"], "answers": [{**SAID}, {"if": {"place-of-service": ["22"]}, **SAID}]},
            "$.groups['a'].answers[1]",
            "never applies",
        ),
        (
            {"codes": ["HCPCS K0800"], "answers": [{"if": {"ordered-with": ["zz"]}, **SAID}]},
            "$.groups['a'].answers[0].if.ordered-with",
            "no group zz in this policy (known: a)",
        ),
        (
            {"codes": ["HCPCS K0800"], "answers": [{"if": {"age": {"at-least": 9, "at-most": 8}}, **SAID}]},
            "$.groups['a'].answers[0].if.age",
            "can never be",
        ),
        (
            {"codes": ["HCPCS K0800"], "answers": [{"if": {"performer-type": ["ZZ 1"]}, **SAID}]},
            "$.groups['a'].answers[0].if.performer-type",
            "ZZ is not in the vocabulary",
        ),
        (
            {"codes": ["HCPC K0800"], **SAID},
            "$.groups['a'].codes[0]",
            "no code system 'HCPC' (known: CPT, HCPCS, ICD-10-CM, NDC, RxNorm, SNOMED CT, SOPT); did you mean HCPCS?",
        ),
        (
            {"codes": ["HCPCS K0800"], **SAID, "documentation": {"needed": ["clinical", "conditional"]}},
            "$.groups['a']",
            "documentation: conditional stands alone",
        ),
        (
            {"codes": ["HCPCS K0800"], "answers": [{"if": {"ordered-by": ["gold"]}, **SAID}]},
            "$.groups['a'].answers[0].if.ordered-by",
            "no list of providers gold in this policy (known: none)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    group: dict[str, Any], path: str, reason: str, rules: Rules
) -> None:
    with pytest.raises(DocumentError) as refused:
        read(rules, {"a": group})

    assert refused.value.path == path
    assert reason in refused.value.reason


def test_a_code_is_in_one_group_of_a_version(rules: Rules) -> None:
    with pytest.raises(DocumentError) as refused:
        read(rules, {"a": {"codes": ["HCPCS K0800"]}, "b": {"codes": ["HCPCS K0799 to K0801"]}})

    assert "K0800 is in two groups of the version 2026-01-01" in refused.value.reason


def test_a_group_that_no_version_names_is_a_slip(rules: Rules) -> None:
    groups = {"a": {"codes": ["HCPCS K0800"]}, "b": {"codes": ["HCPCS K0801"]}}

    with pytest.raises(DocumentError) as refused:
        read(rules, groups, versions={"2026-01-01": {"groups": ["a"]}})

    assert (refused.value.path, refused.value.reason) == (
        "$.groups['b']",
        "no version names this group: nobody's orders are answered by it",
    )


def test_a_version_names_groups_that_there_are(rules: Rules) -> None:
    with pytest.raises(DocumentError) as refused:
        read(rules, {"a": {"codes": ["HCPCS K0800"]}}, versions={"2026-01-01": {"groups": ["zz"]}})

    assert (refused.value.path, refused.value.reason) == (
        "$.versions['2026-01-01'].groups[0]",
        "no group zz in this policy (known: a)",
    )


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ({**SAID, "codes": []}, "references: missing here and under all-versions"),
        ({**SAID, "references": REFERENCES}, "codes: missing, and no groups in their place"),
        ({"codes": [], "references": REFERENCES}, "covered: missing, here and in what it is a part of"),
        ({"codes": [], "references": REFERENCES, **SAID, "verdict": None}, "verdict: missing"),
    ],
)
def test_a_version_without_what_it_must_have_is_refused(version: dict[str, Any], reason: str, rules: Rules) -> None:
    written = document({"a": {"codes": ["HCPCS K0800"]}})
    del written["all-versions"], written["groups"]
    written["versions"] = {"2026-01-01": {name: value for name, value in version.items() if value is not None}}
    SCHEMA.validate(written)

    with pytest.raises(DocumentError) as refused:
        read_policy(written, rules.vocabulary)

    assert refused.value.path == "$.versions['2026-01-01']"
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    "slip",
    [
        {"if": {"place": ["22"]}},
        {"if": {"place-of-service": ["221"]}},
        {"if": {"place-of-service": []}},
        {"if": {}},
        {"if": {"laterality": ["up"]}},
        {"covered": "not-covered", "pa-needed": "auth-needed"},
        {"covered": "covered", "pa-needed": "no-auth", "info-needed": ["location"]},
        {"reason": "too-late"},
        {"if": {"ordered-by": ["Gold Card"]}},
    ],
)
def test_the_schema_knows_the_facts_and_the_guides_codes(slip: dict[str, Any]) -> None:
    written = document({"a": {"codes": ["HCPCS K0800"], "answers": [dict(SAID)]}})
    written["groups"]["a"]["answers"][0] |= slip

    assert list(SCHEMA.iter_errors(written))


def test_documentation_may_depend_on_what_a_later_step_tells(rules: Rules) -> None:
    """crd-ci-q3: info-needed stands where doc-needed is conditional, too."""
    documents = {"documentation": {"needed": ["conditional"]}, "info-needed": ["performer"]}
    answer = {**SAID, "covered": "covered", "pa-needed": "no-auth", **documents}

    terms = said_of(read(rules, {"a": {"codes": ["HCPCS K0800"], **answer}}), "K0800").terms_of_coverage

    assert (terms.documents, terms.info_needed) == (("conditional",), ("performer",))


@pytest.mark.parametrize("place", ["all-versions", "versions"])
def test_a_wrong_code_is_named_where_it_stands(place: str, rules: Rules) -> None:
    codes = {"codes": [{"system": "HCPC", "code": "L1851", "display": "Brace", "role": "definitive"}]}
    shared, own = (codes, {}) if place == "all-versions" else ({}, codes)
    written = document({"a": {"codes": ["CPT 20999"]}}, {"2026-01-01": {"label": "first", **own}}, **shared)
    del written["groups"]

    with pytest.raises(DocumentError, match=r"; did you mean HCPCS\?") as refused:
        read_policy(written, rules.vocabulary)

    stands = "$['all-versions']" if place == "all-versions" else "$.versions['2026-01-01']"
    assert refused.value.path == f"{stands}.codes[0].system"
