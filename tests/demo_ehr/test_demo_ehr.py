"""The demo EHR against a service that runs and knows it only by its token: from the form to the annotated order."""

import html
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from cds_hooks.commands.main import main
from examples.demo_ehr import fhir_server, prefetch
from examples.demo_ehr.catalogue import Catalogue
from examples.demo_ehr.pages import create_app
from examples.demo_ehr.patients import PEOPLE
from tests.conftest import ROOT
from tests.demo_ehr.running import RunningEhr

pytest_plugins = ["tests.demo_ehr.fixtures"]

NOT_COVERED = "Prolotherapy (M0076) is not covered"


class Page:
    """A chart as a browser without script has it."""

    def __init__(self, client: FlaskClient, patient: str) -> None:
        self._client, self._url = client, f"/patients/{patient}"
        self.text = ""
        self.move("new")

    def write(self, hook: str = "order-select", **fields: str) -> "Page":
        """Fill in the form and press a button."""
        empty = dict.fromkeys(("codes", "text", "note", "reason", "place"), "")
        return self._post("order", empty | {"day": "2026-11-23", "hook": hook} | fields)

    def move(self, name: str, **fields: str) -> "Page":
        """Press another button."""
        return self._post(name, fields)

    def _post(self, name: str, fields: dict[str, str]) -> "Page":
        answer = self._client.post(f"{self._url}/{name}", data=fields, follow_redirects=True)
        assert answer.status_code == 200
        self.text = html.unescape(answer.text)
        return self

    @property
    def steps(self) -> list[str]:
        """The hooks that were called, the last one first, with their statuses."""
        found = re.findall(r'class="hook">([\w-]+)</code>\s*<span class="status \w+">([^<]+)<', self.text)
        return [f"{hook} {status}" for hook, status in found]

    @property
    def verdicts(self) -> list[str]:
        """What is written onto the order, and onto the appointment."""
        return re.findall(r'class="verdict[^"]*">([^<]+)<', self.text)

    @property
    def bodies(self) -> list[Any]:
        """The JSON that is shown: of each step token, request and response."""
        shown = re.findall(r"<pre tabindex=\"0\">(\{.*?\})</pre>", self.text, re.DOTALL)
        return [json.loads(one) for one in shown]

    def value(self, pattern: str) -> str:
        """Return what a pattern's group finds on the page."""
        found = re.search(pattern, self.text, re.DOTALL)
        assert found, self.text
        return found[1]


@pytest.fixture(name="client")
def _client(ehr: RunningEhr) -> FlaskClient:
    return ehr.client()


def test_an_order_goes_from_the_form_to_the_booked_appointment(client: FlaskClient) -> None:
    page = Page(client, "ida").write(codes="M0076", text="Prolotherapy, right knee")
    assert page.steps == ["order-select 200"]
    assert NOT_COVERED in page.text
    assert page.verdicts == []

    page.write("order-sign", codes="HCPCS M0076", text="Prolotherapy, right knee")
    assert page.verdicts == ["not covered"]
    assert "The order is not signed yet" in page.text

    page.move("sign-anyway").move("dispatch").move("book")
    assert page.steps == ["appointment-book 200", "order-dispatch 200", "order-sign 200", "order-select 200"]
    assert page.verdicts == ["not covered", "not covered"]
    assert "An appointment is booked." in page.text


def test_the_service_reads_what_prefetch_leaves_out_with_the_token_of_the_call(client: FlaskClient) -> None:
    """The payer's Organization is no part of what the service asks to have sent."""
    page = Page(client, "ida").write(codes="M0076")

    assert "GET Coverage?patient=ida&status=active" in page.text
    assert "Organization/ehp" in page.value(r"What the service read(.*?)</table>")


def test_without_prefetch_the_service_reads_all_of_it(ehr: RunningEhr, client: FlaskClient) -> None:
    ehr.desk.sends_prefetch = False

    page = Page(client, "ida").write(codes="M0076")

    assert NOT_COVERED in page.text
    assert "Coverage?" in page.value(r"What the service read(.*?)</table>")
    assert not any("prefetch" in body for body in page.bodies)


def test_a_signed_order_is_on_record_with_what_the_payer_wrote(ehr: RunningEhr, client: FlaskClient) -> None:
    page = Page(client, "ida").write("order-sign", codes="M0076").move("sign-anyway")
    order_id = page.value(r"ServiceRequest/(ida-order-\d+)")

    order = ehr.desk.fhir.get(f"ServiceRequest/{order_id}")
    assert order is not None
    assert (order["status"], len(order["extension"])) == ("active", 1)


def test_what_nobody_objects_to_is_signed_at_once(client: FlaskClient) -> None:
    page = Page(client, "pia").write("order-sign", codes="73721")

    assert "Signed order" in page.text
    assert page.steps == ["order-sign 200"]


