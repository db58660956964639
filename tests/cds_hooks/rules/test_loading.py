"""Policies, payers and vocabulary are checked once, at start; a wrong file stops it with file, path and reason."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.errors import StartError
from cds_hooks.rules.loading import Rules, load_rules

SHIPPED = Path(__file__).resolve().parents[3] / "cards"


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    """A deployment's own copy of all three folders."""
    for name in ("policies", "payers", "vocabulary"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    return tmp_path


def load(data: Path) -> Rules:
    return load_rules(data / "vocabulary", data / "policies", data / "payers")


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def version(document: Any) -> Any:
    return document["versions"]["2023-05-31"]


def test_the_shipped_files_load(data: Path) -> None:
    rules = load(data)

    assert "evicore-cmm-204" in rules.index.policies
    assert rules.payers.default.id == "example-health-plan"


@pytest.mark.parametrize(
    ("file", "change", "path"),
    [
        ("policies/evicore-cmm-204/policy.json", lambda d: d.pop("rights"), "$"),
        ("policies/evicore-cmm-204/policy.json", lambda d: d.update(reviewed="yesterday"), "$.reviewed"),
        ("policies/evicore-cmm-204/policy.json", lambda d: d.update(extra=1), "$"),
        ("policies/evicore-cmm-204/policy.json", lambda d: d.update(id="another"), "$.id"),
        ("policies/evicore-cmm-204/policy.json", lambda d: d["versions"].update({"2024-02-30": None}), "2024-02-30"),
        ("policies/evicore-cmm-204/policy.json", lambda d: d["versions"].update({"soon": None}), "soon"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update(covered="no"), ".covered"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update(covered="covered"), "pa-needed"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update({"pa-needed": "no-auth"}), "pa-needed"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update({"next-steps": ["No full stop"]}), "['next-steps'][0]"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update({"next-steps": ["A.", "B.", "C.", "D."]}), "['next-steps']"),
        ("payers/example-health-plan.json", lambda d: d.update(url="http://plan.example/"), "$.url"),
        ("payers/example-health-plan.json", lambda d: d.update(icon="http://plan.example/100.png"), "$.icon"),
        ("payers/example-health-plan.json", lambda d: d.update(icon="data:image/png;base64,AAAA"), "$.icon"),
        ("payers/example-health-plan.json", lambda d: d.update({"override-reasons": [{"code": "two words", "display": "x"}]}), "$['override-reasons'][0].code"),
        ("payers/example-health-plan.json", lambda d: (d.pop("url"), d.update({"override-reasons": [{"code": "x", "display": "x"}]})), "$['override-reasons'][0]"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d)["codes"][0].update(system="HCPS"), ".codes[0].system"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d)["codes"][0].pop("display"), ".codes[0]"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update(terms=["@prolo"]), ".terms[0]"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d).update(references=[]), ".references"),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d)["references"][0].update(url="not a url"), ".url"),
        (
            "policies/evicore-cmm-204/policy.json",
            lambda d: version(d)["references"][0].update(url="https://a.example/xhttps://b.example/y"),
            ".url",
        ),
        ("policies/evicore-cmm-204/policy.json", lambda d: version(d)["references"][0].update(retrieved="2026-13-01"), ".retrieved"),
        ("payers/example-health-plan.json", lambda d: d.update(policies=["no-such-policy"]), "$.policies[0]"),
        ("payers/example-health-plan.json", lambda d: d.update({"policy-links": {"x": "https://a.example"}}), "$.policy-links"),
        ("payers/example-health-plan.json", lambda d: d.update({"policy-contacts": {"x": {"telecom": [{"system": "phone", "value": "1"}]}}}), "$.policy-contacts"),
        ("payers/example-health-plan.json", lambda d: d.pop("name"), "$"),
        ("vocabulary/code-systems.json", lambda d: d["codeSystems"].append(d["codeSystems"][0]), "$.codeSystems"),
        ("vocabulary/words.json", lambda d: d["lists"]["prolotherapy"].update(terms=[]), "$.lists"),
        ("vocabulary/words.json", lambda d: d["lists"]["prolotherapy"].update(codes=[{"system": "X", "code": "1"}]), "$.lists"),
        ("payers/medicare.json", lambda d: d["recognised-by"]["coverage-types"][0].update(system="X"), "$.recognised-by"),
        ("policies/cms-ncd-150-7/policy.json", lambda d: d["versions"]["unknown"]["inference"].update(agents=["@no-list"]), ".agents"),
        ("policies/cms-ncd-150-7/policy.json", lambda d: d["versions"]["unknown"].pop("unlisted-means-nothing"), "unlisted-means-nothing"),
        ("vocabulary/cues.json", lambda d: d["cues"][0].update(side="left"), "$.cues[0].side"),
    ],
)  # fmt: skip
def test_a_wrong_file_stops_the_start_with_file_path_and_reason(
    file: str, change: Callable[[Any], Any], path: str, data: Path
) -> None:
    edit(data / file, change)

    with pytest.raises(StartError) as refused:
        load(data)

    assert str(data / file) in str(refused.value)
    assert path in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"id": "a", "id": "b"}', "Duplicate key `id` at the top level"),
        ('{"id": NaN}', "not JSON"),
        ("\xff", "codec"),
    ],
)
def test_a_file_that_is_not_json_says_where(text: str, says: str, data: Path) -> None:
    (data / "policies" / "broken").mkdir()
    (data / "policies" / "broken" / "policy.json").write_text(text, encoding="latin-1")

    with pytest.raises(StartError, match=says):
        load(data)


