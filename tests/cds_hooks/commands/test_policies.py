"""The commands `crd policies`, as an analyst runs them, on a deployment of their own with one small policy."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cards import read_policy
from cds_hooks.rules.loading import load_vocabulary
from cds_hooks.rules.text import show_lines
from tests.forked_process import run_crd

ROOT = Path(__file__).resolve().parents[3]

HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def by_code(code: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": HCPCS, "code": code}]}}


POLICY: dict[str, Any] = {
    "id": "acme-12",
    "title": "Knee braces",
    "service": "Knee brace",
    "publisher": "Acme Guidelines",
    "number": "A-12",
    "reviewed": "2026-01-02",
    "rights": "Ask Acme first.",
    "versions": {
        "2023-05-31": {
            "label": "V1",
            "covered": "not-covered",
            "verdict": "considered unproven",
            "position": "Knee braces are considered unproven.",
            "notes": ["The member's own benefit decides."],
            "codes": [
                {"system": "HCPCS", "code": "M0076", "display": "Brace, old", "role": "definitive"},
                {"system": "HCPCS", "code": "L1810", "display": "Brace, new", "role": "definitive"},
                {"system": "CPT", "code": "29799", "role": "nonspecific", "note": "Casting and strapping."},
            ],
            "terms": ["zorbling brace"],
            "references": [{"title": "A-12", "url": "https://acme.example.org/a-12", "retrieved": "2026-01-01"}],
        }
    },
}

CASES: list[dict[str, Any]] = [
    {"name": "The day before it starts", "on": "2023-05-30", "expect": "nothing", "order": by_code("M0076")},
    {
        "name": "The day it starts",
        "on": "2023-05-31",
        "expect": "not-covered",
        "strength": "definitive",
        "order": by_code("M0076"),
    },
    {"name": "The old code later on", "on": "2026-01-01", "expect": "not-covered", "order": by_code("M0076")},
    {"name": "The new code later on", "on": "2026-01-01", "expect": "not-covered", "order": by_code("L1810")},
    {
        "name": "The words, much later",
        "on": "2099-12-31",
        "expect": "not-covered",
        "strength": "stated",
        "order": {"code": {"text": "Zorbling brace"}},
    },
    {
        "name": "Another service",
        "on": "2026-01-01",
        "expect": "nothing",
        "order": {"code": {"text": "MRI of the knee"}},
    },
]

PAYER = {
    "id": "acme",
    "name": "Acme Health",
    "default": True,
    "reviewed": "2026-01-02",
    "recognised-by": {"names": ["Acme"]},
    "policies": ["acme-12"],
}


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


class Desk:
    """An analyst's folder with a whole deployment in it: policies, their cases, payers and the shipped vocabulary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policies = folder / "policies"
        self.policy_file = write(self.policies / "acme-12" / "policy.json", POLICY)
        self.cases_file = write(self.policies / "acme-12" / "cases.json", {"cases": CASES})
        write(folder / "payers" / "acme.json", PAYER)
        shutil.copytree(ROOT / "cards" / "vocabulary", folder / "vocabulary")

    def crd(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        folders = {f"CRD_{name.upper()}": str(self.folder / name) for name in ("policies", "payers", "vocabulary")}
        with contextlib.chdir(self.folder):
            return run_crd("policies", *map(str, arguments), environment={**os.environ, **folders})

    def json(self, *arguments: object) -> Any:
        ended = self.crd(*arguments, "--json")
        assert not ended.stderr
        return json.loads(ended.stdout)

    def edited(self, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
        """Write a changed copy of the policy, without cases, into a folder of policies beside, which is returned."""
        changed(self.policy_file, self.folder / name / "acme-12" / "policy.json", change)
        return self.folder / name


def changed(source: Path, target: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(source.read_text())
    change(document)
    return write(target, document)


def version(policy: dict[str, Any]) -> Any:
    return policy["versions"]["2023-05-31"]


def without_the_old_code(policy: dict[str, Any]) -> None:
    del version(policy)["codes"][0]


def starting_later(policy: dict[str, Any]) -> None:
    policy["versions"] = {"2023-06-15": version(policy)}


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# list and show


def test_a_policy_is_listed_with_what_it_says_today(desk: Desk) -> None:
    printed = desk.crd("list").stdout.splitlines()

    assert [line.split("  ") for line in printed] == [
        ["acme-12", "Acme Guidelines", "A-12", "Knee braces", "not-covered: considered unproven", "from 2023-05-31"]
    ]


def test_a_policy_that_has_ended_is_listed_as_saying_nothing(desk: Desk) -> None:
    changed(desk.policy_file, desk.policy_file, lambda policy: policy["versions"].update({"2024-01-01": None}))

    (row,) = desk.json("list")

    assert (row["id"], row["covered"], row["verdict"], row["first-day"]) == ("acme-12", None, None, "2023-05-31")
    assert "nothing in force" in desk.crd("list").stdout


def test_everything_a_policy_says_is_shown(desk: Desk) -> None:
    shown = desk.crd("show", "acme-12", "--on", "2024-01-01").stdout

    assert "On 2024-01-01 the version of 2023-05-31 is in force:" in shown
    for said in (
        "Ask Acme first.",
        "covered: not-covered",
        "verdict: considered unproven",
        "position: Knee braces are considered unproven.",
        "- The member's own benefit decides.",
        "definitive:\n      - HCPCS M0076: Brace, old\n      - HCPCS L1810: Brace, new",
        "nonspecific:\n      - code: CPT 29799\n        note: Casting and strapping.",
        "- zorbling brace",
        "url: https://acme.example.org/a-12\n      retrieved: 2026-01-01",
    ):
        assert said in shown


def test_members_that_the_format_gains_later_are_shown_by_themselves() -> None:
    """The printer is asked directly: a file with such members does not pass today's schema."""
    document = json.loads(json.dumps(POLICY))
    version(document)["weather"] = [{"by": "A society", "rain": True, "then": [["wet"], {}]}]
    policy = read_policy(document, load_vocabulary(ROOT / "cards" / "vocabulary"))

    shown = "\n".join(show_lines(policy, document, date(2024, 1, 1), {}))

    assert (
        "  weather:\n    - by: A society\n      rain: yes\n      then:\n        -\n          - wet\n        - none"
        in shown
    )


def test_the_words_of_a_word_list_are_spelled_out(desk: Desk) -> None:
    changed(desk.policy_file, desk.policy_file, lambda policy: version(policy).update(terms=["@prolotherapy"]))

    assert "@prolotherapy: prolotherapy, prolo" in desk.crd("show", "acme-12").stdout


def test_where_no_version_is_in_force_the_versions_are_listed(desk: Desk) -> None:
    changed(desk.policy_file, desk.policy_file, lambda policy: policy["versions"].update({"2024-01-01": None}))

    for day in ("2023-05-30", "2024-01-01"):
        shown = desk.crd("show", "acme-12", "--on", day)

        assert shown.returncode == 0
        assert f"On {day} no version is in force." in shown.stdout
        assert "  2023-05-31: not-covered: considered unproven\n  2024-01-01: ends\n" in shown.stdout
        assert "position" not in shown.stdout
        assert desk.json("show", "acme-12", "--on", day) is None
    assert "up to the day before 2024-01-01" in desk.crd("show", "acme-12", "--on", "2023-12-31").stdout


def test_the_version_in_force_is_shown_as_its_file_has_it(desk: Desk) -> None:
    assert desk.json("show", "acme-12", "--on", "2023-05-31") == version(POLICY)


def test_an_unknown_policy_ends_with_one_line_that_names_the_known_ones(desk: Desk) -> None:
    ended = desk.crd("show", "acme-13")

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [f"crd: {desk.policies}: no policy acme-13 (known: acme-12)"]


# check


def test_a_good_folder_is_good(desk: Desk) -> None:
    checked = desk.crd("check")

    assert (checked.returncode, checked.stdout) == (0, f"1 policy, 6 cases of {desk.policies}: all good\n")
    assert desk.json("check", desk.policies) == {"policies": 1, "cases": 6, "findings": [], "move": None, "gaps": []}


@pytest.mark.parametrize("name", ["acme-12.json", "acme-12/cases.json"])
def test_cases_can_be_kept_apart(desk: Desk, name: str) -> None:
    write(desk.folder / "apart" / name, {"cases": CASES[:5]})

    assert desk.json("check", "--cases", desk.folder / "apart")["cases"] == 5


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda policy: version(policy).update(covered="no"), "$.versions['2023-05-31'].covered"),
        (lambda policy: policy.update(reviewed="2026-02-30"), "$.reviewed"),
        (lambda policy: version(policy)["references"][0].update(url="acme"), ".references[0].url"),
        (lambda policy: version(policy)["codes"][1].update(system="HCPS"), ".codes[1].system"),
        (lambda policy: policy.update(id="acme-13"), "$.id"),
    ],
)
def test_a_policy_file_that_breaks_the_rules_is_a_finding(desk: Desk, change: Any, path: str) -> None:
    changed(desk.policy_file, desk.policy_file, change)

    checked = desk.crd("check", "--json")
    findings = json.loads(checked.stdout)["findings"]

    assert checked.returncode == 1
    assert findings
    assert all(finding["file"] == str(desk.policy_file) for finding in findings)
    assert all(path in finding["path"] for finding in findings)


