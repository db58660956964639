"""Each example is posted to a really running service, and its response compared whole."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cds_hooks.documents import load_schema
from tests.guide.conformance import faults
from tests.guide.definitions import FOLDERS, read_guide
from tests.members import FOLDER, UNAVAILABLE

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "fhir_examples").glob("*/*/request.json"))
NAMES = [f"{path.parent.name}/{path.name}" for path in EXAMPLES]

#: The services that answer the examples of some folders, by fixture.
ANSWERING = {FOLDER: "asking_service", UNAVAILABLE: "failing_payer_service"}
PRIMARY = {"order-sign", "order-dispatch", "appointment-book"}


def version_of(case: Path) -> str:
    """The version of the guide that an example's request asks for; 2.0 is the default."""
    request = json.loads((case / "request.json").read_text())
    return request.get("extension", {}).get("davinci-crd.requestedVersion", "2.0")


def test_there_is_an_example_for_each_hook_in_each_version() -> None:
    """CRD-4, CRD-164, 184, 207, 226; hook-16, hook-26, hook-33, hook-39; resp-26: and primary hooks annotate."""
    seen = set()
    for case in EXAMPLES:
        hook = json.loads((case / "request.json").read_text())["hook"]
        actions = json.loads((case / "response.json").read_text()).get("systemActions", ())
        if hook not in PRIMARY or actions:
            seen.add((hook, version_of(case)))

    hooks = PRIMARY | {"order-select", "encounter-start", "encounter-discharge"}
    assert {(hook, version) for hook in hooks for version in ("2.0", "2.1", "2.2")} <= seen


#: The parts of coverage information that say an answer in codes.
PARTS = ("covered", "pa-needed", "doc-needed", "doc-purpose", "info-needed")

#: Codes of the guide that no answer can have, with the invariant of the version that stands against it.
CANNOT = {("2.1", "doc-purpose", "withpa"): "crd-ci-q4", ("2.2", "doc-purpose", "withpa"): "crd-ci-q4"}


def kinds_of_answers(version: str) -> set[tuple[str, str]]:
    """Every code that a version of the guide has for the parts that say an answer, and for its reasons."""
    guide = read_guide(version)
    codes = {(part, code) for part in PARTS for code in guide.parts[part].codes}
    return codes | {("reason", code) for _, code in guide.reasons}


def codes_said(case: Path) -> Iterator[tuple[str, str]]:
    """The codes of the coverage information that an example writes, with the part that each stands in."""
    for action in json.loads((case / "response.json").read_text()).get("systemActions", ()):
        for part in (part for ext in action["resource"].get("extension", ()) for part in ext.get("extension", ())):
            if "valueCode" in part:
                yield part["url"], part["valueCode"]
            yield from ((part["url"], c["code"]) for c in part.get("valueCodeableConcept", {}).get("coding", ()))


@pytest.mark.parametrize("version", FOLDERS)
def test_every_kind_of_answer_that_the_guide_has_is_in_an_example_of_its_version(version: str) -> None:
    """resp-52: all codes of the value sets that coverage information is bound to, as published."""
    said = {code for case in EXAMPLES if version_of(case) == version for code in codes_said(case)}

    assert len(kinds_of_answers(version)) > 20
    assert kinds_of_answers(version) - said == {(part, code) for v, part, code in CANNOT if v == version}


@pytest.mark.parametrize(("version", "part", "code"), CANNOT)
def test_a_code_that_no_answer_can_have_breaks_a_published_invariant(version: str, part: str, code: str) -> None:
    """crd-ci-q4 is empty, hence failed, with any doc-purpose of withpa where authorization is needed, as it must be."""
    response = json.loads(
        (ROOT / f"fhir_examples/example-coverage-guide/every-answer-{version}/response.json").read_text()
    )
    pump = next(a["resource"] for a in response["systemActions"] if a["resource"]["id"] == "pump-1")
    parts = pump["extension"][0]["extension"]
    assert faults(version, response) == []
    assert {"url": "pa-needed", "valueCode": "auth-needed"} in parts

    parts.append({"url": part, "valueCode": code})

    assert CANNOT[version, part, code] in str(faults(version, response))


