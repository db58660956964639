"""The definitions are read right, and the check built on them can fail: one case for each way it should."""

import copy
import json
import os
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.guide.conformance import answer_faults, broken_invariants, faults
from tests.guide.definitions import CANONICAL, COVERAGE_INFORMATION, FOLDERS, HERE, read_guide
from tests.guide.fhirpath import compile_invariant
from tests.guide.fsh import read_entities
from tests.guide.prose import PROSE, broken_prose

VERSIONS = tuple(FOLDERS)
ARCHIVES = {
    "2.0.1": ("davinci-crd-2.0.1.tgz", "package"),
    "2.1.0": ("davinci-crd-2.1.0-definitions.tar.gz", "davinci-crd-2.1.0/input"),
    "2.2.1": ("davinci-crd-2.2.1-definitions.tar.gz", "davinci-crd-2.2.1/input"),
}

# What is read


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_the_vendored_files_are_as_published(folder: str) -> None:
    shared = Path(os.environ.get("CRD_SHARED", HERE.parent.parent.parent / "shared"))
    name, root = ARCHIVES[folder]
    if not (shared / "ig" / name).is_file():
        pytest.skip(f"NOT COMPARED with what was published: no {shared / 'ig' / name}; set CRD_SHARED")
    files = [path for path in (HERE / folder).rglob("*") if path.is_file()]

    with tarfile.open(shared / "ig" / name) as archive:
        published = {path: archive.extractfile(f"{root}/{path.relative_to(HERE / folder)}") for path in files}
        changed = [path for path, file in published.items() if file is None or file.read() != path.read_bytes()]

    assert files
    assert changed == []


#: What the guide's own samples break: crd.md 11, 4 (no description, no uuid), placeholders, a SMART link, a card of <=2.1,
#: and a second order created beside the one that replaces (the prose allows it, the model does not).
KNOWN_OF_SAMPLES = ("uuid", "description", "topic", "is not absolute", "appContext", "crd-respar-1")


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_the_guides_own_samples_break_only_what_is_known_of_them(version: str) -> None:
    """The check is not stricter than the guide's authors are with themselves, but where they are known to err."""
    shared = Path(os.environ.get("CRD_SHARED", HERE.parent.parent.parent / "shared"))
    name, root = ARCHIVES[FOLDERS[version]]
    if not (shared / "ig" / name).is_file():
        pytest.skip(f"NOT RUN over the guide's samples: no {shared / 'ig' / name}; set CRD_SHARED")
    with tarfile.open(shared / "ig" / name) as archive:
        members = [member for member in archive if member.name.startswith(f"{root}/resources/CRDServiceResponse")]
        samples = [json.loads(file.read()) for file in map(archive.extractfile, members) if file]

    found = [fault for sample in samples for fault in faults(version, sample)]

    assert len(samples) >= 2
    assert [fault for fault in found if not any(known in fault for known in KNOWN_OF_SAMPLES)] == []


@pytest.mark.parametrize(("version", "parts", "invariants"), [("2.0", 16, 5), ("2.1", 16, 7), ("2.2", 16, 9)])
def test_all_parts_and_invariants_are_read(version: str, parts: int, invariants: int) -> None:
    guide = read_guide(version)

    assert len(guide.parts) == parts
    assert [invariant.key for invariant in guide.invariants] == [
        f"crd-ci-q{number}" for number in range(1, invariants + 1)
    ]
    assert all(invariant.human and invariant.expression for invariant in guide.invariants)
    assert all(part.types or part.parts for part in guide.parts.values())


def test_the_versions_differ_in_their_parts_as_crd_md_says() -> None:
    parts = {version: read_guide(version).parts for version in VERSIONS}

    assert parts["2.0"].keys() - parts["2.1"].keys() == {"response"}
    assert parts["2.1"].keys() - parts["2.0"].keys() == {"expiry-date"}
    assert parts["2.1"].keys() == parts["2.2"].keys()
    assert [parts[version]["doc-needed"].cardinality for version in VERSIONS] == [(0, 1), (0, None), (0, None)]
    assert [parts[version]["contact"].types for version in VERSIONS] == [
        ("ContactPoint",),
        ("ContactPoint",),
        ("ContactDetail",),
    ]
    assert [sorted(parts[version]["detail"].parts or ()) for version in VERSIONS] == [
        ["code", "qualification", "value"],
        ["code", "qualification", "value"],
        ["category", "code", "qualification", "value"],
    ]
    assert [len((parts[version]["detail"].parts or {})["value"].types) for version in VERSIONS] == [4, 5, 5]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_mandatory_parts_are_the_same_four(version: str) -> None:
    parts = read_guide(version).parts

    assert {name for name, part in parts.items() if part.cardinality == (1, 1)} == {
        "coverage",
        "covered",
        "date",
        "coverage-assertion-id",
    }
    assert parts["coverage"].targets == {"coverage"}