def test_all_broken_files_are_found_at_once_and_good_policies_are_still_checked(desk: Desk) -> None:
    """Files that are no JSON, one that breaks its schema, a code of no code system, and a failing case."""
    write(desk.policies / "acme-13" / "policy.json", {**POLICY, "id": "acme-13", "reviewed": "soon"})
    (desk.policies / "acme-13" / "cases.json").write_text('{"cases": [')
    cases = {"cases": [{**CASES[0], "order": "HPCPS 1"}, CASES[1]]}
    write(desk.policies / "acme-14" / "cases.json", cases).with_name("policy.json").write_text("{")
    write(desk.policies / "acme-15" / "cases.json", {"cases": CASES}).rename(desk.policies / "acme-15" / "case.json")
    changed(desk.cases_file, desk.cases_file, lambda document: document["cases"][3].update(expect="covered"))

    checked = desk.crd("check")

    assert checked.returncode == 1
    expected = (
        "acme-13/policy.json: $.reviewed: 'soon' is not a day such as 2026-01-31",
        "acme-14/policy.json: line 1, column 2: not JSON",
        "acme-15/policy.json: no such file, but others",
        "acme-12/cases.json: $.cases[3]: The new code later on: expected covered",
        "acme-13/cases.json: line 1, column 12: not JSON",
        "acme-14/cases.json: $.cases[0].order: no code system 'HPCPS'",
        "6 findings in 6 files",
    )
    found = [line.removeprefix(f"{desk.policies}/") for line in checked.stdout.splitlines()]
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == list(expected)


