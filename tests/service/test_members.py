"""A service that asks who is a member: what leaves it, what is kept, and what stays out of the log."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import example
from tests.forked_process import run_crd
from tests.guide.conformance import faults
from tests.member_service import MemberServiceProcess
from tests.members import FOLDER, ROOT, load_authorizations, load_members
from tests.running_service import RunningService
from tests.service.who_answers import annotation

NUMBER = "PA-2026-0001"


def satisfied(version: str = "2.2") -> dict[str, Any]:
    return example(f"satisfied-{version}", FOLDER)


def sign(service: RunningService, request: dict[str, Any]) -> dict[str, Any]:
    response = service.post("/cds-services/order-sign-crd", request)
    assert response.status_code == 200
    return dict(response.json())


def said_of(answer: dict[str, Any], order: str) -> dict[str, Any]:
    return next(annotation(action) for action in answer["systemActions"] if action["resource"]["id"] == order)


def test_who_declines_unsolicited_determinations_is_told_of_none(asking_service: RunningService) -> None:
    """found-35: what only tries something out must not be told `satisfied`."""
    request = satisfied()
    request["extension"]["davinci-crd.configuration"] = {"unsolicited-determ": False}

    answer = sign(asking_service, request)

    assert said_of(answer, "pump-1")["pa-needed"] == "auth-needed"
    assert "PA-2026" not in json.dumps(answer)


def test_the_option_is_announced_where_members_are_asked(
    service: RunningService, asking_service: RunningService
) -> None:
    """CRD-115, 116, 121: an option for each type of card or answer that is returned."""

    def codes(one: RunningService) -> set[str]:
        services = requests.get(f"{one.base}/cds-services", timeout=60).json()["services"]
        return {
            option["code"] for each in services for option in each["extension"]["davinci-crd.configuration-options"]
        }

    assert codes(asking_service) - codes(service) == {"unsolicited-determ"}


def test_an_earlier_satisfied_goes_once_the_payer_says_that_it_is_used_up(asking_service: RunningService) -> None:
    """resp-35, resp-36: what was written before is replaced by what the payer has looked up."""
    request = satisfied()
    entry = next(e for e in request["context"]["draftOrders"]["entry"] if e["resource"]["id"] == "endoscopy-1")
    former = next(a for a in sign(asking_service, request)["systemActions"] if a["resource"]["id"] == "pump-1")
    entry["resource"]["extension"] = former["resource"]["extension"]

    said = said_of(sign(asking_service, request), "endoscopy-1")

    assert said["pa-needed"] == "auth-needed"
    assert "satisfied-pa-id" not in said


def test_what_is_left_of_an_authorization_covers_no_more_orders_of_a_call_than_it_is_enough_for(
    asking_service: RunningService,
) -> None:
    """The second pump of a call is not satisfied by the authorization of one; the card says which was looked at."""
    request = satisfied()
    entries = request["context"]["draftOrders"]["entry"]
    pump = next(entry for entry in entries if entry["resource"]["id"] == "pump-1")
    entries.append({**pump, "fullUrl": "urn:uuid:2", "resource": {**pump["resource"], "id": "pump-2"}})

    answer = sign(asking_service, request)

    assert (said_of(answer, "pump-1")["pa-needed"], said_of(answer, "pump-1")["satisfied-pa-id"]) == (
        "satisfied",
        NUMBER,
    )
    assert said_of(answer, "pump-2")["pa-needed"] == "auth-needed"
    assert f"{NUMBER} was looked at: what is left of it goes to other orders of this call." in json.dumps(answer)
    assert faults("2.2", answer) == []


def test_the_same_call_gets_the_same_answer_until_the_payer_says_something_else(
    start_service: Any, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/crd.sqlite3"
    load_members(database)
    load_authorizations(database)
    service = start_service(CRD_MEMBERS="database", CRD_DATABASE_URL=database)
    before = sign(service, satisfied())
    assert sign(service, satisfied()) == before

    other = tmp_path / "authorizations.csv"
    other.write_text((ROOT / "fhir_examples" / "authorizations.csv").read_text().replace(",1,0,\n", ",1,1,\n"))
    load_authorizations(database, other)
    after = sign(service, satisfied())

    assert (said_of(before, "pump-1")["pa-needed"], said_of(after, "pump-1")["pa-needed"]) == (
        "satisfied",
        "auth-needed",
    )
    first, second = (said_of(answer, "pump-1")["coverage-assertion-id"] for answer in (before, after))
    assert first != second
    assert before["cards"][0]["uuid"] not in {card["uuid"] for card in after["cards"]}
    _the_record_has_what_the_directory_said(database, first)
    log = service.log.read_text()
    assert not [word for word in ("EX-4711", "PA-2026", "1971-04-02", "Invented") if word in log]


def _the_record_has_what_the_directory_said(database: str, assertion: str) -> None:
    found = crd("audit", "find", "--assertion-id", assertion, "--json", database=database).stdout.splitlines()
    decisions = {one["order"]: one for line in found for one in json.loads(line)["decisions"]}
    assert decisions["DeviceRequest/pump-1"]["member"] == "example.org/ehp/member|EX-4711"
    assert decisions["DeviceRequest/pump-1"]["authorization"] == NUMBER
    assert "PA-2026-0002" in json.dumps(decisions["ServiceRequest/mri-1"]["reasons"])


def test_an_explanation_shows_the_member_by_id_and_is_on_the_record(tmp_path: Path) -> None:
    """CRD-80: who explains a call looks a member up."""
    database = f"sqlite:///{tmp_path}/crd.sqlite3"
    load_members(database)
    load_authorizations(database)
    request = ROOT / "fhir_examples" / FOLDER / "satisfied-2.2" / "request.json"

    told = crd("explain", str(request), "--on", "2026-11-23", database=database, CRD_MEMBERS="database").stdout
    accesses = crd("audit", "accesses", database=database).stdout

    assert "member EX-4711 (example.org/ehp/member): example-health-plan, PPO from 2026-01-01 to 2026-12-31" in told
    assert f"authorization: {NUMBER} is on file and covers the order" in told
    assert "authorization: Authorization PA-2026-0002 was looked at: it ended on 2026-10-30." in told
    assert "Insulin pump: covered, satisfied" in told
    assert "Ida" not in told
    assert "1971" not in told
    assert json.loads(accesses.splitlines()[0])["action"] == "explain"


def crd(*arguments: str, database: str, **variables: str) -> subprocess.CompletedProcess[str]:
    ended = run_crd(*arguments, environment={"PATH": "", "CRD_DATABASE_URL": database, **variables})
    ended.check_returncode()
    return ended


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_switched_off_nobody_is_looked_up(version: str, service: RunningService) -> None:
    answer = sign(service, satisfied(version))

    assert said_of(answer, "pump-1")["pa-needed"] == "auth-needed"
    assert "PA-2026" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("what", "covered", "pa_needed"),
    [
        ("well", "covered", "satisfied"),
        ("no-authorizations", "covered", "indeterminate"),
        ("slow", "indeterminate", None),
        ("500", "indeterminate", None),
    ],
)
def test_a_payers_own_service_is_asked_within_its_time(
    what: str, covered: str, pa_needed: str | None, asking_payer: tuple[RunningService, MemberServiceProcess]
) -> None:
    """resp-43: what fails is `indeterminate` with the reason `technical`, and soon."""
    service, payer = asking_payer
    payer.do(what)

    answer = sign(service, satisfied())
    said = said_of(answer, "pump-1")

    assert (said["covered"], said.get("pa-needed")) == (covered, pa_needed)
    assert said.get("satisfied-pa-id") == ("PA-77" if what == "well" else None)
    assert ("technical" in json.dumps(answer)) is (what != "well")
    assert "PA-78" not in json.dumps(answer)
    assert faults("2.2", answer) == []


@pytest.fixture(scope="module", name="asking_payer")
def _asking_payer(start_shared_service: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service that asks the payer's own, which is a process of its own."""
    folder = tmp_path_factory.mktemp("payer")
    payer = MemberServiceProcess(folder)
    (folder / "token").write_text("t0ken\n")
    yield (
        start_shared_service(
            CRD_MEMBERS=payer.base,
            CRD_ALLOW_PRIVATE_MEMBERS="1",
            CRD_MEMBERS_TOKEN=str(folder / "token"),
            CRD_MEMBERS_TIME_BUDGET="0.5",
        ),
        payer,
    )
    payer.stop()


