"""A policy is tried before it is live: what is wrong with it, which answers would change; nothing is installed."""

import codecs
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.console.policies.draft_files import DraftError, read_files
from cds_hooks.console.policies.drafts import Effect, try_drafts
from cds_hooks.settings import read_settings
from tests.cds_hooks.console.conftest import token, words
from tests.conftest import ROOT
from tests.running_service import TODAY

SHIPPED = ROOT / "cards" / "policies"


#: The cases that come with it, which are asked.
CASES = len(json.loads((SHIPPED / "evicore-cmm-204" / "cases.json").read_bytes())["cases"])


def policy(changes: dict[str, Any] | None = None) -> bytes:
    """Return the shipped guideline with its only version changed."""
    document = json.loads((SHIPPED / "evicore-cmm-204" / "policy.json").read_text())
    document["versions"]["2023-05-31"] |= changes or {}
    return json.dumps(document).encode()


COVERED = {"covered": "covered", "pa-needed": "no-auth", "verdict": "covered without more"}


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def effect_of(*files: tuple[str, bytes], orders: bytes = b"") -> Effect:
    return try_drafts(read_files(files), orders, read_settings(), TODAY)


def test_the_same_policy_changes_nothing_and_has_no_findings() -> None:
    effect = effect_of(("policy.json", policy()))

    assert effect.checked
    assert not effect.checked.flaws
    assert effect.with_installed_cases == ("evicore-cmm-204",)
    assert [*effect.cases.answers, *effect.orders.answers, *effect.cases.texts] == []
    assert effect.changes == ()
    assert effect.asked_cases == CASES
    assert effect.asked_orders > 50


def test_a_change_that_no_answer_shows_is_told_from_the_files(browser: FlaskClient) -> None:
    document = json.loads(policy())
    codes = document["versions"]["2023-05-31"]["codes"]
    codes.append({**codes[0], "code": "M0999"})
    files = [(io.BytesIO(json.dumps(document).encode()), "policy.json")]
    page = words(browser.post("/console/drafts", data={"csrf_token": token(browser), "files": files}).text)

    assert "1 change, whether or not an answer above shows it" in page
    assert "M0999" in page.partition("What the files say otherwise")[2]
    assert "No answer shows what changed in evicore-cmm-204. Add a case that does." in page


def test_a_changed_verdict_changes_cases_and_sample_orders() -> None:
    effect = effect_of(("anything.json", policy(COVERED)))

    changed = {one.name: (one.old.covered, one.new.covered) for one in effect.cases.answers}
    assert changed["M0076 is not covered"] == ("not-covered", "covered")
    assert len(changed) < CASES
    assert {one.policy for one in effect.orders.answers} == {"evicore-cmm-204"}
    assert ("verdict", "considered investigational", "covered without more") in {
        (text.text, text.old, text.new) for text in effect.cases.texts
    }
    assert effect.checked
    assert "the case fails" in {flaw.problem for flaw in effect.checked.flaws}


def test_a_zip_of_folders_is_taken_with_its_cases() -> None:
    cases = (SHIPPED / "evicore-cmm-204" / "cases.json").read_bytes()
    files = {"drafts/evicore-cmm-204/policy.json": policy(), "drafts/evicore-cmm-204/cases.json": cases}
    files |= {"__MACOSX/drafts/evicore-cmm-204/policy.json": b"x", "drafts/policy.schema.json": b"{}"}

    effect = effect_of(("drafts.zip", zipped(**files)))

    assert effect.ids == ("evicore-cmm-204",)
    assert effect.with_installed_cases == ()
    assert effect.checked
    assert not effect.checked.flaws


def test_two_policies_are_tried_together_among_all_others() -> None:
    other = json.loads(policy())
    other |= {"id": "acme-12", "number": "12"}
    effect = effect_of(("a.json", policy()), ("b.json", json.dumps(other).encode()))

    assert effect.ids == ("acme-12", "evicore-cmm-204")
    assert {(one.policy, one.old.covered) for one in effect.orders.answers} == {("acme-12", "nothing")}
    assert [flaw.problem for flaw in effect.checked.flaws if effect.checked] == [
        "no cases: the policy acme-12 needs this file"
    ]