@pytest.mark.parametrize("day", ["2023-05-32", "May 2023", "Unknown"])
def test_a_version_that_begins_on_no_day_is_one_finding(desk: Desk, day: str) -> None:
    def rename(policy: dict[str, Any]) -> None:
        versions = policy["versions"]
        versions[day] = versions.pop(next(iter(versions)))

    changed(desk.policy_file, desk.policy_file, rename)

    [finding, _] = desk.crd("check").stdout.splitlines()
    assert finding == f"{desk.policy_file}: $.versions: '{day}' is not a day such as 2026-01-31, nor \"unknown\""


@pytest.mark.parametrize(
    ("system", "code", "problem"),
    [
        ("ICD-10-CM", "M17.11", "ICD-10-CM M17.11: ICD-10-CM is of diagnoses, and a diagnosis does not name a service"),
        (
            "CPT",
            "L1833",
            "L1833 is no code that CPT can have (five digits, or four and one of A, F, M, T, U); it is read as HCPCS L1833:"
            + " write that",
        ),
        ("CPT", "2099", "2099 is no code that CPT can have (five digits, or four and one of A, F, M, T, U)"),
        ("HCPCS", "MOO76", "MOO76 is no code that HCPCS can have (a letter from A to V and four digits)"),
        ("SNOMED CT", "17222009", None),
        ("CPT", "20999-RT", None),
        ("CPT", "0232T", None),
    ],
)
def test_a_code_that_names_no_service_or_has_another_form_is_a_finding(
    desk: Desk, system: str, code: str, problem: str | None
) -> None:
    added = {"system": system, "code": code, "role": "definitive", "display": "What it is"}
    changed(desk.policy_file, desk.policy_file, lambda policy: version(policy)["codes"].append(added))

    number = len(version(POLICY)["codes"])
    expected = [(f"$.versions['2023-05-31'].codes[{number}]", problem)] if problem else []
    assert [(one["path"], one["problem"]) for one in desk.json("check")["findings"]] == expected


def test_a_code_of_a_group_that_is_a_diagnosis_is_a_finding_too(desk: Desk) -> None:
    group = {"service": "Knee pain", "codes": ["ICD-10-CM M17.11"], "covered": "conditional", "verdict": "may be"}

    def add(policy: dict[str, Any]) -> None:
        policy["groups"] = {"pain": group}
        del version(policy)["codes"], version(policy)["terms"]
        version(policy)["groups"] = ["pain"]

    changed(desk.policy_file, desk.policy_file, add)

    assert "$.groups['pain'].codes[0]: ICD-10-CM M17.11: ICD-10-CM is of diagnoses" in desk.crd("check").stdout


def test_a_system_written_by_its_uri_is_told_the_name_to_write(desk: Desk) -> None:
    def rename(policy: dict[str, Any]) -> None:
        version(policy)["codes"][0]["system"] = "http://hl7.org/fhir/sid/icd-10-cm"

    changed(desk.policy_file, desk.policy_file, rename)

    assert "; write ICD-10-CM\n" in desk.crd("check").stdout


