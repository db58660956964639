"""The edge of the service, asked over real HTTP: what bad calls get, and what every response has."""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests

from cds_hooks import create_app
from cds_hooks.settings import read_settings
from cds_hooks.telemetry.logs import flush

SELECT = "/cds-services/order-select-crd"
SIGN = "/cds-services/order-sign-crd"


def outcome(response: requests.Response) -> list[dict[str, Any]]:
    """The issues of an OperationOutcome; the response must be one."""
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    assert all(issue["severity"] == "error" and issue["code"] and issue["diagnostics"] for issue in body["issue"])
    return body["issue"]


def test_head_has_the_headers_of_get_and_no_body(service: Any) -> None:
    """RFC 9110, 9.3.2."""
    get, head = (requests.request(method, f"{service.base}/health", timeout=60) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    varying = {"date", "x-request-id"}
    told = [{k: v for k, v in one.headers.lower_items() if k not in varying} for one in (get, head)]
    assert told[0] == told[1]
    assert told[0]["content-length"] == str(len(get.content))


def test_discovery_shows_six_services(service: Any) -> None:
    """D-1, D-2, D-4: GET {base}/cds-services is 200 with a list of services; section 2.1: the fields of each.

    CRD-152, 168, 170, 185, 196, 204; hook-4; ops-1: all hooks that the guide requires of clients.

    HK-4 to 7; HK-9, 10, 13, 29, 36; CRD-42; found-24, found-29.
    """
    response = requests.get(f"{service.base}/cds-services", timeout=60)

    assert response.status_code == 200
    services = response.json()["services"]
    assert [(s["hook"], s["id"]) for s in services] == [
        ("order-select", "order-select-crd"),
        ("order-sign", "order-sign-crd"),
        ("order-dispatch", "order-dispatch-crd"),
        ("appointment-book", "appointment-book-crd"),
        ("encounter-start", "encounter-start-crd"),
        ("encounter-discharge", "encounter-discharge-crd"),
    ]
    encounter = {"encounter": "Encounter/{{context.encounterId}}"}
    for entry in services:
        assert entry["title"]
        assert entry["description"]
        assert entry["usageRequirements"]
        assert entry["prefetch"] == {
            "patient": "Patient/{{context.patientId}}",
            "coverage": "Coverage?patient={{context.patientId}}&status=active",
            **(encounter if entry["hook"].startswith("encounter-") else {}),
        }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"hook":', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b'{"hook":"order-sign","hookInstance":NaN}', "not JSON"),
        (b'{"hook":1e999}', "not JSON"),
        (b'{"hook":"\xff"}', "must be UTF-8, and is not at line 1, byte 10"),
        (b'{"hook":"order-sign","hook":"order-select"}', "Duplicate key `hook` at the top level"),
        (b'{"context":{"a":{"b":1, "b" : 2}}}', "Duplicate key `b` at context.a"),
        (b'{"context":{"a":{"b":"x\\u003a","b":"\\u003a"}}}', "Duplicate key `b` at context.a"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested deeper than 64"),
        (b"[" * 5000 + b"]" * 5000, "not JSON"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested deeper than 64"),
    ],
)
def test_what_is_not_good_json_is_400(body: bytes, says: str, service: Any) -> None:
    """CRD 2.0.1, HTTP status: 400 for a body that is not parsable JSON. CRD-162; HK-1."""
    response = service.post(SIGN, body)

    assert response.status_code == 400
    assert says in outcome(response)[0]["diagnostics"]


@pytest.mark.parametrize(
    ("change", "expression"),
    [
        (lambda r: r.pop("hook"), "hook"),
        (lambda r: r.pop("hookInstance"), "hookInstance"),
        (lambda r: r.pop("context"), "context"),
        (lambda r: r["context"].pop("draftOrders"), "context.draftOrders"),
        (lambda r: r["context"].pop("patientId"), "context.patientId"),
        (lambda r: r["context"].pop("userId"), "context.userId"),
        (lambda r: r["context"].pop("selections"), "context.selections"),
        (lambda r: r.update(hook=1), "hook"),
        (lambda r: r.update(hook=""), "hook"),
        (lambda r: r.update(hook="order-sign"), "hook"),
        (lambda r: r.update(context=[]), "context"),
        (lambda r: r.update(prefetch=[]), "prefetch"),
        (lambda r: r["context"].update(draftOrders=[7]), "context.draftOrders[0]"),
        (lambda r: r["context"].update(patientId=7), "context.patientId"),
        (lambda r: r["context"].update(selections="ServiceRequest/prolo-1"), "context.selections"),
        (lambda r: r["context"].update(selections=[1]), "context.selections[0]"),
        (lambda r: r["context"]["draftOrders"].update(entry={}), "context.draftOrders.entry"),
        (lambda r: r["context"]["draftOrders"].update(entry=[1]), "context.draftOrders.entry[0]"),
        (lambda r: (r.pop("fhirServer"), r.update(fhirAuthorization={"access_token": "x"})), "fhirServer"),
    ],
)
def test_a_broken_envelope_is_400_and_says_where(
    change: Callable[[Any], Any], expression: str, service: Any, example: Any
) -> None:
    """CDS Hooks 2.0, HTTP Request (Q-1 to Q-6) and the contexts of the hooks. CRD-158, 159, 208; hook-9, hook-10."""
    request = example("m0076-order-select")
    change(request)

    response = service.post(SELECT, request)

    assert response.status_code == 400
    assert expression in [issue.get("expression", [None])[0] for issue in outcome(response)]


def test_every_fault_of_an_envelope_is_named(service: Any) -> None:
    response = service.post(SELECT, {"hook": 7, "context": {"selections": "x"}})

    assert {issue["expression"][0] for issue in outcome(response)} == {
        "hook",
        "hookInstance",
        "context.userId",
        "context.patientId",
        "context.draftOrders",
        "context.selections",
    }


def test_an_unknown_service_is_404(service: Any, example: Any) -> None:
    response = service.post("/cds-services/nothing", example("m0076-order-sign"))

    assert response.status_code == 404
    assert "order-sign-crd" in outcome(response)[0]["diagnostics"]


def test_an_unknown_url_is_404(service: Any) -> None:
    response = requests.get(f"{service.base}/John%20Smith", timeout=60)

    assert response.status_code == 404
    outcome(response)
    assert "Smith" not in response.text


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/cds-services"), ("GET", SIGN), ("PUT", SIGN), ("DELETE", "/health")]
)
def test_a_wrong_method_is_405_and_names_the_right_ones(method: str, path: str, service: Any) -> None:
    response = requests.request(method, service.base + path, timeout=60)

    assert response.status_code == 405
    assert response.headers["Allow"]
    outcome(response)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_a_wrong_media_type_is_415(kind: str, service: Any) -> None:
    """HK-1."""
    response = service.post(SIGN, b"{}", Content_Type=kind)

    assert response.status_code == 415
    outcome(response)


