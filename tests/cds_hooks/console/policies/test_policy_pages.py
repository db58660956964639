"""The pages of the policies say what the files say, and each case is a whole call."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.console.policies.policy_texts import compare_versions, other_members
from cds_hooks.console.try_it.answers import read_answer
from cds_hooks.console.try_it.examples import cases_of
from cds_hooks.console.try_it.tries import unpack
from tests.cds_hooks.console.conftest import Console, carried, send, token, words
from tests.cds_hooks.console.operating import operating
from tests.conftest import ROOT

SHIPPED = ROOT / "cards" / "policies"
POLICIES = ("cms-ncd-150-7", "evicore-cmm-204", "medical-policy-2-01-26")


def document(policy: str) -> dict[str, object]:
    return json.loads((ROOT / "cards" / "policies" / policy / "policy.json").read_text())


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policys_page_says_all_that_its_file_says(browser: FlaskClient, policy: str) -> None:
    """Every text of the version in force, and every code, stands on the page."""
    page = words(browser.get(f"/console/policies/{policy}").text)
    file = document(policy)
    version = file["versions"][max(file["versions"], key=lambda key: "" if key == "unknown" else key)]

    said = [file["rights"], file["publisher"], version["verdict"], version["position"], *version["next-steps"]]
    said += [one["citation"] for one in version["evidence"]]
    said += [one["position"] for one in version["dissent"]] + [one["title"] for one in version["references"]]
    said += [f"{one['system']} {one['code']}" for one in version["codes"]]
    assert [text for text in said if text not in page] == []


@pytest.mark.parametrize(
    "policy", ["cms-dmepos-prior-authorization", "cms-opd-prior-authorization", "example-coverage-guide"]
)
def test_a_policys_page_says_what_each_group_of_codes_is_answered(browser: FlaskClient, policy: str) -> None:
    """What stands once for all versions is on the page, and of each group its codes, answers and conditions."""
    page = words(browser.get(f"/console/policies/{policy}").text)
    file: Any = document(policy)
    version = {**file["all-versions"], **file["versions"][max(file["versions"].keys() - {"unknown"})]}

    said = [one["title"] for one in version["references"]]
    for group in (file["groups"][name] for name in version["groups"]):
        said += [group["service"], *group["codes"], *([group["note"]] if "note" in group else [])]
        for answer in group.get("answers") or version.get("answers") or [group]:
            whole = {**version, **group, **answer}
            said += [whole["verdict"], whole["position"], *whole.get("next-steps", ())]
    assert len(said) > 20
    assert [text for text in said if text not in page] == []
    assert "It names no code" not in page


def test_a_group_stands_with_its_answer_and_its_conditions(browser: FlaskClient) -> None:
    page = words(browser.get("/console/policies/cms-dmepos-prior-authorization").text)
    guide = words(browser.get("/console/policies/example-coverage-guide").text)

    assert "By group 6 groups of codes" in page
    assert (
        "HCPCS E0371 to E0373 Always Authorization needed prior authorization is needed Prior authorization: Needed"
        in page
    )
    assert "What is ordered with it: Power mobility device Conditional it may go with the request for its base" in page
    assert "The place of service: 19 or 22 Authorization needed prior authorization in a hospital" in guide
    assert "Otherwise Authorization needed prior authorization in this place" in guide
    assert "The quantity: at most 2 Covered nothing else is needed" in guide


def test_how_authorization_is_requested_stands_only_where_it_may_be_needed(browser: FlaskClient) -> None:
    page = words(browser.get("/console/policies/example-coverage-guide").text)
    crutches = page[page.index("HCPCS E0114 Always") : page.index("HCPCS E1390 Always")]
    pump = page[page.index("HCPCS E0784 Always") : page.index("CPT 70551 to 70553 Always")]

    assert "How to request authorization" not in crutches
    assert "How to request authorization" in pump
    assert "the plan's authorization desk" in pump


def test_what_stands_once_for_all_versions_is_on_the_page_of_each(tmp_path: Path) -> None:
    """The policy of the document's walkthrough: from 2027 on its answer depends on the place of service."""
    office = {"if": {"place-of-service": ["11"]}, **SAID, "verdict": "nothing else is needed"}
    asked = {**SAID, "pa-needed": "auth-needed", "verdict": "prior authorization is needed"}
    versions = {"2026-01-01": SAID, "2027-01-01": {"answers": [office, asked]}, "2028-01-01": None}
    with of_its_own(tmp_path, versions) as browser:
        now, later, ended = (
            words(browser.get(f"/console/policies/acme-12?on={year}-02-01").text) for year in (2026, 2027, 2028)
        )
        compared = words(browser.get("/console/policies/acme-12/compare?old=2027-01-01&new=2028-01-01").text)

    for page in (now, later):
        assert "HCPCS L1851 Knee brace" in page
        assert "Knee braces of Acme read 2026-11-20" in page
    assert "Prior authorization Not needed" in now
    assert "It depends depends on the place of service" in later
    assert "The place of service: 11 Covered nothing else is needed Prior authorization: Not needed" in later
    assert "Otherwise Authorization needed prior authorization is needed Prior authorization: Needed" in later
    assert "Nothing is in force on Feb 1, 2028" in ended
    assert "codes system: HCPCS, code: L1851, display: Knee brace, role: definitive" in compared