def test_a_day_that_is_none_is_told_by_one_that_is(desk: Desk) -> None:
    changed(desk.policy_file, desk.policy_file, lambda policy: policy.update(reviewed="2026-11-31"))

    assert "$.reviewed: '2026-11-31' is not a day such as 2026-01-31 (The day " in desk.crd("check").stdout


def test_a_misspelt_member_of_a_case_is_one_finding(desk: Desk) -> None:
    def misspell(document: dict[str, Any]) -> None:
        document["cases"][0]["expct"] = document["cases"][0].pop("expect")

    changed(desk.cases_file, desk.cases_file, misspell)

    [finding] = desk.json("check")["findings"]
    assert finding["problem"].endswith("; did you mean 'expect' for 'expct'?")


def test_the_folder_of_one_policy_is_checked_alone(desk: Desk) -> None:
    write(desk.policies / "acme-13" / "policy.json", {})

    assert desk.json("check", desk.policy_file.parent) == {
        "policies": 1,
        "cases": 6,
        "findings": [],
        "move": None,
        "gaps": [],
    }


def test_a_misspelt_member_of_a_payer_is_found_too(desk: Desk) -> None:
    path = desk.folder / "payers" / "acme.json"
    changed(path, path, lambda payer: payer.update({"policy-link": {}}))

    ended = desk.crd("check")

    assert ended.returncode == 1
    assert f"{path}: $: " in ended.stdout
    assert "did you mean 'policy-links' for 'policy-link'?" in ended.stdout


def test_a_failing_case_is_named_with_what_was_expected_and_got(desk: Desk) -> None:
    changed(desk.cases_file, desk.cases_file, lambda document: document["cases"][3].update(expect="covered"))

    checked = desk.crd("check")

    assert checked.returncode == 1
    assert checked.stdout.splitlines() == [
        f"{desk.cases_file}: $.cases[3]: The new code later on: expected covered, got not-covered (definitive)",
        "1 finding in 1 file",
    ]
    assert desk.json("check")["findings"] == [
        {
            "file": str(desk.cases_file),
            "path": "$.cases[3]",
            "problem": "the case fails",
            "case": "The new code later on",
            "expected": "covered",
            "got": "not-covered (definitive)",
        }
    ]


def test_a_case_fails_on_its_strength_alone(desk: Desk) -> None:
    changed(desk.cases_file, desk.cases_file, lambda document: document["cases"][4].update(strength="definitive"))

    (finding,) = desk.json("check")["findings"]

    assert (finding["expected"], finding["got"]) == ("not-covered (definitive)", "not-covered (stated)")


def test_a_policy_without_cases_is_a_finding(desk: Desk) -> None:
    desk.cases_file.unlink()

    checked = desk.crd("check")

    assert checked.returncode == 1
    assert f"{desk.cases_file}: no cases: the policy acme-12 needs this file" in checked.stdout


def test_cases_that_break_their_schema_are_a_finding(desk: Desk) -> None:
    changed(desk.cases_file, desk.cases_file, lambda document: document["cases"][2].update(expect="perhaps"))

    checked = desk.crd("check")

    assert checked.returncode == 1
    assert f"{desk.cases_file}: $.cases[2].expect: 'perhaps' is not one of" in checked.stdout


@pytest.mark.parametrize(
    ("dropped", "problems"),
    [
        ({0}, ["no case on 2023-05-30, the day before the version of 2023-05-31"]),
        ({1}, ["no case on 2023-05-31, the first day of its version"]),
        ({2, 3, 4, 5}, ["no case more than a year after 2023-05-31, the start of the last version"]),
        (
            {1, 2, 3, 4},
            ["no case expects covered or not-covered", "no case on 2023-05-31, the first day of its version"],
        ),
    ],
)
def test_a_missing_edge_or_outcome_is_a_finding(desk: Desk, dropped: set[int], problems: list[str]) -> None:
    write(desk.cases_file, {"cases": [case for number, case in enumerate(CASES) if number not in dropped]})

    assert [finding["problem"] for finding in desk.json("check")["findings"]] == problems


def test_there_must_be_a_case_of_nothing(desk: Desk) -> None:
    write(desk.cases_file, {"cases": CASES[1:5]})

    assert "no case expects nothing" in desk.crd("check").stdout


def test_the_day_a_policy_ends_is_an_edge_too(desk: Desk) -> None:
    changed(desk.policy_file, desk.policy_file, lambda policy: policy["versions"].update({"2100-01-01": None}))

    problems = [finding["problem"] for finding in desk.json("check")["findings"]]

    assert "no case on 2100-01-01, the first day of its version" in problems
    assert not any("2099-12-31" in problem for problem in problems)