@pytest.mark.parametrize("case", EXAMPLES, ids=NAMES)
def test_an_examples_response_keeps_the_definitions_of_its_version(case: Path) -> None:
    """conf-5, conf-13; resp-13, resp-22, resp-24, resp-47, resp-52: profiles, invariants and models of each version."""
    assert faults(version_of(case), json.loads((case / "response.json").read_text())) == []


@pytest.mark.parametrize("case", EXAMPLES, ids=NAMES)
def test_an_example_is_answered_as_its_response_says(case: Path, request: pytest.FixtureRequest) -> None:
    """CRD-4; HK-16, 74, 75."""
    body = (case / "request.json").read_bytes()
    answering = request.getfixturevalue(ANSWERING.get(case.parent.name, "service"))

    response = answering.post(f"/cds-services/{json.loads(body)['hook']}-crd", body)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    # Numbers compare as written: FHIR precision is meaning.
    assert json.loads(response.text, parse_float=str) == json.loads(
        (case / "response.json").read_text(), parse_float=str
    )


@pytest.mark.parametrize("case", EXAMPLES, ids=NAMES)
def test_an_examples_response_is_as_cds_hooks_has_it(case: Path) -> None:
    """CDS Hooks 2.0, CDS Service Response, and its Inferno checks: see the schema's descriptions.

    HK-90, 98, 100, 103, 105, 107, 115, 127, 128, 130, 136, 214; HK-216 to 220; resp-4, resp-5.
    """
    schema = load_schema(ROOT / "cds_hooks" / "schemas" / "hook-response.schema.json").validator
    response = json.loads((case / "response.json").read_text())

    jsonschema.validate(response, schema.schema, cls=type(schema), format_checker=schema.format_checker)


@pytest.mark.parametrize("case", EXAMPLES, ids=NAMES)
def test_an_examples_response_has_no_null_and_nothing_empty(case: Path) -> None:
    """HK-3: no element is null or empty; `cards` may be empty, and Inferno wants an empty systemActions."""
    response = json.loads((case / "response.json").read_text())

    assert [path for path, value in _walk(response) if value in (None, "", [], {})] == [
        path for path in ("$.cards", "$.systemActions") if response.get(path[2:]) == []
    ]


@pytest.mark.parametrize("case", EXAMPLES, ids=NAMES)
def test_an_examples_ids_are_its_own(case: Path) -> None:
    """Two calls never share the id of a card or of an assertion, though their hookInstance might be the same. HK-80."""
    ids = {path: _ids(path) for path in EXAMPLES}

    mine = ids.pop(case)

    assert not mine & set().union(*ids.values())


def test_every_updated_order_is_the_order_that_came_plus_coverage_information() -> None:
    """CRD 2.0.1: only the coverage information may change; 2.2 resp-37 says so in one SHALL NOT. HK-132."""
    seen = 0
    for case in EXAMPLES:
        request = json.loads((case / "request.json").read_text(), parse_float=str)
        sent = [value for _, value in _walk(request) if isinstance(value, dict) and "resourceType" in value]
        orders = {resource["id"]: resource for resource in sent if "id" in resource}
        for action in json.loads((case / "response.json").read_text(), parse_float=str).get("systemActions", ()):
            after = action["resource"]
            extension = after.pop("extension")
            assert after == orders[after["id"]]
            assert [e["url"].rpartition("/")[2] for e in extension] == ["ext-coverage-information"]
            seen += 1
    assert seen >= 6