@pytest.mark.parametrize("policy", POLICIES)
def test_all_cases_of_a_shipped_policy_pass_on_its_page(browser: FlaskClient, console: Console, policy: str) -> None:
    number = len(cases_of(policy, console.watch.current(), console.settings).found)

    page = words(browser.get(f"/console/policies/{policy}").text)

    assert f"{number} of {number} pass" in page


def test_a_day_shows_the_version_of_that_day(browser: FlaskClient) -> None:
    first = words(browser.get("/console/policies/evicore-cmm-204?on=2023-05-31").text)
    before = words(browser.get("/console/policies/evicore-cmm-204?on=2023-05-30").text)

    assert "V1.0.2023, in force from 2023-05-31" in first
    assert "Nothing is in force on May 30, 2023" in before


@pytest.mark.parametrize("policy", ["evicore-cmm-204", "medical-policy-2-01-26"])
def test_every_case_fired_as_a_whole_call_gets_the_answer_it_expects(
    browser: FlaskClient, console: Console, policy: str
) -> None:
    """On order-sign every order that asks for something is answered; where no policy speaks it says just that."""
    cases = cases_of(policy, console.watch.current(), console.settings).found
    form = {"csrf_token": token(browser), "policy": policy}
    wrong = []
    for number, case in enumerate(cases):
        tried = unpack(carried(browser.post("/console/fire", data={**form, "case": number}).text))
        shown = read_answer(tried.answered)
        got = shown.coverage[0].covered if shown.coverage else "nothing"
        if got == "conditional" and "Not evaluated" in tried.response:
            got = "nothing"
        if tried.status != 200 or got != case.expect:
            wrong.append((case.name, case.expect, got, tried.status))
    assert wrong == []


def test_the_list_finds_a_policy_by_its_number_and_by_its_publisher(browser: FlaskClient) -> None:
    for words_ in ("cmm-204", "evicore prolo"):
        page = words(browser.get("/console/policies", query_string={"q": words_}).text)
        assert "CMM-204: Prolotherapy" in page
        assert "NCD 150.7" not in page
    assert "No policy of that name" in words(browser.get("/console/policies?q=nobody").text)


def test_two_versions_are_compared_line_by_line(browser: FlaskClient) -> None:
    page = words(browser.get("/console/policies/cms-ncd-150-7/compare").text)

    assert "label long-standing as re-published" in page
    cases = json.loads((ROOT / "cards/policies/cms-ncd-150-7/cases.json").read_bytes())["cases"]
    assert f"are the same under both for the order of each of the {len(cases)} cases" in page
    assert "Asked in 1999 to reconsider it for chronic low back pain, Medicare kept non-coverage. nothing" in page


@contextmanager
def of_its_own(folder: Path, versions: dict[str, Any], **members: Any) -> Iterator[FlaskClient]:
    """Yield a browser of a service whose one policy, acme-12, has these versions."""
    code = {"system": "HCPCS", "code": "L1851", "display": "Knee brace", "role": "definitive"}
    named = {"id": "acme-12", "title": "Knee braces", "service": "Knee brace", "publisher": "Acme Health"}
    source = {"title": "Knee braces of Acme", "url": "https://acme.example/12", "retrieved": "2026-11-20"}
    whole = {"all-versions": {"codes": [code], "references": [source]}, "versions": versions, **members}
    case = {"name": "A knee brace", "on": "2026-01-01", "order": "HCPCS L1851", "expect": "covered"}
    other = {"name": "Something else", "on": "2026-01-01", "order": "HCPCS E0114", "expect": "nothing"}
    payer = {"id": "acme", "name": "Acme Health", "default": True, "reviewed": "2026-11-20", "policies": ["acme-12"]}
    files = {
        "policies/acme-12/policy.json": {**named, "reviewed": "2026-11-20", "rights": "Our own words.", **whole},
        "policies/acme-12/cases.json": {"cases": [case, other]},
        "payers/acme.json": {**payer, "recognised-by": {"names": ["Acme Health"]}},
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content))
    given = {"policies": folder / "policies", "payers": folder / "payers", "rate": "none", "reload": 0}
    with operating(folder, **given) as made:
        yield made.browser("rita")