def test_the_required_codes_are_those_of_their_version() -> None:
    codes = {
        version: {name: part.codes for name, part in read_guide(version).parts.items() if part.codes}
        for version in VERSIONS
    }

    assert codes["2.0"]["covered"] == {"covered", "not-covered", "conditional"}
    assert codes["2.2"]["covered"] == codes["2.1"]["covered"] | {"indeterminate"}
    assert codes["2.0"]["pa-needed"] == {"no-auth", "auth-needed", "satisfied", "performpa", "conditional"}
    assert codes["2.0"]["doc-needed"] - codes["2.1"]["doc-needed"] == {"both"}
    assert codes["2.1"]["doc-needed"] - codes["2.0"]["doc-needed"] == {"patient"}
    assert codes["2.2"]["info-needed"] - codes["2.1"]["info-needed"] == {"detail-code"}
    assert all(
        codes[version]["doc-purpose"] == {"withpa", "withclaim", "withorder", "retain-doc", "OTH"}
        for version in VERSIONS
    )
    assert all(
        codes[version].keys() == {"covered", "pa-needed", "doc-needed", "doc-purpose", "info-needed"}
        for version in VERSIONS
    )


def test_the_reasons_that_need_no_text_are_those_of_their_version() -> None:
    temp = f"{CANONICAL}/CodeSystem/temp"

    assert [len(read_guide(version).reasons) for version in VERSIONS] == [2, 2, 6]
    assert all((temp, "gold-card") in read_guide(version).reasons for version in VERSIONS)


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_every_code_of_a_value_set_is_in_its_code_system(version: str) -> None:
    entities = [
        entity
        for path in (HERE / FOLDERS[version] / "fsh" / "codesystems").glob("*.fsh")
        for entity in read_entities(path).values()
    ]
    defined = {
        (f"{CANONICAL}/CodeSystem/{entity.fields['Id']}", code[-1]) for entity in entities for code in entity.codes()
    }

    included = {coding for codes in read_guide(version).value_sets.values() for coding in codes}

    assert {system for system, _ in included - defined} == {"http://terminology.hl7.org/CodeSystem/v3-NullFlavor"}


def test_the_card_topics_moved_in_2_2() -> None:
    assert [read_guide(version).topic_system for version in VERSIONS] == [
        f"{CANONICAL}/CodeSystem/temp",
        f"{CANONICAL}/CodeSystem/temp",
        "http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
    ]
    assert read_guide("2.2").card_types - read_guide("2.0").card_types == {"unsolicited-determ"}
    assert all(
        {"guideline", "off-guideline", "coverage-info"} <= read_guide(version).card_types for version in VERSIONS
    )
    assert "documentation" not in read_guide("2.0").card_types


def test_the_profiles_minima_are_read() -> None:
    profiles = {kind: found[0] for kind, found in read_guide("2.2").profiles.items()}

    assert profiles["ServiceRequest"].cardinalities == {
        "code": (1, None),
        "authoredOn": (1, None),
        "requester": (1, None),
        "locationReference": (0, 1),
    }
    assert profiles["MedicationRequest"].cardinalities["doNotPerform"] == (0, 0)
    assert profiles["CommunicationRequest"].cardinalities["basedOn"] == (1, 1)
    assert profiles["Appointment"].participants == {"Patient": (1, 1), "PrimaryPerformer": (1, None)}
    assert profiles["Appointment"].cardinalities["basedOn"] == (1, None)
    assert [invariant.key for invariant in profiles["Appointment"].invariants] == ["crd-apt1", "crd-apt2"]
    assert read_guide("2.1").profiles["Appointment"][1].participants == {}