def test_every_offered_order_is_the_order_that_came_plus_a_code() -> None:
    """HK-132; resp-53, resp-55: what a tap changes is one coding."""
    seen = 0
    for case in EXAMPLES:
        request = json.loads((case / "request.json").read_text(), parse_float=str)
        sent = [value for _, value in _walk(request) if isinstance(value, dict) and "resourceType" in value]
        orders = {resource["id"]: resource for resource in sent if "id" in resource}
        for offered in _offers(case):
            order = orders[offered["id"]]
            assert offered["code"]["coding"][:-1] == order["code"].get("coding", [])
            assert {**offered, "code": {**offered["code"], "coding": []}} == {
                **order,
                "code": {**order["code"], "coding": []},
            }
            seen += 1
    assert seen >= 5


def test_the_example_of_one_tap_goes_from_a_question_to_an_answer() -> None:
    """What is offered in the first of two calls is the order of the second, and that is answered."""
    asked, done = (ROOT / "fhir_examples" / "evicore-cmm-204" / name for name in ("one-tap-asked", "one-tap-done"))
    request = json.loads((done / "request.json").read_text())

    assert _offers(asked) == [request["context"]["draftOrders"]["entry"][0]["resource"]]
    assert [_covered(case) for case in (asked, done)] == [["conditional"], ["not-covered"]]


def _offers(case: Path) -> list[Any]:
    """The orders in the suggestions of an example's cards."""
    cards = json.loads((case / "response.json").read_text(), parse_float=str)["cards"]
    suggestions = [suggestion for card in cards for suggestion in card.get("suggestions", ())]
    return [action["resource"] for suggestion in suggestions for action in suggestion.get("actions", ())]


def _covered(case: Path) -> list[str]:
    return re.findall(r'"covered",\s*"valueCode": "([^"]+)"', (case / "response.json").read_text())


@pytest.fixture(scope="session", name="validate_profile")
def _validate_profile() -> Any:
    """The independent check against the CRD 2.0.1 profiles; it needs Node and the material beside the repository."""
    shared = Path(os.environ.get("CRD_SHARED", ROOT.parent / "shared"))
    tool = shared / "tools" / "validate_profile.mjs"
    modules = ROOT / "tests" / "profile" / "node_modules"
    if not shutil.which("node") or not tool.is_file() or not modules.is_dir():
        pytest.skip(f"needs node, {tool} and {modules} (scripts/node-modules installs them)")

    def run(paths: list[Path]) -> subprocess.CompletedProcess[str]:
        command = ["node", str(tool), *map(str, paths)]
        return subprocess.run(command, cwd=modules.parent, capture_output=True, text=True, check=False)

    return run


def test_every_response_keeps_the_published_profiles(validate_profile: Any) -> None:
    """CRD 2.0.1: StructureDefinitions, bindings and invariants crd-ci-q1 to q5 of the published package.

    CRD-272: the updated Appointment among them.

    CRD-274, 276; conf-13.
    """
    checked = validate_profile([case / "response.json" for case in EXAMPLES if version_of(case) == "2.0"])

    # The authors of 2.0.1 lost Appointment among the contexts of the extension; 2.1 mended it (crd.md 11, 2).
    said = [line for line in checked.stdout.splitlines() if "not allowed on Appointment" not in line]
    errors = [line for line in said if line.strip().startswith("error")]
    assert not errors, checked.stdout + checked.stderr
    assert checked.stdout.count("errors=0") >= 8, checked.stdout + checked.stderr


def test_every_request_keeps_the_published_profiles(validate_profile: Any) -> None:
    """The examples are valid FHIR; a re-signed order is active, which only the 2.0.1 profile (draft) forbids."""
    cases = [case for case in EXAMPLES if case.name != "already-signed" and version_of(case) == "2.0"]
    paths = [case / "request.json" for case in cases]

    checked = validate_profile(paths)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def _walk(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _walk(item, f"{path}.{name}")


def _ids(case: Path) -> set[str]:
    text = (case / "response.json").read_text()
    return set(re.findall(r'"coverage-assertion-id",\s*"valueString": "([^"]+)"', text))