def test_all_faults_of_a_file_are_named(data: Path) -> None:
    edit(data / "policies" / "evicore-cmm-204" / "policy.json", lambda d: (d.pop("title"), d.update(reviewed="x")))

    with pytest.raises(StartError) as refused:
        load(data)

    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    "files",
    [
        ("policies/cms-ncd-150-7/policy.json", "policies/evicore-cmm-204/policy.json"),
        ("payers/example-blue-plan.json", "payers/medicare.json"),
    ],
)
def test_the_faults_of_all_files_are_named(data: Path, files: tuple[str, ...]) -> None:
    for file in files:
        edit(data / file, lambda d: d.pop("id"))

    with pytest.raises(StartError) as refused:
        load(data)

    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [str(data / file) for file in files]


@pytest.mark.parametrize(
    ("file", "member", "meant"),
    [("policies/evicore-cmm-204/policy.json", "publishers", "publisher"), ("payers/medicare.json", "policy-link", "policy-links")],
)  # fmt: skip
def test_a_misspelt_member_is_told_with_the_one_that_may_be_meant(
    file: str, member: str, meant: str, data: Path
) -> None:
    edit(data / file, lambda d: (d.pop(meant, None), d.update({member: "x"})))

    with pytest.raises(StartError, match=rf"\$: .*; did you mean '{meant}' for '{member}'\?"):
        load(data)


def flatten(data: Path) -> None:
    """Lay the policies as they were before each had a folder of its own."""
    for folder in [path for path in (data / "policies").iterdir() if (path / "policy.json").is_file()]:
        (folder / "policy.json").rename(data / "policies" / f"{folder.name}.json")
        (folder / "cases.json").rename(data / "policies" / f"{folder.name}.cases.json")
        folder.rmdir()


def test_policies_in_the_flat_form_are_the_same_rules(data: Path) -> None:
    digest = load(data).digest
    flatten(data)

    assert load(data).digest == digest


def test_a_policy_in_both_forms_stops_the_start(data: Path) -> None:
    folder = data / "policies"
    shutil.copy(folder / "evicore-cmm-204" / "policy.json", folder / "evicore-cmm-204.json")

    with pytest.raises(StartError, match="the policy evicore-cmm-204 is there twice"):
        load(data)