def test_the_response_models_are_read() -> None:
    models = read_guide("2.2").models
    elements = {name: {element.path.partition(".")[2]: element for element in model} for name, model in models.items()}

    assert elements["Base"]["cards.uuid"].cardinality == (1, None)
    assert elements["externalReference"]["cards.suggestions"].cardinality == (0, 0)
    assert elements["instructions"]["cards.links"].cardinality == (0, 0)
    assert elements["alternateRequest"]["cards.links"].cardinality == (0, 0)
    assert [one.key for one in elements["alternateRequest"]["cards.suggestions"].invariants] == ["crd-respar-1"]
    assert elements["coverageInformation"]["systemActions.type"].pattern == "update"
    assert [one.key for one in elements["coverageInformation"]["systemActions.resource"].invariants] == ["crd-respci1"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_invariants_compare_strings_only_with_literals(version: str) -> None:
    """What conformance._reduce rests on: no functions that look into a string, no comparison of two elements."""
    for invariant in read_guide(version).invariants:
        expression = re.sub("'[^']*'", "'x'", invariant.expression)
        assert set(re.findall(r"(\w+)\(", expression)) - {"and", "or", "implies"} <= {
            "where",
            "exists",
            "all",
            "count",
            "not",
            "empty",
            "memberOf",
        }
        compared = re.findall(r"!?= *(\S+)", expression.replace("= extension.where(url = 'x').exists()", ""))
        assert {word.rstrip(").").partition(").")[0] for word in compared} <= {"'x'", "1"}


# FHIRPath as HL7's engine has it


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("{}", False),
        ("{} and true", False),
        ("{} and false", False),
        ("({} and false).not()", True),
        ("{} or true", True),
        ("{} or false", False),
        ("{} implies true", True),
        ("{} implies false", False),
        ("{} implies {}", False),
        ("false implies {}", True),
        ("true implies {}", False),
        ("true implies false", False),
        ("extension.where(url = 'a') implies false", False),
        ("extension.where(url = 'a') implies true", True),
        ("extension.where(url = 'a') and true", True),
        ("extension.where(url = 'none') and true", False),
        ("extension implies true", True),
        ("extension and true", False),
        ("extension.where(value = 'x').exists()", True),
        ("extension.where(value != 'x').exists()", True),
        ("extension.where(url = 'none').all(value = 'x')", True),
        ("extension.value.memberOf('v')", False),
        ("extension.where(url = 'b').value.memberOf('v')", True),
    ],
)
def test_an_expression_holds_only_if_it_is_true(expression: str, holds: bool) -> None:
    """FHIRPath 2.0.0, 6.5 and 4.5; HL7's convertToBoolean takes an empty result for false."""
    coded = {"url": "b", "valueCodeableConcept": {"coding": [{"system": "s", "code": "c"}]}}
    element = {"url": "u", "extension": [{"url": "a", "valueCode": "x"}, coded]}

    assert compile_invariant(expression, {"v": frozenset({("s", "c")})})(element, "Extension") is holds


# crd.md 2.3, "Legal / illegal combinations (verified)"

REASON = {"reason": {"text": "because"}}
FOREIGN = {"reason": {"coding": [{"system": "http://example.com", "code": "x"}]}}
GOLD = {"reason": {"coding": [{"system": f"{CANONICAL}/CodeSystem/temp", "code": "gold-card"}]}}
CONDITIONAL = {"covered": "conditional", "pa-needed": "conditional"}
AUTH = {"covered": "covered", "pa-needed": "auth-needed"}
SATISFIED = {"covered": "covered", "pa-needed": "satisfied", "satisfied-pa-id": "PA-1"}
NEEDS_INFO = {**CONDITIONAL, "info-needed": "location"}