@pytest.mark.parametrize("name", [None, "acme-12/", ".hidden.json"])
def test_where_there_is_nothing_to_check_it_ends_with_2(desk: Desk, name: str | None) -> None:
    drafts = desk.folder / "drafts"
    drafts.mkdir()
    if name:
        (drafts / name).mkdir() if name.endswith("/") else (drafts / name).write_text("{}")

    ended = desk.crd("check", drafts)

    assert ended.returncode == 2
    assert ended.stderr == f"crd: {drafts}: no policies (<id>/policy.json) here\n"


# the flat form


def lay_flat(desk: Desk, cases: str) -> None:
    """As before each policy had a folder of its own: acme-12.json among others, the cases elsewhere."""
    folder = desk.policy_file.parent
    write(desk.policies / cases, {"cases": CASES})
    desk.policy_file.rename(desk.policies / "acme-12.json")
    desk.cases_file.unlink()
    folder.rmdir()


@pytest.mark.parametrize("cases", ["acme-12.cases.json", "cases/acme-12.json"])
def test_flat_policies_are_good_and_the_check_says_how_to_move_them(desk: Desk, cases: str) -> None:
    """The command is run as it is printed; afterwards there is nothing to move."""
    lay_flat(desk, cases)

    checked = desk.crd("check")

    assert checked.returncode == 0
    warning, command, last = checked.stdout.splitlines()
    assert warning.startswith("Warning: each policy is to have a folder of its own")
    assert last == f"1 policy, 6 cases of {desk.policies}: all good"
    assert desk.json("check")["move"] == command
    (desk.policies / "x.schema.json").write_text("{}")
    subprocess.run(["sh", "-e", "-c", command], check=True)
    assert json.loads(desk.policy_file.read_text()) == POLICY
    assert desk.json("check") == {"policies": 1, "cases": 6, "findings": [], "move": None, "gaps": []}


def test_the_keys_of_a_mounted_config_map_are_not_to_be_moved(desk: Desk) -> None:
    lay_flat(desk, "acme-12.cases.json")
    (desk.policies / "..data").symlink_to(".")

    assert desk.crd("check").stdout == f"1 policy, 6 cases of {desk.policies}: all good\n"


def test_a_policy_cannot_be_there_in_both_forms(desk: Desk) -> None:
    write(desk.policies / "acme-12.json", POLICY)

    ended = desk.crd("check")

    assert ended.returncode == 2
    assert "the policy acme-12 is there twice: acme-12.json and acme-12/policy.json" in ended.stderr


def test_every_command_reads_flat_policies(desk: Desk) -> None:
    new = desk.edited("new", without_the_old_code)
    lay_flat(desk, "acme-12.cases.json")

    assert desk.json("list")[0]["id"] == "acme-12"
    assert desk.json("show", "acme-12", "--on", "2024-01-01") == version(POLICY)
    assert len(desk.json("diff", desk.policies, new)["answers"]) == 2


# new


NEW = ("new", "acme-13", "--title", "Ankle braces", "--service", "Ankle brace", "--publisher", "Acme")


def test_a_new_policy_is_a_start_whose_only_fault_is_that_it_decides_nothing(desk: Desk) -> None:
    made = desk.crd(*NEW)
    findings = desk.json("check")["findings"]

    assert made.returncode == 0
    assert "Next:" in made.stdout
    assert [(finding["file"], finding["problem"]) for finding in findings] == [
        (str(desk.policies / "acme-13" / "cases.json"), "no case expects covered or not-covered")
    ]


def test_a_new_policy_whose_id_is_none_is_refused_with_what_an_id_is(desk: Desk) -> None:
    ended = desk.crd("new", "Acme PA", "--in", desk.folder / "drafts")

    assert ended.returncode == 2
    assert "$.id: 'Acme PA' does not match" in ended.stderr
    assert "of small letters, digits and hyphens.); nothing was written" in ended.stderr
    assert not (desk.folder / "drafts").exists()


def test_a_new_policy_is_good_once_it_and_its_cases_say_what_is_covered(desk: Desk) -> None:
    drafts = desk.folder / "drafts"
    desk.crd(*NEW, "--in", drafts)
    for path in (drafts / "acme-13" / "policy.json", drafts / "acme-13" / "cases.json"):
        path.write_text(path.read_text().replace('"conditional"', '"not-covered"'))

    checked = desk.json("check", drafts)

    assert {**checked, "gaps": []} == {"policies": 1, "cases": 4, "findings": [], "move": None, "gaps": []}
    (unwritten,) = checked["gaps"]
    assert unwritten.startswith(
        f"{drafts}/acme-13/policy.json: still has what a new policy starts with: $.rights, $.note, "
    )
    assert "position" in unwritten
    assert "references[0].url" in unwritten