def test_the_console_takes_a_members_id_and_shows_what_is_authorized_and_what_was_looked_at(
    asking_service: RunningService,
) -> None:
    asked = {"member": "EX-4711", "kind": "DeviceRequest", "on": "2026-11-23"}
    pump = _page(asking_service, "/", **asked, code="HCPCS E0784")
    why = _page(asking_service, "/console/why", **asked, code="HCPCS E0784")
    mri = _page(asking_service, "/console/why", **asked, code="CPT 70553")
    stranger = _page(asking_service, "/", **asked | {"member": "EX-0"}, code="HCPCS E0784")

    assert "Prior authorization There already" in pump
    assert f"Authorization number {NUMBER}" in pump
    assert "member EX-4711 (example.org/ehp/member): example-health-plan, PPO" in why
    assert "PA-2026-0002 was looked at: it ended on 2026-10-30." in mri
    assert "Member not found: Example Health Plan has no member with the ids" in stranger


def test_the_console_asks_for_no_members_id_where_none_is_looked_up(service: RunningService) -> None:
    assert 'name="member"' not in requests.get(f"{service.base}/", timeout=60).text


def _page(service: RunningService, path: str, **fields: str) -> str:
    """Send a form of the console, and return the words of the page."""
    form = requests.get(service.base + path, timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    assert token
    page = requests.post(service.base + path, {"csrf_token": token[1], **fields}, cookies=form.cookies, timeout=60)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