#: What is said; then the invariants that fail in 2.0, 2.1 and 2.2; None where the version has no such code.
COMBINATIONS: list[tuple[str, dict[str, Any], str | None, str | None, str]] = [
    ("not-covered, no pa-needed", {"covered": "not-covered"}, "q2", "", ""),
    ("not-covered + pa-needed=no-auth", {"covered": "not-covered", "pa-needed": "no-auth"}, "", "q2", "q2"),
    ("covered, no pa-needed", {"covered": "covered"}, "q2", "", ""),
    ("conditional, no pa-needed", {"covered": "conditional", "info-needed": "location"}, "q2", "", ""),
    ("covered + pa-needed", AUTH, "", "", ""),
    ("conditional + pa-needed=conditional + info-needed", NEEDS_INFO, "", "", ""),
    ("conditional without info-needed", CONDITIONAL, "", "q3", "q3"),
    ("doc-needed=conditional without info-needed", {**AUTH, "doc-needed": "conditional"}, "", "q3", "q3"),
    ("info-needed while nothing is conditional", {**AUTH, "info-needed": "location"}, "q3", "", ""),
    ("info-needed=OTH without reason", {**CONDITIONAL, "info-needed": "OTH"}, "", "", "q6"),
    ("info-needed=OTH with reason", {**CONDITIONAL, "info-needed": "OTH", **REASON}, "", "", ""),
    ("questionnaire without doc-needed", {**AUTH, "questionnaire": "http://example.com/Q"}, "q1", "q1", "q1"),
    (
        "questionnaire with doc-needed",
        {**AUTH, "questionnaire": "http://example.com/Q", "doc-needed": "clinical"},
        "",
        "",
        "",
    ),
    ("satisfied with satisfied-pa-id", SATISFIED, "", "", ""),
    ("satisfied without satisfied-pa-id", {"covered": "covered", "pa-needed": "satisfied"}, "q5", "q5", "q5"),
    ("satisfied-pa-id without satisfied", {**AUTH, "satisfied-pa-id": "PA-1"}, "q5", "q5", "q5"),
    ("doc-purpose without reason", {**SATISFIED, "doc-purpose": "withclaim"}, "", "", "q8"),
    ("doc-purpose with reason", {**AUTH, "doc-purpose": "withclaim", **REASON}, "", "", ""),
    ("doc-purpose=withpa + auth-needed", {**AUTH, "doc-purpose": "withpa", **REASON}, "", "q4", "q4"),
    ("doc-purpose=withpa + satisfied", {**SATISFIED, "doc-purpose": "withpa", **REASON}, "", "q4", "q4"),
    ("covered=indeterminate without reason", {"covered": "indeterminate"}, None, None, "q9"),
    ("pa-needed=indeterminate without reason", {"covered": "covered", "pa-needed": "indeterminate"}, None, None, "q9"),
    (
        "doc-needed=indeterminate without reason",
        {"covered": "covered", "doc-needed": "indeterminate"},
        None,
        None,
        "q9",
    ),
    ("covered=indeterminate with reason", {"covered": "indeterminate", **REASON}, None, None, ""),
    ("reason with only an out-of-valueset coding", {**AUTH, **FOREIGN}, "", "q7", "q7"),
    ("reason with a coding of the value set", {**AUTH, **GOLD}, "", "", ""),
    ("not-covered + doc-needed", {"covered": "not-covered", "doc-needed": "clinical"}, "q2", "", ""),
]
ROWS = [
    pytest.param(version, said, expected, id=f"{version}: {name}")
    for name, said, *by_version in COMBINATIONS
    for version, expected in zip(VERSIONS, by_version, strict=True)
    if expected is not None
]

VALUES = {"reason": "valueCodeableConcept", "satisfied-pa-id": "valueString", "questionnaire": "valueCanonical"}


def coverage_information(
    said: Mapping[str, Any], coverage: str = "Coverage/c1", assertion: str = "a1"
) -> dict[str, Any]:
    parts = [
        {"url": "coverage", "valueReference": {"reference": coverage}},
        *({"url": name, VALUES.get(name, "valueCode"): value} for name, value in said.items()),
        {"url": "date", "valueDate": "2026-11-22"},
        {"url": "coverage-assertion-id", "valueString": assertion},
    ]
    return {"url": COVERAGE_INFORMATION, "extension": parts}


@pytest.mark.parametrize(("version", "said", "expected"), ROWS)
def test_a_combination_breaks_the_published_invariants_the_notes_say(
    version: str, said: dict[str, Any], expected: str
) -> None:
    """crd.md 2.3, row by row."""
    assert broken_invariants(version, coverage_information(said)) == [f"crd-ci-{key}" for key in expected.split()]


