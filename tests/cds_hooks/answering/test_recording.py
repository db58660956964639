"""Every call and its answer is kept before the answer leaves, errors included (CRD-76, found-11, found-37)."""

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher, make_key, read_keys
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.reading import bodies, calls, store_of
from tests.cds_hooks.store.samples import exchange
from tests.fhir.servers import NO_FHIR_SERVER, access

pytest_plugins = ["tests.fhir.fixtures"]

SIGN = "/cds-services/order-sign-crd"
TOKEN = "Marked-Access-Token-0123456789"  # noqa: S105 (made up)


def newest(service: Any, *keys: bytes) -> Any:
    return calls(store_of(service), *keys, most=1)[0]


def marked(example: Any) -> dict[str, Any]:
    """Return a call with a token, and a name that nobody else has."""
    request = example("m0076-order-sign")
    request["fhirAuthorization"] = access(TOKEN, "patient/Coverage.read")
    request["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "Markedname, Ida, born 1971-04-02"}]
    return request


def test_what_is_kept_of_an_answer(service: Any, example: Any) -> None:
    """CRD-76: time, client, service, hook, hookInstance, version, status, duration, decisions with policy and reasons,
    assertion and card ids, both bodies. found-11, found-37."""
    request = example("m0076-order-sign")
    response = service.post(SIGN, request, X_Request_ID="0123456789abcdef")
    call = newest(service)
    body = response.json()
    assertion = body["systemActions"][0]["resource"]["extension"][-1]["extension"]
    assertion_id = next(part["valueString"] for part in assertion if part["url"] == "coverage-assertion-id")

    assert (call.client, call.service, call.hook, call.version) == ("anonymous", "order-sign-crd", "order-sign", "2.0")
    assert (call.status, call.request_id) == (200, "0123456789abcdef")
    assert 0 < call.duration < 60_000_000
    assert call.summary.hook_instance == request["hookInstance"]
    assert call.summary.rules
    [decision] = call.summary.decisions
    assert (decision.order, decision.covered, decision.on) == ("ServiceRequest/prolo-1", "not-covered", "2026-11-23")
    assert decision.assertion == assertion_id
    assert [policy.version for policy in decision.policies] == ["evicore-cmm-204@2023-05-31"]
    assert decision.reasons
    [card] = call.summary.cards
    assert (card.id, card.orders) == (body["cards"][0]["uuid"], ("ServiceRequest/prolo-1",))
    assert card.policies == ("evicore-cmm-204@2023-05-31",)
    kept = bodies(store_of(service), call)
    assert kept.request == json.dumps(request).encode()
    assert kept.response == response.content


def test_calls_are_found_by_all_that_is_known_of_them(service: Any, example: Any) -> None:
    request = example("two-orders-one-matches")
    response = service.post("/cds-services/order-sign-crd", {**request, "hook": "order-sign"}).json()
    cards = [card["uuid"] for card in response["cards"]]
    assertions = [
        part["valueString"]
        for action in response["systemActions"]
        for part in action["resource"]["extension"][-1]["extension"]
        if part["url"] == "coverage-assertion-id"
    ]
    assert len(assertions) == 2
    url = store_of(service)
    for wanted in [{"card": card} for card in cards] + [{"assertion": one} for one in assertions]:
        found = calls(url, **wanted)[0]
        assert {decision.assertion for decision in found.summary.decisions} == set(assertions)
    assert calls(url, order=found.summary.decisions[0].order, client="anonymous")
    assert calls(url, order=found.summary.decisions[0].order, client="somebody else") == []
    assert calls(url, card=cards[0][:-1] + ("0" if cards[0][-1] != "0" else "1")) == []
    assert calls(url, since=found.at, until=found.at + 1000)
    assert calls(url, until=found.at - 3_600_000_000) == []
    assert calls(url, hook_instance=request["hookInstance"], since=found.at)


@pytest.mark.parametrize(
    ("body", "status", "error", "is_kept"),
    [
        (b"{", 400, "UnreadableBodyError", False),
        (b'{"hook":"order-sign","fhirAuthorization":{"access_token":"%b"}}' % TOKEN.encode(), 400, "InvalidRequestError", True),
        (b'{"a":"' + b"x" * 3_000_000 + b'"}', 413, "BodyTooLargeError", False),
    ],
)  # fmt: skip
def test_what_is_refused_is_kept_too(service: Any, body: bytes, status: int, error: str, is_kept: bool) -> None:
    response = service.post(SIGN, body)
    call = newest(service)
    assert (response.status_code, call.status, call.summary.error) == (status, status, error)
    kept = bodies(store_of(service), call)
    assert kept.response == response.content
    assert (kept.request is not None) == is_kept


def test_a_version_that_is_not_spoken_is_kept_with_its_hook_instance(service: Any, example: Any) -> None:
    request = {**example("m0076-order-sign"), "extension": {"davinci-crd.requestedVersion": "9.9"}}
    assert service.post(SIGN, request).status_code == 422
    call = newest(service)
    assert (call.status, call.summary.error) == (422, "UnsupportedVersionError")
    assert call.summary.hook_instance == request["hookInstance"]


def test_no_token_is_kept(service: Any, example: Any) -> None:
    """The access token is for the call only."""
    assert service.post(SIGN, marked(example)).status_code == 200
    kept = bodies(store_of(service), newest(service))
    assert kept.request == json.dumps(marked(example)).encode().replace(TOKEN.encode(), b"[removed]")


def test_with_a_key_nothing_of_a_patient_can_be_read_from_the_files(
    start_service: Any, example: Any, tmp_path: Path
) -> None:
    """CRD-79: what is kept of patients is protected."""
    (tmp_path / "keys").write_text(make_key())
    [key] = read_keys(tmp_path / "keys")
    service = start_service(CRD_AUDIT_KEYS=str(tmp_path / "keys"))
    response = service.post(SIGN, marked(example)).json()
    report = {
        "card": response["cards"][0]["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": {"code": "Markedname said so"}, "userComment": "Markedname insists"},
        "outcomeTimestamp": "2026-11-23T12:00:00Z",
    }
    assert service.post(f"{SIGN}/feedback", {"feedback": [report]}).status_code == 200

    files = list(Path(service.log).parent.glob("crd.sqlite3*"))
    assert len(files) >= 1
    stored = b"".join(file.read_bytes() for file in files)
    for mark in (b"Markedname", b"1971-04-02", b"prolo-1", b"Marked-Access", b"pat-1"):
        assert mark not in stored
    assert b"Markedname" in (bodies(store_of(service), newest(service, key), key).request or b"")


def test_what_was_read_for_a_call_is_kept_with_it(
    start_service: Any, request: pytest.FixtureRequest, example: Any
) -> None:
    if NO_FHIR_SERVER:
        pytest.skip(NO_FHIR_SERVER)
    call = example("m0076-order-sign")
    coverage = call["prefetch"].pop("coverage")["entry"]
    server = request.getfixturevalue("fhir_server")(*[entry["resource"] for entry in coverage])
    service = start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1")
    answer = service.post(SIGN, {**call, "fhirServer": server.base, "fhirAuthorization": access(server.token)})
    assert answer.status_code == 200, answer.text
    read = bodies(store_of(service), newest(service)).read
    assert any(json.loads(one)["resourceType"] == "Coverage" for one in read)


def test_what_cannot_be_kept_is_not_answered(start_service: Any, example: Any) -> None:
    """CRD-76: no answer without its record."""
    service = start_service()
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3", isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    refused = service.post(SIGN, example("m0076-order-sign"))
    store.execute("COMMIT")
    store.close()
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert refused.json()["issue"][0]["code"] == "transient"
    assert service.logs("SQLITE_BUSY")
    assert service.post(SIGN, example("m0076-order-sign")).status_code == 200


def test_the_store_stays_whole_while_others_read_it(start_service: Any, example: Any) -> None:
    """Nothing in the service may give up SQLite's locks: whoever closes the file next would remove its journal."""
    service = start_service()
    for number in range(1, 4):
        assert service.post(SIGN, example("m0076-order-sign")).status_code == 200
        time.sleep(1.2)  # its threads look around every second
        assert len(calls(store_of(service))) == number


def test_queued_answers_leave_before_they_are_kept(start_service: Any, example: Any) -> None:
    service = start_service(CRD_AUDIT="queued")
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3", isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    assert service.post(SIGN, example("m0076-order-sign")).status_code == 200
    store.execute("COMMIT")
    store.close()
    service.stop()
    assert len(calls(store_of(service))) == 1


def test_nothing_is_kept_where_the_setting_says_so(start_service: Any, example: Any) -> None:
    service = start_service(CRD_AUDIT="off")
    assert service.post(SIGN, example("m0076-order-sign")).status_code == 200
    assert calls(store_of(service)) == []


def quickest(service: Any, request: dict[str, Any]) -> float:
    """Return the seconds of the quickest of some calls, one after the other."""
    with requests.Session() as session:
        seconds = []
        for _ in range(30):
            answer = session.post(service.base + SIGN, json=request, timeout=60)
            assert answer.status_code == 200
            seconds.append(answer.elapsed.total_seconds())
    return min(seconds)


def test_a_call_that_waits_for_a_fhir_server_delays_no_other(start_service: Any, example: Any, odd_server: Any) -> None:
    """No commit waits for calls that are still being answered."""
    service = start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_TIME_BUDGET="5")
    plain = example("m0076-order-sign")
    waits = example("m0076-order-sign")
    del waits["prefetch"]["coverage"]
    waits |= {"fhirServer": f"{odd_server.base}/silent", "fhirAuthorization": marked(example)["fhirAuthorization"]}

    def is_as_quick() -> bool:
        alone = quickest(service, plain)
        waiting = threading.Thread(target=service.post, args=(SIGN, waits))
        waiting.start()
        time.sleep(0.5)
        beside_it = quickest(service, plain)
        is_beside_it = waiting.is_alive()
        waiting.join()
        return is_beside_it and beside_it < alone + 0.003

    assert any(is_as_quick() for _ in range(4))  # a commit that waited would be late each time


