"""Trying an order: it goes over HTTP to the service, and what one does with a card is told to the service."""

import json
import re
import shlex
import sqlite3
from html import unescape
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from cds_hooks.console.try_it.tries import unpack
from cds_hooks.hooks.services import SERVICES
from examples.demo_ehr.chart import VERSION
from tests.cds_hooks.console.conftest import Console, carried, send, token, words

ORDER = {"code": "HCPCS M0076", "text": "Prolotherapy, right knee"}


def rows(console: Console, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(console.settings.database_url.removeprefix("sqlite:///")) as database:
        return database.execute(query).fetchall()


def test_an_order_is_sent_to_the_service_and_its_card_is_shown(browser: FlaskClient, console: Console) -> None:
    before = rows(console, "select count(*) from exchanges")[0][0]

    page = send(browser, "/", **ORDER)

    assert "Prolotherapy (M0076) is not covered: considered investigational" in words(page)
    assert "Written onto the order Prolotherapy, right knee Not covered" in words(page)
    assert "Prior authorization Does not apply" in words(page)  # the 2.0 profile demands no-auth there
    assert rows(console, "select count(*) from exchanges")[0][0] == before + 1


@pytest.mark.parametrize("hook", [service.hook for service in SERVICES])
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_every_hook_of_every_version_is_answered(browser: FlaskClient, hook: str, version: str) -> None:
    page = send(browser, "/", **ORDER, hook=hook, version=version)

    assert "is not covered: considered investigational" in words(page)
    assert unpack(carried(page)).status == 200


def test_the_words_of_an_order_are_in_no_link(browser: FlaskClient) -> None:
    page = send(browser, "/", **ORDER, note="Ida Invented, born 1971", reason="Her knee")

    assert "/?kind=ServiceRequest&amp;code=HCPCS+M0076&amp;coverage=example-health-plan&amp;on=2026-11-23" in page
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert not [link for link in links if "Ida" in link or "knee" in link.lower() or "pat-1" in link]


def hidden(page: str) -> dict[str, str]:
    """Return what the form of an answer's page carries along."""
    [form] = re.findall(r'<form id="try".*?</form>', page, re.DOTALL)
    return {unescape(name): unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}


def test_back_to_the_form_keeps_what_was_written(browser: FlaskClient) -> None:
    """Also after feedback, and in no URL."""
    written = {"code": "CPT 20999", "text": "Ida's <knee>", "note": "For prolotherapy", "on": "2024-02-29"}
    page = send(browser, "/", **written, hook="order-select", coverage="example-blue-plan", reason='"Pain"')
    tried, card = hidden(page), unpack(carried(page)).answered["cards"][0]["uuid"]
    told = send(browser, "/console/feedback", **tried | {"feedback": f"accepted {card}"})

    for shown in (page, told):
        back = send(browser, "/console/form", **hidden(shown))
        for field in ('value="CPT 20999"', 'value="Ida&#39;s &lt;knee&gt;"', ">For prolotherapy</textarea>"):
            assert field in back
        assert 'value="2024-02-29"' in back
        assert '"example-blue-plan" selected' in back
        assert "<option selected>order-select" in back
        assert 'value="&#34;Pain&#34;"' in back
    assert 'formaction="/console/form"' in page
    assert "Ida" not in "".join(re.findall(r'(?:href|action)="[^"]*"', page))


def test_why_keeps_what_was_written(browser: FlaskClient) -> None:
    page = send(browser, "/", **ORDER, note="Her left side")

    assert ">Her left side</textarea>" in send(browser, "/console/why", **hidden(page))


def test_a_call_that_was_written_by_hand_has_no_form_to_go_back_to(browser: FlaskClient) -> None:
    tried = unpack(carried(send(browser, "/", **ORDER)))
    page = send(browser, "/console/again", hook="order-sign", request=tried.request)

    assert "Back to the form" not in page


def test_a_link_fills_the_form(browser: FlaskClient) -> None:
    page = browser.get("/?code=CPT+20999&on=2024-02-29&coverage=medicare&hook=order-select&version=2.0").text

    for field in ('value="CPT 20999"', 'value="2024-02-29"', '"medicare" selected', "<option selected>order-select"):
        assert field in page


def test_a_policy_in_a_link_brings_its_code_and_a_payer_it_binds(browser: FlaskClient) -> None:
    page = browser.get("/?policy=medical-policy-2-01-26").text

    assert 'value="HCPCS M0076"' in page
    assert '"example-blue-plan" selected' in page


def test_an_override_with_a_reason_is_in_the_store(browser: FlaskClient, console: Console) -> None:
    """CDS Hooks 2.0, Feedback (HK-148): the reason is one that the card offered."""
    page = send(browser, "/", **ORDER)
    tried = unpack(carried(page))
    card = tried.answered["cards"][0]
    offered = card["overrideReasons"][0]
    before = len(rows(console, "select * from feedback"))

    said = {f"reason-{card['uuid']}": f"{offered['system']}|{offered['code']}", f"comment-{card['uuid']}": "paid"}
    told = send(browser, "/console/feedback", call=carried(page), feedback=f"overridden {card['uuid']}", **said)

    assert "Feedback sent: overridden." in words(told)
    found = rows(console, "select outcome, reason from feedback")
    assert len(found) == before + 1
    assert found[-1] == ("overridden", "patient-pays")


def test_feedback_that_the_service_does_not_take_is_said(browser: FlaskClient) -> None:
    """Accepted is what a card is whose suggestion was taken (CDS Hooks 2.0, Feedback): a card has no such button."""
    page = send(browser, "/", **ORDER)
    card = unpack(carried(page)).answered["cards"][0]["uuid"]

    told = send(browser, "/console/feedback", call=carried(page), feedback=f"accepted {card}")

    assert "Feedback sent: not taken by the service (400)." in words(told)


def test_what_cannot_be_taken_is_said_at_its_field(browser: FlaskClient) -> None:
    empty = send(browser, "/", code="", text="")
    unknown = send(browser, "/", code="HCPC M0076", on="2026-02-30")
    broken = send(browser, "/", resource='{"resourceType": "ServiceRequest",')

    assert "Give a code, or say in words what is ordered." in words(empty)
    assert "did you mean HCPCS?" in words(unknown)
    assert "A day such as 2026-01-31." in words(unknown)
    assert 'aria-describedby="code-fault"' in unknown
    assert "This is not JSON: line 1, column" in words(broken)


def test_a_service_that_is_down_is_said_kindly(console: Console) -> None:
    browser = console.elsewhere("http://127.0.0.1:9")

    page = send(browser, "/", **ORDER)

    assert "The service does not answer" in words(page)
    assert "Why this answer?" in words(page)


def test_the_curl_line_sends_the_same_call(browser: FlaskClient) -> None:
    page = send(browser, "/", **ORDER, note='It\'s "fine"')
    line = re.search(r'<pre id="curl-text"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert line

    curl, _, url, _, kind, _, body = shlex.split(unescape(line[1]))

    assert (curl, kind) == ("curl", "Content-Type: application/json")
    answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.json() == unpack(carried(page)).answered


def test_what_the_service_refuses_is_shown_with_its_reasons(browser: FlaskClient) -> None:
    page = send(browser, "/console/again", hook="order-sign", request='{"hook": "order-sign"}')

    assert "The service cannot read this call" in words(page)
    assert "hookInstance" in words(page)


def test_a_call_that_is_no_json_is_not_sent_and_nothing_written_is_lost(browser: FlaskClient) -> None:
    page = send(browser, "/console/again", hook="order-sign", request='{"hook": <script>}')

    assert "This is not JSON. Look at line 1, column 10. Nothing was sent." in words(page)
    assert '{"hook": <script>}' not in page
    assert "{&#34;hook&#34;: &lt;script&gt;}" in page


def test_a_changed_call_is_sent_as_it_stands(browser: FlaskClient) -> None:
    call = unpack(carried(send(browser, "/", **ORDER))).sent
    call["context"]["draftOrders"]["entry"][0]["resource"]["code"] = {"text": "Flu vaccine"}

    page = send(browser, "/console/again", hook="order-sign", request=json.dumps(call))

    assert "Flu vaccine Conditional" in words(page)


@pytest.mark.parametrize(
    ("coverage", "says"),
    [
        ("another-payer", "Invented Insurance Company"),
        ("self-pay", "No card"),
        ("ended", "no coverage"),
        ("medicare", "Medicare"),
    ],
)
def test_who_pays_can_be_anybody(browser: FlaskClient, coverage: str, says: str) -> None:
    page = send(browser, "/", **ORDER, coverage=coverage, version="2.0")

    assert says.casefold() in words(page).casefold()
    assert unpack(carried(page)).status == 200


def test_a_hook_of_2_2_without_a_coverage_is_answered(browser: FlaskClient) -> None:
    assert unpack(carried(send(browser, "/", **ORDER, coverage="none"))).status == 200


def test_two_hundred_orders_are_shown_folded(browser: FlaskClient) -> None:
    call = unpack(carried(send(browser, "/", **ORDER))).sent
    [entry] = call["context"]["draftOrders"]["entry"]
    many = [{"resource": {**entry["resource"], "id": f"order-{number}"}} for number in range(200)]
    call["context"]["draftOrders"]["entry"] = many

    page = send(browser, "/console/again", hook="order-sign", request=json.dumps(call))

    assert page.count('<details class="coverage">') == 200
    card = unpack(carried(page)).answered["cards"][0]["uuid"]
    assert "Feedback sent" in send(browser, "/console/feedback", call=carried(page), feedback=f"overridden {card}")


def test_a_form_without_its_token_is_refused(browser: FlaskClient) -> None:
    """Another site can send a form, and has no token."""
    for url in ("/", "/console/why", "/console/fire", "/console/again", "/console/feedback", "/console/drafts"):
        answer = browser.post(url, data=ORDER)

        assert answer.status_code == 400
        assert "This page is older than the service" in answer.text


def test_a_damaged_try_is_refused(browser: FlaskClient) -> None:
    for call in ("", "{}", "[]", '{"hook": "x", "request": "", "status": 1, "response": "", "told": {}}'):
        data = {"csrf_token": token(browser), "call": call, "feedback": "accepted x"}

        assert browser.post("/console/feedback", data=data).status_code == 400
        assert browser.post("/console/why", data=data).status_code == 400


def test_a_suggestion_is_applied_and_the_service_is_asked_again(browser: FlaskClient, console: Console) -> None:
    """CDS Hooks 2.0, Suggestion: the order that it updates is sent the next time, and the service is told of it."""
    page = send(browser, "/", code="CPT 20999")
    assert "This is prolotherapy: add M0076" in words(page)

    applied = send(browser, "/console/apply", call=carried(page), suggestion="0 0")

    assert "Applied: This is prolotherapy: add M0076" in words(applied)
    assert "Prolotherapy (M0076) is not covered" in words(applied)
    assert ("accepted",) in rows(console, "select outcome from feedback")


@pytest.mark.parametrize("suggestion", ["", "0 0", "9 9", "a b", "-1"])
def test_a_suggestion_that_is_not_there_is_refused(browser: FlaskClient, suggestion: str) -> None:
    call = carried(send(browser, "/", **ORDER))
    data = {"csrf_token": token(browser), "call": call, "suggestion": suggestion}

    assert browser.post("/console/apply", data=data).status_code == 400


def test_a_newcomer_is_offered_one_of_each_kind_of_answer(browser: FlaskClient) -> None:
    page = browser.get("/").text
    offered = re.search(r"<h3>Or try one</h3>(.*?)</section>", page, re.DOTALL)
    assert offered

    links = re.findall(r'href="([^"]+)"><span class="verdict ([\w-]+)">', offered[1])
    assert [verdict for _, verdict in links] == [
        "not-covered",
        "covered",
        "auth-needed",
        "by-circumstances",
        "conditional",
    ]
    for link, verdict in links:
        form = dict(re.findall(r'<input id="(\w+)" name="\w+" value="([^"]*)"', browser.get(unescape(link)).text))
        assert form["code"], verdict


def test_the_list_of_examples_begins_with_plain_answers(browser: FlaskClient) -> None:
    groups = re.findall(r'<optgroup label="[^"]+">\s*<option[^>]*>([\w ]+):', browser.get("/").text)

    assert groups[:2] == ["Not covered", "Not covered"]
    assert groups[-1] == "Authorization needed"


def test_the_form_asks_for_the_version_that_who_asks_for_none_gets(browser: FlaskClient, console: Console) -> None:
    """So do the demo EHR and any EHR that says nothing: the three show the same answer."""
    versions = re.search(r'<select id="version".*?<option selected>([^<]+)<', browser.get("/").text)
    assert versions

    assert versions[1] == console.settings.default_version == VERSION


def test_the_list_of_examples_says_which_one_is_shown(browser: FlaskClient) -> None:
    def chosen(url: str) -> list[str]:
        select = re.search(r'<select id="example".*?</select>', browser.get(url).text, re.DOTALL)
        assert select
        return re.findall(r'value="([^"]*)" selected', select[0])

    assert chosen("/") == []
    assert chosen("/?example=cms-ncd-150-7+0") == ["cms-ncd-150-7 0"]
    assert chosen("/?policy=cms-ncd-150-7&case=0") == ["cms-ncd-150-7 0"]
    assert "The order below" in browser.get("/?code=CPT+20999").text
    assert chosen("/?code=CPT+20999") == [""]


def test_what_is_covered_with_authorization_does_not_look_like_what_is_covered_without(browser: FlaskClient) -> None:
    def badges(code: str) -> list[str]:
        page = send(browser, "/", code=code, payer="example-health-plan")
        return re.findall(r'<span class="verdict [\w-]+">([^<]+)</span>', page)

    assert badges("E0114") == ["Covered"]
    assert badges("E0784") == ["Authorization needed"]
    assert badges("70553") == ["Performer asks for authorization"]


def test_an_amount_is_shown_with_its_unit(browser: FlaskClient) -> None:
    page = send(browser, "/", code="E0784", payer="example-health-plan")

    assert re.search(r"<dt>In network copay</dt>\s*<dd>10 %</dd>", page)


def test_whom_to_ask_is_shown_with_how_to_reach_them(browser: FlaskClient) -> None:
    page = send(browser, "/", code="E0784", payer="example-health-plan", version="2.2")

    assert re.search(r"<dt>Whom to ask</dt>\s*<dd>Authorization desk, \+1-800-555-0100</dd>", page)


GOLD, MEMBER, OTHER = "2000000002", "2000000010", "2000000044"
CHEST_CT, STRESS_ECHO = {"code": "CPT 71260"}, {"code": "CPT 93350"}


def badges(page: str) -> list[str]:
    """Return the answers that a page shows on its orders."""
    return re.findall(r'<span class="verdict [\w-]+">([^<]+)</span>', page)


def test_a_gold_card_is_tried_by_the_npi_of_who_orders(browser: FlaskClient) -> None:
    """What is sent is what is shown beside the answer."""
    with_card = send(browser, "/", **CHEST_CT, ordered_by=GOLD)

    assert badges(with_card) == ["Covered"]
    assert badges(send(browser, "/", **CHEST_CT, ordered_by=OTHER)) == ["Authorization needed"]
    assert badges(send(browser, "/", **CHEST_CT, performed_by=GOLD)) == ["It depends"]
    sent = re.search(r'<textarea id="request-text".*?</textarea>', with_card, re.DOTALL)
    assert sent
    assert json.loads(unescape(sent[0].split(">", 1)[1].rsplit("<", 1)[0])) == unpack(carried(with_card)).sent
    [entry] = unpack(carried(with_card)).sent["context"]["draftOrders"]["entry"]
    assert entry["resource"]["requester"]["identifier"]["value"] == GOLD


@pytest.mark.parametrize("hook", ["order-sign", "order-dispatch", "appointment-book"])
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_network_is_tried_by_the_npi_of_who_performs(browser: FlaskClient, hook: str, version: str) -> None:
    """On order-dispatch who performs it is whom the call names (hook-33), whose record comes along."""
    said = [badges(send(browser, "/", **STRESS_ECHO, performed_by=one, hook=hook, version=version, coverage=PLAN))
            for one in (MEMBER, OTHER, "")]  # fmt: skip

    assert said == [["Covered"], ["Authorization needed"], ["It depends"]]


PLAN = "example-health-plan"


def test_a_mistyped_npi_is_said_at_its_field_and_is_in_no_link(browser: FlaskClient) -> None:
    page = send(browser, "/", **CHEST_CT, ordered_by="2000000003", performed_by="Ida")

    assert "Nothing was sent: look again at 2 fields below." in words(page)
    assert "This is no NPI: its last digit does not fit the others." in words(page)
    assert "An NPI has ten digits, and nothing else." in words(page)
    assert 'aria-describedby="ordered_by-fault"' in page
    assert not [link for link in re.findall(r'href="([^"]*)"', page) if "2000000003" in link or "Ida" in link]


def test_providers_are_kept_on_the_way_back_and_in_links(browser: FlaskClient) -> None:
    page = send(browser, "/", **CHEST_CT, ordered_by=GOLD, performed_by=OTHER)
    [link] = re.findall(r'href="(/\?kind=[^"]*)"', page)

    for shown in (send(browser, "/console/form", **hidden(page)), browser.get(unescape(link)).text):
        fields = dict(re.findall(r'<input id="(\w+)" name="\w+" value="([^"]*)"', shown))
        assert (fields["ordered_by"], fields["performed_by"]) == (GOLD, OTHER)