def test_what_is_wrong_in_a_file_is_said_with_its_place_and_no_path_of_this_machine() -> None:
    effect = effect_of(("policy.json", policy({"covered": "perhaps"})))

    assert effect.checked
    [flaw] = [flaw for flaw in effect.checked.flaws if flaw.path]
    assert (flaw.file, flaw.path) == ("evicore-cmm-204/policy.json", "$.versions['2023-05-31'].covered")
    assert (effect.faults, effect.is_asked) == ((), False)
    assert tempfile.gettempdir() not in repr(effect)


def drop(browser: FlaskClient, name: str, content: bytes) -> str:
    data = {"csrf_token": token(browser), "files": [(io.BytesIO(content), name)]}
    return words(browser.post("/console/drafts", data=data).text)


def test_a_finding_is_said_once_and_why_nothing_is_compared(browser: FlaskClient) -> None:
    page = drop(browser, "policy.json", policy({"covered": "covred"}))

    assert page.count("'covred' is not one of") == 1
    assert "did you mean 'covered'?" in page
    assert "1 finding " in page
    assert "Answers are compared when this is mended." in page


def test_what_an_editor_put_before_a_file_changes_nothing() -> None:
    """Some editors begin a file with a byte order mark (RFC 8259, 8.1)."""
    effect = effect_of(("policy.json", codecs.BOM_UTF8 + policy()))

    assert effect.ids == ("evicore-cmm-204",)
    assert effect.checked
    assert not effect.checked.flaws


def test_a_new_policy_that_no_payer_names_says_so(browser: FlaskClient) -> None:
    document = json.loads(policy()) | {"id": "acme-12", "number": "12"}
    page = drop(browser, "policy.json", json.dumps(document).encode())

    assert "No payer names acme-12. Until a file of a payer does, no order is answered by it" in page
    assert "not installed not-covered (definitive)" in page
    assert "nothing not-covered" not in page
    assert "No payer names" not in drop(browser, "policy.json", policy())
    assert "No payer names" not in drop(browser, "policy.json", b"{ no")  # which may name any policy


def test_orders_that_came_along_are_asked_and_named_by_their_line_alone() -> None:
    code = {"coding": [{"system": "HCPCS", "code": "M0076"}]}
    order = {"resourceType": "ServiceRequest", "code": code, "note": [{"text": "For Ida Invented"}]}

    effect = effect_of(("policy.json", policy(COVERED)), orders=json.dumps(order).encode())

    assert "line 1 of your orders" in {one.path for one in effect.orders.answers}
    assert "Ida" not in repr([(one.path, one.name, one.file) for one in effect.orders.answers])


@pytest.mark.parametrize("name", ["../../../../tmp/evil/policy.json", "/etc/policy.json", "..\\..\\policy.json"])
def test_no_name_in_a_zip_leads_out_of_its_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    effect_of(("x.zip", zipped(**{name: policy()})))

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.zip", b"PK no zip", "not a zip"),
        ("x.txt", b"", "No policy here"),
        ("cases.json", b"{}", "No policy here"),
        ("x.zip", zipped(**{f"p{n}/x.json": b"" for n in range(2001)}), "more than 2000 files"),
    ],
)
def test_what_cannot_be_a_policy_is_refused(name: str, content: bytes, says: str) -> None:
    with pytest.raises(DraftError, match=says):
        read_files([(name, content)])


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"not json", b'{"id": "../../x"}', b'{"id": 1}'])
def test_a_file_that_is_no_policy_is_a_finding(content: bytes) -> None:
    effect = effect_of(("policy.json", content))

    assert effect.faults or (effect.checked and effect.checked.flaws)


def test_the_page_shows_findings_and_changes_and_the_service_goes_on_as_before(browser: FlaskClient) -> None:
    files = [(io.BytesIO(policy(COVERED)), "policy.json")]
    answer = browser.post("/console/drafts", data={"csrf_token": token(browser), "files": files})

    page = words(answer.text)
    assert "M0076 is not covered not-covered (definitive) covered, no-auth (definitive)" in page
    assert f" of {CASES} cases, each on its own day" in page
    assert "considered investigational covered without more" in page
    assert "No cases came with evicore-cmm-204: the installed ones were asked." in page
    assert 'verdict: "considered investigational" -> "covered without more"' in page
    assert "No answer shows" not in page
    assert "Not covered considered investigational" in words(browser.get("/console/policies").text)


def test_nothing_dropped_is_said_kindly(browser: FlaskClient) -> None:
    answer = browser.post("/console/drafts", data={"csrf_token": token(browser)})

    assert answer.status_code == 200
    assert "No policy here" in answer.text