#: What the words forbid, in one version at least without the expressions.
WORDS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "info-needed while nothing is conditional",
        {**AUTH, "info-needed": "location"},
        {"2.1": "q3 both ways", "2.2": "q3 both ways"},
    ),
    ("withpa + satisfied", {**SATISFIED, "doc-purpose": "withpa", **REASON}, dict.fromkeys(VERSIONS, "q4 withpa")),
    (
        "withpa + no-auth",
        {"covered": "covered", "pa-needed": "no-auth", "doc-purpose": "withpa", **REASON},
        {"2.2": "q4 withpa"},
    ),
    (
        "an id without satisfied",
        {**AUTH, "satisfied-pa-id": "PA-1"},
        {"2.0": "q5 satisfied", "2.1": "q5 satisfied", "2.2": "q5 satisfied"},
    ),
    ("OTH without reason", {**CONDITIONAL, "info-needed": "OTH"}, {"2.1": "q6 OTH", "2.2": "q6 OTH"}),
    ("a foreign reason", {**AUTH, **FOREIGN}, {"2.1": "q7 each reason", "2.2": "q7 each reason"}),
    (
        "detail-code while nothing is conditional",
        {
            **AUTH,
            "reason": {"coding": [{"system": f"{CANONICAL}/CodeSystem/temp", "code": "detail-code"}], "text": "x"},
        },
        {"2.0": "detail-code", "2.1": "detail-code"},
    ),
    (
        "not-covered + doc-needed",
        {"covered": "not-covered", "doc-needed": "admin"},
        dict.fromkeys(VERSIONS, "not-covered asks nothing"),
    ),
]


@pytest.mark.parametrize(("said", "expected"), [pytest.param(*row[1:], id=row[0]) for row in WORDS])
def test_the_words_count_where_they_are_stronger(said: dict[str, Any], expected: dict[str, str]) -> None:
    broken = {
        version: [rule.key for rule in broken_prose(read_guide(version), coverage_information(said))]
        for version in VERSIONS
    }

    wanted = {version: [expected[version]] if version in expected else [] for version in VERSIONS}
    assert {version: keys for version, keys in broken.items() if keys != wanted[version]} == {}


def test_every_rule_in_words_has_its_source() -> None:
    assert len({rule.key for rule in PROSE}) == len(PROSE)
    assert all(rule.source and rule.versions <= set(VERSIONS) for rule in PROSE)


# A whole response


CODING = {"system": "http://www.ama-assn.org/go/cpt", "code": "73721"}


def a_response(version: str) -> dict[str, Any]:
    """Return a response without a fault: a system action and a card of each response type that has them."""
    guide = read_guide(version)
    resource_link: Any = "ServiceRequest/o1" if version == "2.0" else {"reference": "ServiceRequest/o1"}
    card = {
        "uuid": "5d1c",
        "summary": "Prior authorization is needed",
        "indicator": "info",
        "source": {"label": "Example Health Plan", "topic": {"system": guide.topic_system, "code": "guideline"}},
        "extension": {"davinci-crd.associated-resource": [resource_link]},
    }
    link = {"label": "Policy", "url": "https://payer.example.com/policy", "type": "absolute"}
    order = {
        "resourceType": "ServiceRequest",
        "id": "o1",
        "extension": [coverage_information(AUTH)],
        "status": "draft",
        "intent": "order",
        "code": {"text": "Knee MRI"},
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-11-22",
        "requester": {"reference": "Practitioner/r1"},
    }
    action = {"type": "update", "description": "Write coverage information", "resource": order}
    coded = {name: value for name, value in order.items() if name != "extension"} | {"code": {"coding": [CODING]}}
    offer = {"type": "update", "description": "Add the code", "resource": coded}
    suggestion = {"label": "This is it: add the code", "uuid": "5d1f", "actions": [offer]}
    offering = {"uuid": "5d1e", "suggestions": [suggestion], "selectionBehavior": "at-most-one"}
    return copy.deepcopy(
        {
            "cards": [card | {"links": [link]}, card | {"uuid": "5d1d", "detail": "How to go on"}, card | offering],
            "systemActions": [action],
        }
    )


def _card(response: dict[str, Any]) -> Any:
    return response["cards"][0]


def _suggestion(response: dict[str, Any]) -> Any:
    return response["cards"][2]["suggestions"][0]


def _offer(response: dict[str, Any]) -> Any:
    return _suggestion(response)["actions"][0]


def _action(response: dict[str, Any]) -> Any:
    return response["systemActions"][0]


def _order(response: dict[str, Any]) -> Any:
    return response["systemActions"][0]["resource"]


def _parts(response: dict[str, Any]) -> Any:
    return _order(response)["extension"][0]["extension"]


def _is_2_2(response: dict[str, Any]) -> bool:
    return bool(_card(response)["source"]["topic"]["system"] == read_guide("2.2").topic_system)


def _category(response: dict[str, Any]) -> str | None:
    return "cat-other" if _is_2_2(response) else None