#: What each invented patient is told of M0076 when the order is signed, in CRD 2.0 (docs/who-answers.md).
TOLD = {
    "ida": "Not covered by Example Health Plan",
    "ben": "Not covered by Example Blue Plan",
    "mae": "Not covered by Example Medicare Advantage",
    "otis": "Not covered by Medicare",
    "nora": "If this patient is covered by Example Health Plan",
    "emil": "no active coverage on",
    "lea": "Not covered by Example Health Plan",  # but where members are asked, as `make demo` does
    "pia": "The coverage is the patient's own payment",
    "finn": "The payer of this coverage is another one",
}


@pytest.mark.parametrize("patient", [person.id for person in PEOPLE])
def test_each_patient_shows_another_answer(patient: str, client: FlaskClient) -> None:
    page = Page(client, patient).write("order-sign", codes="M0076")

    assert page.steps == ["order-sign 200"]
    assert TOLD[patient] in page.text


@pytest.mark.parametrize(
    ("patient", "code", "said", "told"),
    [
        ("ida", "E0784", {"pa needed": "satisfied", "satisfied pa id": "PA-DEMO-1"}, "prior authorization is on file"),
        ("ida", "E0260", {"pa needed": "auth-needed"}, "Request prior authorization before the bed is delivered."),
        ("ida", "70553", {"pa needed": "performpa"}, "Authorization PA-DEMO-2 was looked at: it ended on 2024-03-31."),
        ("otis", "K0856", {"pa needed": "auth-needed"}, "Authorization PA-DEMO-3 was looked at: it is used up."),
        (
            "otis",
            "K0861",
            {"pa needed": "auth-needed"},
            "Have the supplier request prior authorization before delivery.",
        ),
    ],
)
def test_an_order_shows_what_is_authorized_and_what_needs_to_be(
    patient: str, code: str, said: dict[str, str], told: str, ehr_with_members: RunningEhr
) -> None:
    """crd-ci-q5: the number stands beside `satisfied` alone; authorized is what was, for this member and this code."""
    page = Page(ehr_with_members.client(), patient).write("order-sign", codes=code)

    written = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page.text))
    assert {name: written[name] for name in ("pa needed", "satisfied pa id") if name in written} == said
    assert told in page.text
    assert page.verdicts == ["covered"]


def test_an_authorization_goes_with_the_order_that_is_signed(ehr_with_members: RunningEhr) -> None:
    page = Page(ehr_with_members.client(), "ida").write("order-sign", codes="E0784").move("sign-anyway")

    order = ehr_with_members.desk.fhir.get(page.value(r"(DeviceRequest/ida-order-\d+)"))
    assert order
    assert order["status"] == "active"
    assert {"url": "satisfied-pa-id", "valueString": "PA-DEMO-1"} in order["extension"][0]["extension"]


def test_who_orders_has_a_gold_card_that_is_read(ehr: RunningEhr) -> None:
    """The Practitioner is read with the token of the call, for the policy asks who orders."""
    page = Page(ehr.client(), "ida").write("order-sign", codes="71260")

    assert "gold card, nothing else is needed" in page.text
    assert "Practitioner/dr-invented" in page.value(r"What the service read(.*?)</table>")


def test_every_payer_of_the_service_has_a_patient() -> None:
    served = {json.loads(path.read_text())["name"] for path in (ROOT / "cards" / "payers").glob("[!p]*.json")}
    assert len(served) > 3
    assert served <= {person.covered_by for person in PEOPLE}


def test_a_suggestion_changes_the_order_and_asks_again(client: FlaskClient) -> None:
    """CDS Hooks 2.0, Suggestion: the EHR does what it says, reports it, and calls once more."""
    page = Page(client, "ida").write(codes="20999", text="Dextrose injection, left knee")
    card = page.value(r'name="card" value="([^"]+)"')
    suggestion = page.value(r'name="suggestion" value="([^"]+)"[^>]*>This is prolotherapy: add M0076<')

    page.move("accept", card=card, suggestion=suggestion)

    assert page.value(r'id="codes"[^>]*value="([^"]*)"') == "CPT 20999, HCPCS M0076"
    assert NOT_COVERED in page.text
    page.write("order-sign", codes="CPT 20999, HCPCS M0076", text="Dextrose injection, left knee")
    assert page.verdicts == ["not covered"]


def test_feedback_reaches_the_service(ehr: RunningEhr, client: FlaskClient) -> None:
    page = Page(client, "ida").write("order-sign", codes="M0076")
    card = page.value(r'name="card" value="([^"]+)"')
    reason = page.value(r'name="reason" value="([^"]+\|exception-granted)"')

    page.move("override", card=card, reason=reason, comment="Granted by phone")

    assert "The payer was told: overridden." in page.text
    with sqlite3.connect(Path(str(ehr.service.log)).parent / "crd.sqlite3") as store:
        assert ("overridden", "exception-granted") in store.execute("select outcome, reason from feedback").fetchall()