#: What each version of the policy says where a test is about something else.
SAID = {"covered": "covered", "pa-needed": "no-auth", "verdict": "covered", "position": "Acme covers a knee brace."}


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        ({"pa-needed": "auth-needed"}, "A knee brace covered, no-auth (definitive) covered, auth-needed (definitive)"),
        (
            {"pa-needed": "conditional", "info-needed": ["location"]},
            "A knee brace covered, no-auth (definitive) covered, conditional, info-needed location (definitive)",
        ),
        ({"documentation": {"needed": ["clinical"]}}, "Terms 1 order nothing clinical"),
        ({"next-steps": ["Measure the knee."]}, "Next steps 1 order nothing Measure the knee."),
    ],
)
def test_versions_that_are_covered_alike_are_not_said_to_answer_alike(
    tmp_path: Path, other: dict[str, Any], shown: str
) -> None:
    with of_its_own(tmp_path, {"2026-01-01": SAID, "2026-06-01": {**SAID, **other}}) as browser:
        page = words(browser.get("/console/policies/acme-12/compare").text)

    assert "gets the same answer" not in page
    assert shown in page


def test_versions_that_answer_alike_are_said_to(tmp_path: Path) -> None:
    with of_its_own(tmp_path, {"2026-01-01": SAID, "2026-06-01": {**SAID, "label": "second"}}) as browser:
        page = words(browser.get("/console/policies/acme-12/compare").text)

    assert "The order of each of the 2 cases gets the same answer under both." in page


def test_a_comparison_names_only_what_differs() -> None:
    old = {"verdict": "a", "codes": [{"code": "1", "role": "definitive"}, {"code": "2", "role": "unlisted"}], "x": True}
    new = {"verdict": "b", "codes": [{"code": "1", "role": "definitive"}], "notes": ["n"], "x": True}

    changes = {change.member: (change.gone, change.new) for change in compare_versions(old, new)}

    assert changes == {
        "verdict": (("a",), ("b",)),
        "codes": (("code: 2, role: unlisted",), ()),
        "notes": ((), ("n",)),
    }


def test_a_member_that_is_new_to_the_format_is_shown_too() -> None:
    assert other_members({"verdict": "v", "conditions": [{"place": ["22"]}]}) == {"conditions": [{"place": ["22"]}]}


def test_a_case_that_is_not_there_cannot_be_fired(browser: FlaskClient) -> None:
    form = {"csrf_token": token(browser)}
    for policy, case in (("nobody", "0"), ("evicore-cmm-204", "999"), ("evicore-cmm-204", "²"), ("../x", "0")):
        assert browser.post("/console/fire", data={**form, "policy": policy, "case": case}).status_code == 404


def test_whom_a_policy_binds_is_named(browser: FlaskClient) -> None:
    page = words(browser.get("/console/policies/cms-ncd-150-7").text)

    assert "Whom it binds Example Medicare Advantage Medicare" in page


def test_a_policy_sends_its_cases_to_the_try_page(browser: FlaskClient) -> None:
    assert "The answer" in send(browser, "/console/fire", policy="cms-ncd-150-7", case="0")


def test_a_policys_files_are_sent_as_they_lie_and_tried_as_a_draft(browser: FlaskClient) -> None:
    """An analyst who has no terminal takes the file from its page, changes it, and drops it into Drafts."""
    page = browser.get("/console/policies/evicore-cmm-204").text
    files = []
    for name in ("policy.json", "cases.json"):
        assert f'href="/console/policies/evicore-cmm-204/{name}"' in page
        answer = browser.get(f"/console/policies/evicore-cmm-204/{name}")
        assert answer.data == (SHIPPED / "evicore-cmm-204" / name).read_bytes()
        files.append((io.BytesIO(answer.data), answer.headers["Content-Disposition"].partition("filename=")[2]))

    effect = browser.post("/console/drafts", data={"csrf_token": token(browser), "files": files}).text

    assert "No findings" in effect
    assert "the installed ones were asked" not in effect


@pytest.mark.parametrize("url", ["nobody/policy.json", "evicore-cmm-204/other.json", "../policy.schema.json"])
def test_no_other_file_is_sent(browser: FlaskClient, url: str) -> None:
    assert browser.get(f"/console/policies/{url}").status_code == 404


def test_a_reason_of_the_guide_stands_with_its_answer(browser: FlaskClient) -> None:
    page = words(browser.get("/console/policies/example-coverage-guide").text)

    assert "Reason: Who orders it is exempted (gold card)" in page
    assert "Reason: Authorization is needed out of the network alone" in page