DAY = 86_400_000_000


def test_what_is_too_old_is_deleted_before_any_call_is_recorded(start_service: Any, tmp_path: Path) -> None:
    """CRD_AUDIT_DAYS holds for what is stored already, also where nothing new is recorded."""
    for mode in ("durable", "off"):
        url = f"sqlite:///{tmp_path}/{mode}.sqlite3"
        prepare(url)
        now = time.time_ns() // 1000
        writer = Writer(connect(url), RecordCipher())
        writer.write(exchange(1, at=now - 40 * DAY), exchange(2, at=now))
        writer.close()
        service = start_service(CRD_AUDIT=mode, CRD_AUDIT_DAYS="30", CRD_DATABASE_URL=url)
        ends = time.monotonic() + 60
        while len(calls(url)) > 1:
            assert time.monotonic() < ends, mode
            time.sleep(0.2)
        service.stop()


def test_ready_says_when_the_store_fails_and_when_it_works_again(start_service: Any, example: Any) -> None:
    service = start_service()

    def ready() -> tuple[int, str]:
        answer = requests.get(f"{service.base}/ready", timeout=60)
        return answer.status_code, answer.json()["store"]

    def wait_for(state: tuple[int, str]) -> None:
        ends = time.monotonic() + 60
        while ready() != state:
            assert time.monotonic() < ends
            time.sleep(0.2)

    assert ready() == (200, "ok")
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3", isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    assert service.post(SIGN, example("m0076-order-sign")).status_code == 503
    assert ready() == (503, "failed")
    store.execute("COMMIT")
    wait_for((200, "ok"))  # without any call

    store.execute("BEGIN IMMEDIATE")
    wait_for((503, "failed"))  # without any call
    store.execute("COMMIT")
    store.close()
    assert service.post(SIGN, example("m0076-order-sign")).status_code == 200
    assert ready() == (200, "ok")


def test_ready_does_not_ask_for_a_store_that_nothing_is_recorded_in(start_service: Any) -> None:
    service = start_service(CRD_AUDIT="off")
    answer = requests.get(f"{service.base}/ready", timeout=60)
    assert (answer.status_code, answer.json()["store"]) == (200, "off")