def test_a_compressed_body_is_415(service: Any) -> None:
    response = service.post(SIGN, b"{}", Content_Encoding="gzip")

    assert response.status_code == 415


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=UTF-8",
        "application/fhir+json",
        "application/json+fhir;charset=utf-8",
        "text/json",
        "Application/JSON",
    ],
)
def test_json_has_many_media_types(kind: str, service: Any, example: Any) -> None:
    """G-13: application/json with any parameters, and the names that older clients use."""
    assert service.post(SELECT, example("knee-mri"), Content_Type=kind).status_code == 200


def test_a_body_over_the_limit_is_413(start_service: Any, example: Any) -> None:
    service = start_service(CRD_MAX_BODY_BYTES="2048")

    response = service.post(SELECT, example("m0076-order-select"))

    assert response.status_code == 413
    assert "2048" in outcome(response)[0]["diagnostics"]


def test_a_chunked_body_over_the_limit_is_413(start_service: Any) -> None:
    service = start_service(CRD_MAX_BODY_BYTES="2048")

    response = requests.post(
        service.base + SELECT,
        data=iter([b" " * 1024] * 8),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )

    assert response.status_code == 413
    outcome(response)


@pytest.mark.parametrize(
    "path", ["/cds-services/", "//cds-services", "/cds-services//order-select-crd", "/cds-services/order-select-crd/"]
)
def test_extra_slashes_are_answered_without_redirect(path: str, service: Any, example: Any) -> None:
    """clients.md: the sandbox joins URLs so, and a redirected preflight fails."""
    if "order" in path:
        response = service.post(path, example("m0076-order-select"))
    else:
        response = requests.get(service.base + path, timeout=60, allow_redirects=False)

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/cds-services", None, 200),
        ("GET", "/nothing", None, 404),
        ("PUT", SIGN, b"{}", 405),
        ("POST", SIGN, b"x", 400),
        ("POST", "/cds-services/nothing", b"{}", 404),
    ],
)
def test_cors_headers_are_on_every_status(method: str, path: str, body: Any, status: int, service: Any) -> None:
    """HK-208: browsers call us; without the headers an error is only "could not get a response"."""
    headers = {"Origin": "https://sandbox.cds-hooks.org", "Content-Type": "application/json"}

    response = requests.request(method, service.base + path, data=body, headers=headers, timeout=60)

    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ["/cds-services", SIGN, f"{SIGN}/", "/cds-services/nothing", "/nothing"])