def _add_detail(response: dict[str, Any], category: str | None, **value: Any) -> None:
    parts = [{"url": "code", "valueCodeableConcept": {"text": "x"}}, {"url": "value", **value}]
    of_category = [{"url": "category", "valueCode": category}] if category else []
    _parts(response).append({"url": "detail", "extension": [*of_category, *parts]})


def _appointment(**members: Any) -> dict[str, Any]:
    pprf = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "PPRF"}]}
    participants = [
        {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
        {"type": [pprf], "actor": {"reference": "Location/l1"}, "status": "accepted"},
    ]
    base = {
        "resourceType": "Appointment",
        "id": "o1",
        "extension": [coverage_information(AUTH)],
        "status": "proposed",
        "start": "2026-11-23T09:00:00Z",
        "end": "2026-11-23T10:00:00Z",
        "participant": participants,
    }
    return {**base, **members}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_response_as_the_guide_has_it_has_no_fault(version: str) -> None:
    assert faults(version, a_response(version)) == []
    assert faults(version, {"cards": []}) == []
    assert faults(version, {"cards": [], "systemActions": []}) == []


def test_a_response_of_one_version_is_not_one_of_another() -> None:
    for version in VERSIONS:
        others = [other for other in VERSIONS if other != version and not answer_faults(other, a_response(version))]
        assert others == []


Change = Callable[[dict[str, Any]], Any]
OTHER_COVERAGE = coverage_information(AUTH, "Coverage/c2", "a2")

FAULTY: list[tuple[str, tuple[str, ...], Change, str]] = [
    # cards
    ("summary of 140", VERSIONS, lambda r: _card(r).update(summary="x" * 140), "summary"),
    ("no indicator", VERSIONS, lambda r: _card(r).pop("indicator"), "indicator"),
    ("hard-stop indicator", VERSIONS, lambda r: _card(r).update(indicator="hard-stop"), "indicator"),
    ("no uuid", VERSIONS, lambda r: _card(r).pop("uuid"), "uuid"),
    ("no source label", VERSIONS, lambda r: _card(r)["source"].pop("label"), "source.label"),
    ("no topic", VERSIONS, lambda r: _card(r)["source"].pop("topic"), "source.topic"),
    ("unknown topic", VERSIONS, lambda r: _card(r)["source"]["topic"].update(code="documentation"), "no card type"),
    ("link of a SMART app", VERSIONS, lambda r: _card(r)["links"][0].update(type="smart"), "is not absolute"),
    ("link with appContext", VERSIONS, lambda r: _card(r)["links"][0].update(appContext="x"), "appContext"),
    ("relative link", VERSIONS, lambda r: _card(r)["links"][0].update(url="/policy"), "no absolute URL"),
    (
        "links and suggestions",
        VERSIONS,
        lambda r: _card(r).update(selectionBehavior="any", suggestions=[{"label": "x", "uuid": "1"}]),
        "links and suggestions",
    ),
    (
        "suggestions without behaviour",
        VERSIONS,
        lambda r: r["cards"][1].update(suggestions=[{"label": "x", "uuid": "1"}]),
        "selectionBehavior",
    ),
    ("suggestion without uuid", VERSIONS, lambda r: _suggestion(r).pop("uuid"), "no uuid"),
    (
        "of at most one, two recommended",
        VERSIONS,
        lambda r: r["cards"][2].update(suggestions=[{**_suggestion(r), "isRecommended": True}] * 2),
        "several are recommended",
    ),
    (
        "a second suggestion without action",
        ("2.2",),
        lambda r: r["cards"][2]["suggestions"].append({"label": "This is something else", "uuid": "5d20"}),
        "crd-respar-1",
    ),
    ("suggestion with two updates", ("2.2",), lambda r: _suggestion(r).update(actions=[_offer(r)] * 2), "crd-respar-1"),
    ("offer without description", VERSIONS, lambda r: _offer(r).pop("description"), "is not described"),
    ("offer with resourceId", VERSIONS, lambda r: _offer(r).update(resourceId="ServiceRequest/o1"), "or a resourceId"),
    ("offer of nothing", VERSIONS, lambda r: _offer(r).pop("resource"), "has no resource"),
    ("offer of an order without id", VERSIONS, lambda r: _offer(r)["resource"].pop("id"), "has no id"),
    ("offer without requester", ("2.1", "2.2"), lambda r: _offer(r)["resource"].pop("requester"), "requester"),
    ("offer with null in the order", VERSIONS, lambda r: _offer(r)["resource"].update(note=None), "null or empty"),
    ("offer of a task", ("2.2",), lambda r: _offer(r)["resource"].update(resourceType="Task"), "is no appointment"),
    ("instructions without detail", ("2.2",), lambda r: r["cards"][1].pop("detail"), "cards[1].detail"),
    (
        "an unknown CRD extension",
        VERSIONS,
        lambda r: _card(r)["extension"].update({"davinci-crd.x": "y"}),
        "davinci-crd.x",
    ),
    ("null in a card", VERSIONS, lambda r: _card(r).update(selectionBehavior=None), "null or empty"),
    ("cards is missing", VERSIONS, lambda r: r.pop("cards"), "cards is an array"),
    # system actions
    ("action creates", VERSIONS, lambda r: _action(r).update(type="create"), "is not update"),
    ("action without description", VERSIONS, lambda r: _action(r).update(description=" "), "description"),
    ("action with resourceId", VERSIONS, lambda r: _action(r).update(resourceId="ServiceRequest/o1"), "resourceId"),
    ("order without id", VERSIONS, lambda r: _order(r).pop("id"), "no id"),
    ("order without coverage information", ("2.2",), lambda r: _order(r).pop("extension"), "crd-respci1"),
    ("an order no one orders", VERSIONS, lambda r: _order(r).update(resourceType="Task"), "does not belong on Task"),
    # the extension
    ("no coverage", VERSIONS, lambda r: _parts(r).pop(0), ":coverage: is there 0 times"),
    ("coverage twice", VERSIONS, lambda r: _parts(r).append(_parts(r)[0]), ":coverage: is there 2 times"),
    (
        "coverage is a patient",
        VERSIONS,
        lambda r: _parts(r)[0].update(valueReference={"reference": "Patient/p1"}),
        "refers to Patient",
    ),
    (
        "coverage only displayed",
        VERSIONS,
        lambda r: _parts(r)[0].update(valueReference={"display": "x"}),
        "coverage is a link",
    ),
    (
        "unknown part",
        VERSIONS,
        lambda r: _parts(r).append({"url": "policy", "valueString": "x"}),
        "no part of that name",
    ),
    ("unknown code", VERSIONS, lambda r: _parts(r)[1].update(valueCode="maybe"), "required value set"),
    (
        "string for a code",
        VERSIONS,
        lambda r: _parts(r).__setitem__(1, {"url": "covered", "valueString": "covered"}),
        "may not have 'valueString'",
    ),
    ("part without value", VERSIONS, lambda r: _parts(r)[1].pop("valueCode"), "0 values"),
    ("part within a part", VERSIONS, lambda r: _parts(r)[1].update(extension=[]), "may not have 'extension'"),
    ("date that is none", VERSIONS, lambda r: _parts(r)[-2].update(valueDate="2026-02-30"), "is no date"),
    ("date with a time", VERSIONS, lambda r: _parts(r)[-2].update(valueDate="2026-11-22T00:00:00Z"), "is no date"),
    (
        "reason with a bare string",
        VERSIONS,
        lambda r: _parts(r).append({"url": "reason", "valueCodeableConcept": "x"}),
        "no CodeableConcept",
    ),
    (
        "doc-needed twice",
        ("2.0",),
        lambda r: _parts(r).extend(
            [{"url": "doc-needed", "valueCode": "admin"}, {"url": "doc-needed", "valueCode": "clinical"}]
        ),
        "doc-needed: is there 2",
    ),
    (
        "expiry-date",
        ("2.0",),
        lambda r: _parts(r).append({"url": "expiry-date", "valueDate": "2027-01-01"}),
        "no part of that name",
    ),
    (
        "contact point",
        ("2.2",),
        lambda r: _parts(r).append({"url": "contact", "valueContactPoint": {"system": "url", "value": "x"}}),
        "valueContactPoint",
    ),
    (
        "contact detail",
        ("2.0", "2.1"),
        lambda r: _parts(r).append({"url": "contact", "valueContactDetail": {"name": "x"}}),
        "valueContactDetail",
    ),
    (
        "detail without category",
        ("2.2",),
        lambda r: _parts(r).append(
            {
                "url": "detail",
                "extension": [
                    {"url": "code", "valueCodeableConcept": {"text": "x"}},
                    {"url": "value", "valueString": "y"},
                ],
            }
        ),
        ":category: is there 0",
    ),
    (
        "detail with category",
        ("2.0", "2.1"),
        lambda r: _add_detail(r, "cat-other", valueString="y"),
        "no part of that name: 'category'",
    ),
    (
        "detail of an unknown category",
        ("2.2",),
        lambda r: _add_detail(r, "cat-any" if _is_2_2(r) else None, valueString="y"),
        "required value set",
    ),
    ("detail with a link", ("2.0",), lambda r: _add_detail(r, _category(r), valueUrl="http://x.example"), "valueUrl"),
    (
        "detail with a comparator",
        ("2.1", "2.2"),
        lambda r: _add_detail(r, _category(r), valueQuantity={"value": 1, "comparator": "<"}),
        "has no 'comparator'",
    ),
    ("detail without a value", VERSIONS, lambda r: _add_detail(r, _category(r)), "0 values"),
    (
        "an invariant broken",
        VERSIONS,
        lambda r: _parts(r).append({"url": "satisfied-pa-id", "valueString": "PA-1"}),
        "crd-ci-q5",
    ),
    # ids, CRD-264, CRD-265, resp-32
    (
        "coverages share an id",
        VERSIONS,
        lambda r: _order(r)["extension"].append(coverage_information(AUTH, "Coverage/c2", "a1")),
        "different coverages share one",
    ),
    (
        "coverages share an authorization",
        VERSIONS,
        lambda r: _order(r).update(
            extension=[coverage_information(SATISFIED), coverage_information(SATISFIED, "Coverage/c2", "a2")]
        ),
        "satisfied-pa-id: different coverages share one",
    ),
    (
        "one coverage has two ids",
        ("2.0", "2.1"),
        lambda r: _order(r)["extension"].append(coverage_information(AUTH, "Coverage/c1", "a2")),
        "one coverage has several",
    ),
    # the updated resource
    (
        "no requester",
        ("2.1", "2.2"),
        lambda r: _order(r).pop("requester"),
        "requester (profile-servicerequest): is there 0",
    ),
    (
        "two locations",
        ("2.1", "2.2"),
        lambda r: _order(r).update(locationReference=[{"display": "x"}, {"display": "y"}]),
        "locationReference (profile-servicerequest): is there 2",
    ),
    (
        "appointment without a start",
        ("2.1", "2.2"),
        lambda r: _action(r).update(resource={k: v for k, v in _appointment().items() if k != "start"}),
        "crd-apt1",
    ),
    (
        "appointment without an end",
        ("2.1", "2.2"),
        lambda r: _action(r).update(resource={k: v for k, v in _appointment().items() if k != "end"}),
        "crd-apt2",
    ),
    (
        "appointment without a performer",
        ("2.2",),
        lambda r: _action(r).update(resource=_appointment(participant=_appointment()["participant"][:1])),
        "participant:PrimaryPerformer",
    ),
    (
        "appointment without a patient",
        ("2.2",),
        lambda r: _action(r).update(resource=_appointment(participant=_appointment()["participant"][1:])),
        "participant:Patient",
    ),
    ("an order with an empty list", VERSIONS, lambda r: _order(r).update(note=[]), "note: is null or empty"),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("versions", "change", "fault"), [pytest.param(*row[1:], id=row[0]) for row in FAULTY])
def test_each_fault_is_found_in_the_versions_that_forbid_it(
    version: str, versions: tuple[str, ...], change: Change, fault: str
) -> None:
    response = a_response(version)
    change(response)

    found = faults(version, response)

    assert any(fault in line for line in found) is (version in versions), found
    assert bool(found) is (version in versions), found


@pytest.mark.parametrize("version", VERSIONS)
def test_other_coverages_and_appointments_are_legal(version: str) -> None:
    response = a_response(version)
    _order(response)["extension"] += [OTHER_COVERAGE, {"url": "http://example.com/other", "valueString": "x"}]
    _action(response)["description"] = "Write two"
    appointment = {**_action(response), "resource": _appointment()}
    response["systemActions"].append(appointment)

    assert faults(version, response) == []


def test_what_an_order_lacks_is_no_fault_of_the_answer() -> None:
    response = a_response("2.2")
    del _order(response)["requester"]
    _order(response)["note"] = []

    assert answer_faults("2.2", response) == []
    assert len(faults("2.2", response)) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_response_is_not_changed_by_its_check(version: str) -> None:
    response = a_response(version)
    faults(version, response)

    assert response == a_response(version)