def test_a_changed_order_carries_no_earlier_answer(client: FlaskClient) -> None:
    page = Page(client, "ida").write("order-sign", codes="M0076")
    assert page.verdicts == ["not covered"]

    assert page.write(codes="73721").verdicts == []
    page.write("order-sign", codes="M0076").write("order-select", codes="M0076")
    assert page.verdicts == ["not covered"]


def test_equipment_is_a_device_request_and_is_not_booked(client: FlaskClient) -> None:
    page = Page(client, "ida").write("order-sign", codes="L1851")
    if "not signed yet" in page.text:
        page.move("sign-anyway")

    assert "DeviceRequest/ida-order-" in page.text
    assert "Book an appointment" not in page.text


def test_a_drug_is_a_medication_request(client: FlaskClient) -> None:
    """CRD profiles MedicationRequest; its day is the one from which it may be dispensed."""
    page = Page(client, "ida").write("order-sign", codes="J1030", text="Methylprednisolone, left knee")
    if "not signed yet" in page.text:
        page.move("sign-anyway")

    [request] = [body for body in page.bodies if body.get("hook") == "order-sign"]
    [entry] = request["context"]["draftOrders"]["entry"]
    assert entry["resource"]["resourceType"] == "MedicationRequest"
    assert entry["resource"]["dispenseRequest"]["validityPeriod"] == {"start": "2026-11-23"}
    assert page.steps == ["order-sign 200"]
    assert len(page.verdicts) == 1
    assert "Book an appointment" not in page.text


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_visit_for_the_order_begins_and_ends(version: str, ehr: RunningEhr, client: FlaskClient) -> None:
    """CDS Hooks library: encounter-start and encounter-discharge refer to the Encounter, which prefetch brings."""
    ehr.desk.version = version
    page = Page(client, "ida").write("order-sign", codes="M0076").move("sign-anyway")
    assert "Discharge" not in page.text

    page.move("start-visit")
    assert page.steps[0] == "encounter-start 200"
    assert NOT_COVERED in page.text
    [order_id] = set(re.findall(r"Encounter/(ida-order-\d+)-encounter", page.text))
    assert f"GET Encounter/{order_id}-encounter" in page.text

    page.move("discharge").move("discharge").move("start-visit")
    assert page.steps == ["encounter-discharge 200", "encounter-start 200", "order-sign 200"]
    visit = ehr.desk.fhir.get(f"Encounter/{order_id}-encounter")
    assert visit is not None
    assert (visit["status"], visit["basedOn"]) == ("finished", [{"reference": f"ServiceRequest/{order_id}"}])


def test_nobody_is_visited_before_the_order_is_signed(client: FlaskClient) -> None:
    page = Page(client, "ida").write("order-select", codes="M0076").move("start-visit").move("discharge")

    assert page.steps == ["order-select 200"]


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_later_versions_are_spoken_from_end_to_end(version: str, ehr: RunningEhr, client: FlaskClient) -> None:
    ehr.desk.version = version

    page = Page(client, "otis").write("order-sign", codes="M0076").move("sign-anyway").move("dispatch").move("book")

    assert page.steps == ["appointment-book 200", "order-dispatch 200", "order-sign 200"]
    assert page.verdicts[0] == "not covered"


def test_what_cannot_be_ordered_is_said_and_nobody_is_asked(client: FlaskClient) -> None:
    page = Page(client, "ida")

    assert "Choose a code, or say in words" in page.write().text
    assert "“knee surgery” is no code" in page.write(codes="knee surgery").text
    assert "The day is to be a date" in page.write(codes="M0076", day="soon").text
    assert page.steps == []
    assert 'value="M0076"' in page.text


def test_a_service_that_is_down_does_not_stop_the_order(ehr: RunningEhr) -> None:
    alone = create_app(ehr.base, "http://127.0.0.1:9", Catalogue())
    page = Page(alone.test_client(), "ida").write("order-sign", codes="M0076")

    assert "The payer's service cannot be reached at http://127.0.0.1:9/cds-services" in page.text
    assert page.steps == ["order-sign no answer"]
    assert "Signed order" in page.move("sign-anyway").text


def test_an_ehr_that_is_not_registered_is_told_what_to_do(ehr: RunningEhr) -> None:
    stranger = create_app("http://127.0.0.1:1", ehr.service.base, Catalogue())
    page = Page(stranger.test_client(), "ida").write(codes="M0076")

    assert "does not know this EHR" in page.text
    assert "/registration" in page.text
    assert page.steps == ["order-select 401"]