def test_a_policy_whose_texts_are_written_is_not_told_to_be_a_start(desk: Desk) -> None:
    assert "starts with" not in desk.crd("check", desk.policies).stdout


def test_a_new_policy_brings_the_schemas_that_its_files_name_for_editors(desk: Desk) -> None:
    (desk.policies / "policy.schema.json").write_text("mine")

    made = desk.crd(*NEW).stdout

    written = ("acme-13/policy.json", "acme-13/cases.json", "policy-cases.schema.json")
    assert [line for line in made.splitlines() if line.startswith("Written: ")] == [
        f"Written: {desk.policies / name}" for name in written
    ]

    for name in ("policy", "cases"):
        file = desk.policies / "acme-13" / f"{name}.json"
        assert (file.parent / json.loads(file.read_text())["$schema"]).is_file()
    assert (desk.policies / "policy.schema.json").read_text() == "mine"


def test_the_steps_of_a_draft_lead_into_the_folder_that_the_service_reads(desk: Desk) -> None:
    made = desk.crd(*NEW, "--in", desk.folder / "drafts").stdout

    [move] = [line.split(". ", 1)[1].split("    ")[0] for line in made.splitlines() if ". mv " in line]
    subprocess.run(["sh", "-e", "-c", move], check=True)

    assert [row["id"] for row in desk.json("list")] == ["acme-12", "acme-13"]


@pytest.mark.parametrize("there", ["acme-13/policy.json", "acme-13/cases.json", "acme-13.json"])
def test_nothing_is_overwritten(desk: Desk, there: str) -> None:
    path = desk.policies / there
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")

    ended = desk.crd(*NEW)

    assert ended.returncode == 2
    assert f"{there}: is there already; nothing was written" in ended.stderr
    assert path.read_text() == "mine"
    assert [one for one in desk.policies.rglob("*") if "acme-13" in str(one) and one.is_file()] == [path]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [(("--title", "x" * 81), "$.title"), (("--service", ""), "$.service"), (("--publisher", ""), "$.publisher")],
)
def test_a_start_that_would_break_the_schema_is_not_written(desk: Desk, wrong: tuple[str, str], path: str) -> None:
    ended = desk.crd(*NEW, *wrong)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"crd: {path}: ")
    assert not list(desk.folder.rglob("acme-13"))


def test_an_id_cannot_lead_out_of_the_folder(desk: Desk) -> None:
    ended = desk.crd("new", "../acme-13", *NEW[2:])

    assert ended.returncode == 2
    assert "$.id: " in ended.stderr
    assert not list(desk.folder.rglob("acme-13"))


# diff


def changes(difference: Any) -> list[tuple[str, str, str]]:
    return [(entry["path"], entry["old"]["answer"], entry["new"]["answer"]) for entry in difference["answers"]]


def test_the_same_policies_show_no_difference(desk: Desk) -> None:
    ended = desk.crd("diff", desk.policies, desk.edited("same", dict.copy))

    assert (ended.returncode, ended.stdout) == (0, "No difference: 6 cases and 0 orders asked\n")


def test_a_removed_code_changes_the_cases_that_rest_on_it_and_no_others(desk: Desk) -> None:
    new = desk.edited("new", without_the_old_code)

    ended = desk.crd("diff", desk.policies, new)
    difference = desk.json("diff", desk.policies, new)

    assert ended.returncode == 1
    assert ended.stdout.splitlines() == [
        f"{desk.cases_file}: $.cases[1]: acme-12: The day it starts: not-covered (definitive) -> nothing",
        f"{desk.cases_file}: $.cases[2]: acme-12: The old code later on: not-covered (definitive) -> nothing",
        "acme-12: from 2023-05-31: definitive codes: HCPCS M0076 (Brace, old) is gone",
        "2 answers differ, 0 texts differ, 1 change in the policies: 6 cases and 0 orders asked",
    ]
    assert changes(difference) == [("$.cases[1]", "not-covered", "nothing"), ("$.cases[2]", "not-covered", "nothing")]
    assert difference["texts"] == []


def test_a_start_moved_changes_the_first_day_and_how_the_policy_is_cited(desk: Desk) -> None:
    difference = desk.json("diff", desk.policies, desk.edited("new", starting_later))

    assert changes(difference) == [("$.cases[1]", "not-covered", "nothing")]
    (text,) = difference["texts"]
    assert text["text"] == "citation"
    assert "2023-05-31" in text["old"]
    assert "2023-06-15" in text["new"]
    assert [place["path"] for place in text["asked"]] == ["$.cases[2]", "$.cases[3]", "$.cases[4]"]