def test_a_preflight_is_answered_everywhere_with_the_headers_it_asks_for(path: str, service: Any) -> None:
    response = requests.options(
        service.base + path,
        headers={
            "Origin": "https://sandbox.cds-hooks.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
        timeout=60,
        allow_redirects=False,
    )

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in response.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    "asked",
    [
        "prefer,traceparent,x-medplum,x-requested-with",
        "Authorization, Content-Type",
        ",".join(f"x-{number}" for number in range(32)),
    ],
)
def test_a_preflight_allows_the_headers_it_names(asked: str, service: Any) -> None:
    """HK-208: browsers' clients add headers of their own; none of them needs to be known here."""
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked}
    response = requests.options(service.base + SIGN, headers=headers, timeout=60)

    assert response.headers["Access-Control-Allow-Headers"] == asked


@pytest.mark.parametrize(
    "asked",
    ["", "x; y", "<script>", "a b", "x" * 65, ",".join(["x"] * 33), "x,,y", "x-\xe9"],
    ids=["none", "semicolon", "markup", "space", "long", "many", "empty name", "not ASCII"],
)
def test_a_preflight_that_names_no_headers_gets_the_usual_ones(asked: str, service: Any) -> None:
    """Nothing that is no list of header names goes back into a response."""
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked.encode("latin-1")}
    response = requests.options(service.base + SIGN, headers=headers, timeout=60)

    assert response.status_code == 204
    allowed = response.headers["Access-Control-Allow-Headers"]
    assert allowed == "Authorization, Content-Type, Accept, X-Request-ID"


def test_only_configured_origins_are_let_in(start_service: Any) -> None:
    service = start_service(CRD_CORS_ORIGINS="https://ehr.example.org, https://other.example.org")

    def allowed(origin: str) -> tuple[str | None, str | None]:
        answer = requests.get(f"{service.base}/cds-services", headers={"Origin": origin}, timeout=60)
        names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")
        return answer.headers.get(names[0]), answer.headers.get(names[1])

    assert allowed("https://ehr.example.org") == ("https://ehr.example.org", "true")
    assert allowed("https://evil.example.org") == (None, None)


def test_where_any_origin_may_call_none_may_with_credentials(service: Any) -> None:
    """A browser that has a certificate does not lend it to any page that asks."""
    answer = requests.get(f"{service.base}/cds-services", headers={"Origin": "https://ehr.example.org"}, timeout=60)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/cds-services", 200), ("GET", "/health", 200), ("GET", "/x", 404), ("POST", SIGN, 400), ("PUT", SIGN, 405), ("OPTIONS", SIGN, 204)],
)  # fmt: skip
def test_security_headers_are_on_every_response(method: str, path: str, status: int, service: Any) -> None:
    """What OWASP's REST Security Cheat Sheet asks of responses that no browser is to show, frame or keep."""
    response = requests.request(method, service.base + path, timeout=60)

    assert response.status_code == status
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in response.headers  # it is reached over plain HTTP


def test_any_wsgi_server_can_run_it(example: Any, tmp_path: Path) -> None:
    """The standard library's own: it knows no end of a body but its length."""
    app = create_app(read_settings(database_url=f"sqlite:///{tmp_path}/crd.sqlite3"))
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        try:
            assert requests.post(base + SIGN, json=example("m0076-order-sign"), timeout=60).status_code == 200
            empty = requests.post(base + SIGN, headers={"Content-Type": "application/json"}, timeout=60)
            assert empty.status_code == 400
            with socket.create_connection(server.server_address, timeout=60) as connection:
                connection.sendall(f"POST {SIGN} HTTP/1.0\r\nContent-Type: application/json\r\n\r\n".encode())
                assert b" 400 " in connection.recv(100)
        finally:
            server.shutdown()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


def test_a_request_id_goes_in_and_out(service: Any) -> None:
    given = requests.get(f"{service.base}/health", headers={"X-Request-ID": "0af7651916cd43dd-8448"}, timeout=60)
    strange = requests.get(f"{service.base}/health", headers={"X-Request-ID": "John.Smith.1971-04-02"}, timeout=60)
    none = requests.get(f"{service.base}/health", timeout=60)

    assert given.headers["X-Request-ID"] == "0af7651916cd43dd-8448"
    assert "John" not in strange.headers["X-Request-ID"]
    assert none.headers["X-Request-ID"] != strange.headers["X-Request-ID"]


def test_health_and_ready(service: Any) -> None:
    assert requests.get(f"{service.base}/health", timeout=60).json() == {"status": "ok"}
    assert requests.get(f"{service.base}/ready", timeout=60).json()["policies"] >= 1