def test_a_service_with_flat_policies_answers_and_logs_how_to_move_them(
    data: Path, start_service: Any, example: Any
) -> None:
    flatten(data)
    service = start_service(CRD_PAYERS=str(data / "payers"), CRD_POLICIES=str(data / "policies"))

    assert service.post("/cds-services/order-select-crd", example("m0076-order-select")).json()["cards"]
    [warning] = [
        json.loads(line) for line in service.log.read_text().splitlines() if "policies-without-folders" in line
    ]
    assert warning["level"] == "warning"
    assert warning["folder"] == str(data / "policies")
    subprocess.run(["sh", "-e", "-c", warning["move"]], check=True)
    assert (data / "policies" / "evicore-cmm-204" / "cases.json").is_file()
    assert load(data).digest


def test_an_editors_reference_leads_from_every_shipped_file_to_its_schema() -> None:
    files = [path for kind in ("policies", "payers") for path in (SHIPPED / kind).rglob("*.json")]
    files = [path for path in files if not path.name.endswith(".schema.json") and path.parent.name != "questionnaires"]

    assert len(files) == 16
    for path in files:
        named = (path.parent / json.loads(path.read_text())["$schema"]).resolve()
        schema = {"policy.json": "policy", "cases.json": "policy-cases"}.get(path.name, "payer")
        assert named == SHIPPED / ("payers" if schema == "payer" else "policies") / f"{schema}.schema.json"
        assert named.is_file()


def test_exactly_one_payer_is_the_default(data: Path) -> None:
    edit(data / "payers" / "example-health-plan.json", lambda d: d.update(default=False))

    with pytest.raises(StartError, match="exactly one payer"):
        load(data)


def test_two_payers_cannot_be_recognised_by_the_same_mark(data: Path) -> None:
    twin = json.loads((data / "payers" / "example-health-plan.json").read_text())
    twin.update(id="twin", name="Twin", default=False)
    (data / "payers" / "twin.json").write_text(json.dumps(twin))

    with pytest.raises(StartError, match="recognised as"):
        load(data)


@pytest.mark.parametrize("folder", ["policies", "payers"])
def test_an_empty_folder_stops_the_start(folder: str, data: Path) -> None:
    shutil.rmtree(data / folder)
    (data / folder).mkdir()

    with pytest.raises(StartError, match=r": no (policies|payer files) \(.*\) here"):
        load(data)


def test_a_missing_vocabulary_file_stops_the_start(data: Path) -> None:
    (data / "vocabulary" / "cues.json").unlink()

    with pytest.raises(StartError, match=r"cues\.json"):
        load(data)


def test_a_deployment_can_bring_its_own_folders(data: Path, start_service: Any, example: Any) -> None:
    link = "https://plan.example.org/prolotherapy"
    edit(data / "payers" / "example-health-plan.json", lambda d: d.update({"policy-links": {"evicore-cmm-204": link}}))
    service = start_service(CRD_PAYERS=str(data / "payers"), CRD_POLICIES=str(data / "policies"))

    answer = service.post("/cds-services/order-select-crd", example("m0076-order-select")).json()

    assert [card_link["url"] for card_link in answer["cards"][0]["links"]] == [link]


@pytest.mark.parametrize("path", sorted(SHIPPED.rglob("*.schema.json")), ids=lambda p: p.name)
def test_every_field_of_a_schema_is_described(path: Path) -> None:
    schema = json.loads(path.read_text())

    assert not list(_undescribed(schema, path.name))


def _undescribed(node: Any, path: str) -> Any:
    if isinstance(node, dict):
        for name, field in node.get("properties", {}).items():
            is_field = isinstance(field, dict) and ("type" in field or "enum" in field or "$ref" in field)
            if is_field and "description" not in field:
                yield f"{path}.{name}"
        for name, item in node.items():
            if name not in ("if", "then", "allOf"):
                yield from _undescribed(item, f"{path}.{name}")
    elif isinstance(node, list):
        for item in node:
            yield from _undescribed(item, path)