def test_a_weaker_match_is_a_difference_though_the_answer_stays(desk: Desk) -> None:
    both = {**by_code("M0076")["code"], "text": "Zorbling brace"}
    write(desk.cases_file, {"cases": [*CASES[:5], {**CASES[5], "expect": "not-covered", "order": {"code": both}}]})
    new = desk.edited("new", lambda policy: version(policy)["codes"][0].update(role="nonspecific"))

    entry = desk.json("diff", desk.policies, new)["answers"][-1]

    assert entry["path"] == "$.cases[5]"
    assert entry["old"] == {"answer": "not-covered", "strength": "definitive"}
    assert entry["new"] == {"answer": "not-covered", "strength": "stated"}


@pytest.mark.parametrize(
    ("change", "text", "old", "new", "data"),
    [
        (
            lambda v: v.update(verdict="considered silly"),
            *("verdict", "considered unproven", "considered silly"),
            'verdict: "considered unproven" -> "considered silly"',
        ),
        (
            lambda v: v.update(position="No."),
            *("position", "Knee braces are considered unproven.", "No."),
            'position: "Knee braces are considered unproven." -> "No."',
        ),
        (
            lambda v: v["references"][0].update(url="https://acme.example.org/b"),
            "link",
            "A-12: Knee braces (Acme Guidelines) https://acme.example.org/a-12",
            "A-12: Knee braces (Acme Guidelines) https://acme.example.org/b",
            'references: "A-12 https://acme.example.org/a-12" -> "A-12 https://acme.example.org/b"',
        ),
        (
            lambda v: v.update(notes=[]),
            *("notes", "The member's own benefit decides.", ""),
            'notes: "The member\'s own benefit decides." is gone',
        ),
        (
            lambda v: v.update({"next-steps": ["Tell the patient."]}),
            *("next steps", "", "Tell the patient."),
            'next-steps: "Tell the patient." is new',
        ),
    ],
)
def test_a_text_that_reads_differently_is_a_difference(
    desk: Desk, change: Any, text: str, old: str, new: str, data: str
) -> None:
    other = desk.edited("new", lambda policy: change(version(policy)))

    ended = desk.crd("diff", desk.policies, other)

    assert ended.returncode == 1
    assert ended.stdout.splitlines() == [
        f'acme-12: the {text} of 4 answers: "{old}" -> "{new}"',
        f"acme-12: from 2023-05-31: {data}",
        "0 answers differ, 1 text differs, 1 change in the policies: 6 cases and 0 orders asked",
    ]


def test_terms_that_a_policy_asks_for_besides_are_compared_too(desk: Desk) -> None:
    def asking(purpose: str) -> Path:
        terms = {
            "documentation": {"needed": ["clinical"], "purposes": [purpose]},
            "covered": "covered",
            "pa-needed": "no-auth",
        }
        return desk.edited(purpose, lambda policy: version(policy).update(terms))

    ended = desk.crd("diff", asking("withclaim"), asking("withorder"), "--cases", desk.policies)

    assert ended.returncode == 1
    assert (
        'acme-12: the terms of 4 answers: "clinical; withclaim" -> "clinical; withorder"' in ended.stdout.splitlines()
    )


def test_a_policy_that_is_gone_answers_nothing(desk: Desk) -> None:
    new = write(desk.folder / "new" / "acme-99" / "policy.json", {**POLICY, "id": "acme-99"}).parent.parent

    difference = desk.json("diff", desk.policies, new)

    assert [path for path, *_ in changes(difference)] == [f"$.cases[{number}]" for number in (1, 2, 3, 4)]


def test_the_cases_that_a_new_policy_brings_are_asked(desk: Desk) -> None:
    new = desk.edited("new", without_the_old_code)
    write(new / "acme-12" / "cases.json", {"cases": CASES[2:4]})

    assert changes(desk.json("diff", desk.policies, new)) == [("$.cases[0]", "not-covered", "nothing")]
    assert changes(desk.json("diff", desk.policies, new / "acme-12")) == [("$.cases[0]", "not-covered", "nothing")]


def test_a_single_file_stands_in_for_the_policy_of_its_id(desk: Desk) -> None:
    draft = changed(desk.policy_file, desk.folder / "my draft.json", without_the_old_code)

    forth = desk.json("diff", desk.policies, draft)
    back = desk.json("diff", draft, desk.policy_file)

    assert [path for path, *_ in changes(forth)] == ["$.cases[1]", "$.cases[2]"]
    assert changes(back) == [(path, new, old) for path, old, new in changes(forth)]