def test_an_internal_error_shows_a_correlation_id_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], example: Any, tmp_path: Path
) -> None:
    from cds_hooks.answering import recording

    def fail(*_: Any) -> None:
        raise RuntimeError("Ida Invented, born 1971-04-02")

    app = create_app(read_settings(database_url=f"sqlite:///{tmp_path}/crd.sqlite3"))
    monkeypatch.setattr(recording, "answer_hook", fail)

    response = app.test_client().post(SIGN, json=example("m0076-order-sign"))

    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.json["issue"][0]["diagnostics"]
    flush()
    logged = capfd.readouterr().err
    for leak in ("Invented", "1971", "Traceback"):
        assert leak not in response.text
        assert leak not in logged
    assert "RuntimeError" in logged


def test_logs_hold_no_patient_data(start_service: Any, example: Any) -> None:
    """Names, ids, birth dates, free text and tokens of all kinds of calls: none of them is in the log.

    CRD-94; sec-6.
    """
    service = start_service(CRD_LOG_LEVEL="debug")
    request = json.dumps(example("text-only"))
    secret = {"Invented": "Zyxwvut", "1971-04-02": "1971-04-03", "pat-1": "pat-zyx", "EX-4711": "EX-zyx"}
    for old, new in secret.items():
        request = request.replace(old, new)
    body = json.loads(request)
    body["fhirAuthorization"] = {"access_token": "token-zyx", "token_type": "Bearer"}
    body["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "note-zyx prolotherapy"}]
    body["context"]["draftOrders"]["entry"][0]["resource"]["unknown-zyx"] = 1
    service.post(SELECT, body, Authorization="Bearer header-zyx", X_Request_ID="Zyxwvut zyx")
    service.post(SELECT, json.dumps(body).encode()[:-5])
    service.post("/cds-services/zyx", body)
    service.post("/zyx?name=zyx", body)
    body["context"]["patientId"] = ["pat-zyx"]
    service.post(SELECT, body)
    service.stop()

    log = service.log.read_text()

    assert log.count('"event":"call"') >= 5
    assert "zyx" not in log.lower()
    assert "1971-04-03" not in log
    for line in log.splitlines():
        if line.startswith("{"):
            json.loads(line)


def test_the_log_names_the_endpoint_of_each_call(start_service: Any, example: Any) -> None:
    """Also of calls that are refused; a path that callers choose is `other`."""
    service = start_service()
    service.post(SELECT, example("knee-mri"))
    service.post(f"{SIGN}/", b"x")
    service.post(f"{SIGN}/feedback", b"x")
    for path in ("/cds-services", "/health", "/ready", "/John-Smith"):
        requests.get(service.base + path, timeout=60)
    service.stop()

    calls = [json.loads(line) for line in service.log.read_text().splitlines() if '"event":"call"' in line]
    found = [call["endpoint"] for call in calls]
    expected = ["order-select-crd", "order-sign-crd", "feedback", "discovery", "health", "ready", "other"]
    assert found[-len(expected) :] == expected
    assert list(calls[-1])[:7] == ["time", "level", "event", "method", "endpoint", "status", "ms"]


def test_the_log_names_only_methods_that_there_are(start_service: Any) -> None:
    service = start_service()
    requests.request("ZYX-1971", f"{service.base}/health", timeout=60)
    requests.request("PATCH", f"{service.base}/health", timeout=60)
    service.stop()

    log = service.log.read_text()

    assert "ZYX" not in log
    assert '"method":"other"' in log
    assert '"method":"PATCH"' in log


def test_a_stop_signal_ends_the_service_cleanly(start_service: Any) -> None:
    service = start_service(CRD_WORKERS="2")
    ends = time.monotonic() + 60
    while "Started worker-1" not in (log := service.log.read_text()) or "Started worker-2" not in log:
        assert time.monotonic() < ends, log
        time.sleep(0.05)

    told = time.monotonic()
    assert service.stop() == 0
    # granian kills a worker after ten seconds; of one that has just ended it says now and then that it had to.
    assert time.monotonic() - told < 10


def test_half_a_character_in_a_note_does_not_cost_the_call_its_answer(service: Any, example: Any) -> None:
    """A client that cuts text may cut a surrogate pair; the order comes back with U+FFFD in its place."""
    request = example("m0076-order-sign")
    order = request["context"]["draftOrders"]["entry"][0]["resource"]
    order["note"] = [{"text": "cut here \ud83d"}]

    response = service.post(SIGN, json.dumps(request).encode())

    assert response.status_code == 200
    [action] = response.json()["systemActions"]
    assert action["resource"]["note"] == [{"text": "cut here \ufffd"}]
