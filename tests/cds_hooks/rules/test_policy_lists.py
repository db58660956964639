"""Policies begun from a list of codes, forms beside policies, and what the policies of a payer leave open together."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cards import read_policy
from cds_hooks.commands.main import main
from cds_hooks.errors import StartError
from cds_hooks.rules.cases import ANY_PAYER
from cds_hooks.rules.code_lists import read_code_list
from cds_hooks.rules.folders import SHIPPED
from cds_hooks.rules.gaps import find_gaps
from cds_hooks.rules.loading import Rules, load_policies
from cds_hooks.rules.questionnaires import load_questionnaires
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import read_settings

COVERED = {"covered": "covered", "pa-needed": "no-auth"}
REFERENCES = [{"title": "T", "url": "https://example.org/policy", "retrieved": "2026-11-01"}]


def read_list(text: str, tmp_path: Path, rules: Rules) -> Any:
    path = tmp_path / "codes.csv"
    path.write_text(text, encoding="utf-8-sig")
    return read_code_list(path, rules.vocabulary.code_systems, "Service")


def test_each_line_of_a_list_is_a_code_or_a_range_of_a_group(tmp_path: Path, rules: Rules) -> None:
    listed = read_list(
        "Code, To ,group,service,remark\nE0747,,bone,Stimulator,x\nhcpcs k0800,k0802,scooters,Scooter\n\n63650\n",
        tmp_path,
        rules,
    )

    assert listed.unread == ("remark",)
    assert listed.groups == (
        ("bone", "Stimulator", ("HCPCS E0747",)),
        ("scooters", "Scooter", ("HCPCS K0800 to K0802",)),
        ("services", "Service", ("CPT 63650",)),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("group\nbone\n", "line 1: must name the columns: code, to, group, service; code is missing"),
        ("code\n", "no codes"),
        ("code,to\nK0802,K0800\n", "line 2: K0802 to K0800: a range rises, and has 1000 codes at most"),
        ("code\nE0747\nE07477\n", "line 3: E07477 is no code that HCPCS can have"),
        (
            "code\nE0747-NU\n",
            "line 2: E0747-NU has a modifier, which policies do not tell apart: list the code alone",
        ),
        ("code\nK0800-02\n", "line 2: K0800-02 has a modifier"),
        ("code\nK0800-K08\n", "line 2: K0800-K08 is no code that HCPCS can have (a range has its first code in"),
        ("code\n100\n", "line 2: 100 is no code that CPT can have (was it 00100? Programs for tables drop zeros"),
        ("code;group\nE0747;a\n", "line 1: has semicolons or tabs between its values: save the file with commas"),
        (
            "HCPCS Code,group\nE0747,a\n",
            "line 1: must name the columns: code, to, group, service; code is missing (is hcpcs code meant for it?)",
        ),
        ("code,group\nE0747,a,b\n", "line 2: has more values than there are columns"),
        ("code,group\nE0747,!\n", "line 2: group: ! has no letter or digit to be named by"),
        ("code,group\nE0747,a\nE0747,b\n", "line 3: E0747 is there already, on line 2"),
        ("code,to\nE0747,\nE0745,E0749\n", "line 3: E0747 is there already, on line 2"),
        ("code\nE0747\nZZ 1\n", "line 3: ZZ 1: no code system 'ZZ'"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(text: str, reason: str, tmp_path: Path, rules: Rules) -> None:
    with pytest.raises(StartError) as refused:
        read_list(text, tmp_path, rules)

    assert f"codes.csv: {reason}" in str(refused.value)


@pytest.mark.parametrize("text", ["K0800-K0802", "K0800 - K0802", "hcpcs k0800\u2013k0802", "HCPCS K0800 to K0802"])
def test_a_range_may_stand_in_one_cell(text: str, tmp_path: Path, rules: Rules) -> None:
    """Lists have it so; what a modifier follows is no range."""
    assert read_list(f"code,group\n{text},\n", tmp_path, rules).groups[0].codes == ("HCPCS K0800 to K0802",)


def test_a_group_is_named_as_policies_can_write_it(tmp_path: Path, rules: Rules) -> None:
    listed = read_list(
        "code,group\nE0747,Bone stimulators (non-spinal)!\nE0747,bone stimulators: non spinal\n", tmp_path, rules
    )

    assert [group.name for group in listed.groups] == ["bone-stimulators-non-spinal"]


def test_a_policy_begun_from_a_list_loads_and_answers_its_codes(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code,group\nE0747,bone\nK0800,scooters\n")
    folder = tmp_path / "policies"

    begun = CliRunner().invoke(
        main, ["policies", "new", "acme-pa", "--from-codes", str(tmp_path / "codes.csv"), "--in", str(folder)]
    )
    checked = CliRunner().invoke(main, ["policies", "check", str(folder)])

    assert begun.exit_code == 0, begun.output
    finding, note, summary = checked.output.splitlines()
    assert finding == f"{folder}/acme-pa/cases.json: $.cases: no case expects covered or not-covered"
    assert note.startswith(f"Note: {folder}/acme-pa/policy.json: still has what a new policy starts with: $.rights, ")
    assert summary == "1 finding in 1 file"


# --- what policies leave open together ------------------------------------------------------------------------------


def policy(rules: Rules, identity: str, said: dict[str, Any], start: str = "2026-01-01", **more: Any) -> Any:
    version = {**said, "verdict": "v", "position": "P.", "groups": ["a"], "references": REFERENCES}
    document = {
        "id": identity, "title": "T", "service": "S", "publisher": "P", "reviewed": "2026-11-01", "rights": "R",
        "versions": {start: version}, "groups": {"a": {"service": "S", "codes": ["HCPCS K0800 to K0806"], **more}},
    }  # fmt: skip
    return read_policy(document, rules.vocabulary)


def gaps(*policies: Any, bound: tuple[str, ...] = ("one", "two")) -> list[str]:
    payer = replace(ANY_PAYER, id="acme", policies=bound)
    return list(find_gaps([payer], {one.id: one for one in policies}))


def test_two_policies_of_a_payer_that_never_say_the_same_are_noted_from_their_first_common_day(rules: Rules) -> None:
    one, two = policy(rules, "one", COVERED), policy(rules, "two", {"covered": "not-covered"}, "2026-03-01")

    named = "HCPCS K0800, HCPCS K0801, HCPCS K0802, HCPCS K0803, HCPCS K0804 and 2 more"
    said = "one says covered no-auth, two says not-covered; the stricter is answered"
    assert gaps(one, two) == [f"acme from 2026-03-01 on: of {named} {said}"]


def test_policies_that_can_agree_or_bind_no_common_payer_contradict_nothing(rules: Rules) -> None:
    answers = [{"if": {"place-of-service": ["22"]}, "covered": "covered", "pa-needed": "auth-needed"}, COVERED]
    one, two = policy(rules, "one", COVERED), policy(rules, "two", {"covered": "not-covered"}, answers=answers)

    assert gaps(one, two) == []
    assert gaps(one, policy(rules, "two", {"covered": "not-covered"}), bound=("one",)) == [
        "no payer names two: nobody's orders for its 7 codes are answered by it"
    ]


def test_the_shipped_policies_leave_nothing_open_together(rules: Rules) -> None:
    assert list(find_gaps(rules.payers.payers, load_policies(SHIPPED / "policies", rules.vocabulary))) == []


def test_check_notes_a_policy_that_no_payer_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED / "policies", tmp_path / "policies")
    shutil.copytree(SHIPPED / "payers", tmp_path / "payers")
    payer = tmp_path / "payers" / "medicare.json"
    payer.write_text(payer.read_text().replace(',\n    "cms-dmepos-prior-authorization"', ""))
    monkeypatch.setenv("CRD_POLICIES", str(tmp_path / "policies"))
    monkeypatch.setenv("CRD_PAYERS", str(tmp_path / "payers"))

    checked = CliRunner().invoke(main, ["policies", "check"])

    assert checked.exit_code == 0, checked.output
    assert "Note: no payer names cms-dmepos-prior-authorization" in checked.output


# --- forms ----------------------------------------------------------------------------------------------------------


def test_forms_are_part_of_the_rules_and_of_their_digest(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "policies", tmp_path / "policies")
    settings = read_settings(policies=tmp_path / "policies")
    before = read_rules(settings)
    path = tmp_path / "policies" / "questionnaires" / "home-oxygen.json"
    path.write_text(path.read_text().replace("Home oxygen", "Oxygen at home"))

    after = read_rules(settings)

    assert json.loads(after.questionnaires["home-oxygen"])["title"] == "Oxygen at home"
    assert before.digest != after.digest
    assert str(path) in after.files


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read as JSON in UTF-8"),
        ('{"resourceType": "Patient"}', "$.resourceType: must be Questionnaire"),
        ('{"resourceType": "Questionnaire", "id": "form", "status": "active"}', "$.url: missing"),
        ('{"resourceType": "Questionnaire", "id": "x", "url": "u", "status": "draft"}', "$.id: must be the name"),
    ],
)
def test_a_form_that_is_none_is_refused_with_its_file(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "questionnaires").mkdir()
    (tmp_path / "questionnaires" / "form.json").write_text(text)

    with pytest.raises(StartError) as refused:
        load_questionnaires(tmp_path)

    assert "questionnaires/form.json: " + reason in str(refused.value)


BASE = "https://crd.payer.example/crd"
OXYGEN = "http://example.org/crd/Questionnaire/home-oxygen"
LEADS = "leads to this service, which has"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (f"{BASE}/fhir/Questionnaire/home-oxigen", f"{LEADS} no form home-oxigen (known: home-oxygen)"),
        (f"{BASE.upper()[:8]}crd.payer.example:443/crd/fhir/Questionnaire/x", f"{LEADS} no form x (known: home-oxygen)"),
        (f"{BASE}/Questionnaire/home-oxygen", f"{LEADS} forms at /fhir/Questionnaire/ID alone"),
        (f"{BASE}/fhir/Questionnaire/", f"{LEADS} forms at /fhir/Questionnaire/ID alone"),
        (f"{BASE}/fhir/Questionnaire/home-oxygen", f"leads to a form of this service whose own url is {OXYGEN}"),
        ("https://crd.payer.example/crds/fhir/Questionnaire/other", None),
        ("https://forms.payer.example/fhir/Questionnaire/other", None),
    ],
)  # fmt: skip
def test_check_finds_forms_of_this_service_that_it_does_not_have(
    new: str, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DTR clients read the form that coverage information names, and would find nothing, or another one."""
    policy = tmp_path / "policies" / "example-coverage-guide" / "policy.json"
    checked = check_with(policy, OXYGEN, new, tmp_path, monkeypatch)

    where = f"{policy}: $.groups['home-oxygen'].documentation.questionnaires[0]: {new} "
    assert checked.exit_code == (1 if told else 0), checked.output
    assert (f"{where}{told}" in checked.output.splitlines()) is bool(told)
    if not told:
        assert f"Note: example-health-plan says where {OXYGEN} is completed, and no policy" in checked.output