def test_a_slow_fhir_server_holds_nobody_up_for_long(
    ehr: RunningEhr, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not there in time is not sent along, and the service reads for itself."""
    monkeypatch.setattr(fhir_server, "SLOWNESS", 0.6)
    monkeypatch.setattr(prefetch, "BUDGET", 0.2)
    ehr.desk.fhir.state = "slow"

    page = Page(client, "ida").write("order-sign", codes="M0076")

    assert "no answer in time" in page.text
    assert page.steps in (["order-sign 200"], ["order-sign 412"])
    assert not any("prefetch" in body for body in page.bodies)


def test_a_fhir_server_that_refuses_is_told_in_words(ehr: RunningEhr, client: FlaskClient) -> None:
    ehr.desk.fhir.state = "closed"

    page = Page(client, "ida").write("order-sign", codes="M0076")

    assert page.steps == ["order-sign 412"]
    assert "The payer's service gave no answer: " in page.text


def test_no_other_site_can_use_it(client: FlaskClient) -> None:
    assert client.post("/patients/ida/new", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/", headers={"Host": "ehr.attacker.example"}).status_code == 403
    assert client.get("/patients/nobody").status_code == 404


def test_from_where_no_page_is_a_person_is_led_back(client: FlaskClient) -> None:
    """Such as after a new start of the demo, or from the address that a form was sent to."""
    for url, status in (("/patients/nobody", 404), ("/patients/ida/order", 405)):
        page = client.get(url, headers={"Accept": "text/html,*/*"})

        assert page.status_code == status
        assert '<a href="/">Choose a patient</a>' in page.text
        assert "Choose a patient" not in client.get(url, headers={"Accept": "application/fhir+json"}).text


def test_pages_run_nothing_that_a_card_brings(client: FlaskClient) -> None:
    answer = client.get("/patients/ida")

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?! src)|\sstyle=|\son\w+=|https?://(?!127)[^\"<]+\.(js|css)", answer.text)


def send(ehr: RunningEhr, *options: str, example: str = "m0076-order-sign") -> Result:
    path = ROOT / "fhir_examples" / "evicore-cmm-204" / example / "request.json"
    signed = ("--sign", str(ehr.key), "--issuer", "https://ehr.example.com")
    return CliRunner().invoke(main, ["send", str(path), "--to", ehr.service.base, *signed, *options])


def test_crd_send_shows_the_card_to_a_client_that_proves_itself(ehr: RunningEhr) -> None:
    done = send(ehr)

    assert done.exit_code == 0, done.output
    assert f" WARNING  {NOT_COVERED}" in done.stdout
    assert "On ServiceRequest/prolo-1, for the machine:\n" in done.stdout
    assert "  covered: not-covered\n" in done.stdout
    assert "\x1b" not in done.stdout


def test_crd_send_without_a_key_is_refused(ehr: RunningEhr) -> None:
    path = ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-sign" / "request.json"
    done = CliRunner().invoke(main, ["send", str(path), "--to", ehr.service.base])

    assert done.exit_code == 1
    assert done.stdout.startswith("401 in ")


def test_crd_send_prints_the_response_for_programs(ehr: RunningEhr) -> None:
    done = send(ehr, "--json", "--version", "2.2")

    [card] = json.loads(done.stdout)["cards"]
    assert card["summary"].startswith(NOT_COVERED)


def test_crd_send_reads_what_the_service_asks_for(ehr: RunningEhr, tmp_path: Path) -> None:
    """Prefetch from the demo EHR's FHIR server, whose payer the service then reads itself with the same token."""
    call = json.loads((ROOT / "fhir_examples/evicore-cmm-204/m0076-order-sign/request.json").read_text())
    del call["prefetch"]
    call["context"]["patientId"] = "otis"
    call["context"]["draftOrders"]["entry"][0]["resource"]["subject"]["reference"] = "Patient/otis"
    (tmp_path / "call.json").write_text(json.dumps(call))
    token = ehr.desk.fhir.open("otis")
    arguments = ["send", str(tmp_path / "call.json"), "--to", ehr.service.base, "--fhir", f"{ehr.base}/fhir"]
    signed = ["--sign", str(ehr.key), "--issuer", "https://ehr.example.com"]

    done = CliRunner().invoke(main, [*arguments, *signed], env={"FHIR_TOKEN": token})

    assert done.exit_code == 0, done.output
    assert "Not covered by Medicare" in done.stdout
    reads = [read.query for read in ehr.desk.fhir.close(token)]
    assert reads[:2] == ["Patient/otis", "Coverage?patient=otis&status=active"]

    refused = CliRunner().invoke(main, [*arguments, *signed], env={"FHIR_TOKEN": token})
    assert "prefetch coverage is left out: status 401" in refused.stderr