ORDERS = [
    {"resourceType": "ServiceRequest", "id": "secret-1", **by_code("M0076")},
    {"resourceType": "DeviceRequest", "id": "secret-2", "codeCodeableConcept": by_code("L1810")["code"]},
    {"resourceType": "MedicationRequest", "id": "secret-3", "medicationCodeableConcept": {"text": "Ibuprofen"}},
]


@pytest.fixture(name="orders")
def _orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.ndjson"
    path.write_text("\n\n".join(json.dumps(order) for order in ORDERS) + "\n")
    return path


def test_orders_are_asked_besides_and_named_by_their_line_only(desk: Desk, orders: Path) -> None:
    desk.cases_file.unlink()
    new = desk.edited("new", lambda policy: version(policy)["codes"].pop(1))

    ended = desk.crd("diff", desk.policies, new, "--orders", orders)

    assert ended.returncode == 1
    assert ended.stdout.splitlines() == [
        f"{orders}: line 3: acme-12: not-covered (definitive) -> nothing",
        "acme-12: from 2023-05-31: definitive codes: HCPCS L1810 (Brace, new) is gone",
        "1 answer differs, 0 texts differ, 1 change in the policies: 0 cases and 3 orders asked",
    ]
    assert "secret" not in ended.stdout
    assert changes(desk.json("diff", desk.policies, new, "--orders", orders)) == [("line 3", "not-covered", "nothing")]


def test_orders_are_asked_on_the_day_given(desk: Desk, orders: Path) -> None:
    desk.cases_file.unlink()
    new = desk.edited("new", without_the_old_code)

    before = desk.crd("diff", desk.policies, new, "--orders", orders, "--on", "2023-05-30")
    after = desk.json("diff", desk.policies, new, "--orders", orders, "--on", "2023-05-31")

    assert before.stdout.splitlines()[-1].startswith("0 answers differ, 0 texts differ, 1 change")
    assert changes(after) == [("line 1", "not-covered", "nothing")]


@pytest.mark.parametrize(
    "line", ["{", '"order"', '{"resourceType": "Patient"}', '{"resourceType": ["x"]}', '{"id": "1", "id": "2"}']
)
def test_a_line_that_is_no_order_ends_with_2_and_its_number(desk: Desk, line: str) -> None:
    orders = desk.folder / "orders.ndjson"
    orders.write_text(json.dumps(ORDERS[0]) + "\n" + line)

    ended = desk.crd("diff", desk.policies, desk.policies, "--orders", orders)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"crd: {orders}: line 2: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_diff_without_cases_says_so_and_what_the_policies_differ_in(desk: Desk) -> None:
    desk.cases_file.unlink()

    ended = desk.crd("diff", desk.policies, desk.edited("new", without_the_old_code))

    assert ended.returncode == 1
    assert "has no cases; name their folder with --cases" in ended.stderr
    assert "acme-12: from 2023-05-31: definitive codes: HCPCS M0076 (Brace, old) is gone" in ended.stdout.splitlines()


def test_a_change_that_no_case_asks_about_is_told(desk: Desk) -> None:
    def change(policy: Any) -> None:
        version(policy)["codes"].append({"system": "HCPCS", "code": "L1820", "role": "nonspecific"})

    new = desk.edited("new", change)
    ended = desk.crd("diff", desk.policies, new)
    difference = desk.json("diff", desk.policies, new)

    assert ended.returncode == 1
    assert ended.stdout.splitlines() == [
        "acme-12: from 2023-05-31: nonspecific codes: HCPCS L1820 is new",
        "acme-12: no case or order that was asked shows a change: add a case",
        "0 answers differ, 0 texts differ, 1 change in the policies: 6 cases and 0 orders asked",
    ]
    assert difference["unseen"] == ["acme-12"]
    told = {"policy": "acme-12", "start": "2023-05-31", "end": None, "what": "nonspecific codes"}
    assert difference["data"] == [{**told, "gone": [], "new": ["HCPCS L1820"]}]


def test_notes_and_the_day_of_review_are_no_difference(desk: Desk) -> None:
    new = desk.edited("new", lambda policy: policy.update(note="Read again.", reviewed="2026-11-26"))

    assert desk.crd("diff", desk.policies, new).returncode == 0


def test_a_policy_that_cannot_be_read_ends_a_diff_with_2(desk: Desk) -> None:
    ended = desk.crd("diff", desk.policies, desk.edited("new", lambda policy: policy.pop("rights")))

    assert ended.returncode == 2
    assert "acme-12/policy.json: $: 'rights' is a required property" in ended.stderr


@pytest.mark.parametrize("command", ["list", "show", "check", "new", "diff"])
def test_every_command_explains_itself_with_an_example(desk: Desk, command: str) -> None:
    assert f"Example: crd policies {command}" in desk.crd(command, "--help").stdout