def check_with(path: Path, old: str, new: str, folder: Path, monkeypatch: pytest.MonkeyPatch, base: str = BASE) -> Any:
    for name in ("policies", "payers"):
        shutil.copytree(SHIPPED / name, folder / name)
        monkeypatch.setenv(f"CRD_{name.upper()}", str(folder / name))
    monkeypatch.setenv("CRD_PUBLIC_BASE_URL", base)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(f'"{old}"', f'"{new}"'))
    return CliRunner().invoke(main, ["policies", "check"])


@pytest.mark.parametrize(
    ("base", "link", "told"),
    [
        (BASE, f"{BASE}/launch", f"{LEADS} forms at /fhir/Questionnaire/ID alone"),
        (BASE, f"{BASE}/fhir/Questionnaire/home-oxygen", None),
        ("", "http://localhost:8000/forms/oxygen", f"{LEADS} forms at /fhir/Questionnaire/ID alone"),
        (BASE, "https://dtr.payer.example/launch", None),
    ],
)
def test_check_finds_launches_that_lead_to_this_service(
    base: str, link: str, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer = tmp_path / "payers" / "example-health-plan.json"
    checked = check_with(
        payer, "https://example.org/example-health-plan/forms/home-oxygen", link, tmp_path, monkeypatch, base
    )

    where = f"{payer}: $['questionnaire-links']['{OXYGEN}'].url: {link} "
    assert (f"{where}{told}" in checked.output.splitlines()) is bool(told)
    assert checked.exit_code == (1 if told else 0)


# --- what is shown and exported -------------------------------------------------------------------------------------


def test_explain_shows_which_answer_was_chosen_and_on_what_it_rests() -> None:
    for place, expected in (
        (["--place", "22"], "place of service 22 -> covered, auth-needed"),
        ([], "open, so that location is asked for -> covered, conditional"),
    ):
        told = CliRunner().invoke(main, ["explain", "--code", "63650", "--payer", "medicare", *place])

        assert told.exit_code == 0, told.output
        asked = "cms-opd-prior-authorization@2025-01-01:spinal-neurostimulator depends on the place of service"
        assert told.output.splitlines()[-1] == f"  - conditions: {asked}: {expected}"


def test_a_list_names_the_answers_of_groups_by_their_number() -> None:
    listed = CliRunner().invoke(main, ["policies", "list", "--json"])

    said = {row["id"]: (row["covered"], row["verdict"]) for row in json.loads(listed.output)}
    assert said["cms-dmepos-prior-authorization"] == ("by-group", "6 groups of codes")


def test_show_says_what_holds_for_a_day_and_each_group_once() -> None:
    shown = CliRunner().invoke(main, ["policies", "show", "cms-dmepos-prior-authorization", "--on", "2024-08-20"])

    assert "    osteogenesis-stimulators:" in shown.output
    assert "  pa-needed: auth-needed" in shown.output
    assert "knee-orthosis-l1833" not in shown.output
    assert shown.output.count("Medicare pays for this item only if") == 1


def test_diff_tells_another_authorization_as_another_answer(tmp_path: Path) -> None:
    draft = tmp_path / "example-coverage-guide"
    shutil.copytree(SHIPPED / "policies" / "example-coverage-guide", draft)
    path = draft / "policy.json"
    path.write_text(path.read_text().replace('"pa-needed": "performpa"', '"pa-needed": "auth-needed"'))

    compared = CliRunner().invoke(main, ["policies", "diff", str(SHIPPED / "policies"), str(draft)])

    assert compared.exit_code == 1
    assert "covered, performpa (definitive) -> covered, auth-needed (definitive)" in compared.output


def test_the_export_has_groups_with_their_codes_answers_and_conditions(tmp_path: Path) -> None:
    out = tmp_path / "bundle.json"
    done = CliRunner().invoke(main, ["export", "fhir", "--out", str(out), "--on", date(2026, 11, 23).isoformat()])
    assert done.exit_code == 0, done.output

    resources = [entry["resource"] for entry in json.loads(out.read_text())["entry"]]
    plans = {r["id"]: r for r in resources if r["resourceType"] == "PlanDefinition"}
    fusion = plans["cms-opd-prior-authorization.2025-01-01"]["action"][0]
    assert fusion["title"] == "Cervical fusion with disc removal"
    assert fusion["description"] == "For CPT 22551, CPT 22552."
    first, second = fusion["action"]
    assert first["condition"][0]["expression"]["expression"] == "place-of-service: one of 19, 22"
    assert "The review takes 7 calendar days" in first["description"]
    assert [code["text"] for code in second["code"]] == ["covered: covered", "pa-needed: no-auth"]
    codes = next(r for r in resources if r["id"] == "cms-dmepos-prior-authorization.2024-08-12.definitive")
    assert {"code": "K0801", "display": "Power mobility device"} in codes["compose"]["include"][0]["concept"]
