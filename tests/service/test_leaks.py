"""What this service writes down about calls holds nothing of a patient and no token: not its log, not its metrics, not
its traces, whatever is sent and whatever goes wrong.

One service is sent a whole lot of marked calls; then everything it wrote is searched for the marks.
"""

import base64
import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.auth.tokens import jwk, jwks, secrets_of, sign
from tests.cds_hooks.telemetry.servers import Collector, Metrics, wait_for
from tests.conftest import ROOT
from tests.leaks import leaks

pytest_plugins = ["tests.fhir.fixtures"]

BASE = "https://payer.example.com/crd"
SIGN, SELECT = "order-sign-crd", "order-select-crd"

#: In every name, id, text and header of the calls.
MARK = "zyxwvut"
BORN = "1903-07-19"
ACCESS_TOKEN = "hidden-access-token-4711"  # noqa: S105 (of the tests)

#: Members whose strings are what they are in every call; all others are marked.
_KEPT = frozenset(
    {"resourceType", "hook", "hookInstance", "status", "intent", "system", "url", "fhirServer", "type", "use"}
)
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]+")


def marked(value: Any, member: str = "") -> Any:
    """Return a request whose ids, references, names, texts and dates of birth are marked; codes stay what they are."""
    if isinstance(value, dict):
        is_coded = "coding" in value or "code" in value
        return {
            k: v if k == "coding" and is_coded and member != "identifier" else marked(v, k) for k, v in value.items()
        }
    if isinstance(value, list):
        return [marked(one, member) for one in value]
    if member == "birthDate":
        return BORN
    if (
        not isinstance(value, str)
        or member in _KEPT
        or member.endswith(("Date", "On", "Time"))
        or member in ("start", "end")
    ):
        return value
    if member in ("reference", "userId", "selections", "dispatchedOrders", "performer") and _REFERENCE.fullmatch(value):
        return f"{value}-{MARK}"
    if member in ("id", "patientId", "encounterId"):
        return f"{value}-{MARK}"
    if member in ("text", "family", "given", "value", "display", "subscriberId", "description", "city", "line"):
        return f"{value} {MARK}-{member}"
    return value


def examples() -> Iterator[dict[str, Any]]:
    """Yield every example, marked."""
    for path in sorted(ROOT.glob("fhir_examples/*/*/request.json")):
        yield marked(json.loads(path.read_text()))


def example(name: str, **changed: Any) -> dict[str, Any]:
    request = marked(json.loads((ROOT / "fhir_examples" / "evicore-cmm-204" / name / "request.json").read_text()))
    order = request["context"].get("draftOrders", {"entry": [{"resource": {}}]})["entry"][0]["resource"]
    order["note"] = [{"text": f"Call her at 555 about {MARK}-note", "authorString": f"Dr. {MARK}-author"}]
    order[f"{MARK}-member"] = {MARK: MARK}
    return {**request, **changed}


def access(base: str) -> dict[str, Any]:
    token = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 30, "scope": "x", "subject": MARK}
    return {
        "fhirServer": base,
        "fhirAuthorization": token,
        "prefetch": {f"{MARK}-key": {"resourceType": "Basic", "id": MARK}},
    }


class Sender:
    """Sends marked calls, each with a token of its own, and keeps what must not be found: the tokens."""

    def __init__(self, service: Any) -> None:
        self.service = service
        self.tokens: list[str] = []
        self.statuses: set[int] = set()
        self.hook_calls = 0

    def token(self, service_id: str, issuer: str = "https://ehr.example.org", kid: str = "k1", **changed: Any) -> str:
        now = time.time()
        claims = {
            "iss": issuer,
            "aud": f"{BASE}/cds-services/{service_id}",
            "iat": now,
            "exp": now + 300,
            "jti": f"{MARK}-{secrets.token_hex(8)}",
            "sub": f"Practitioner/{MARK}",
            "tenant": MARK,
            **changed,
        }
        self.tokens.append(sign(claims, kid=kid))
        return self.tokens[-1]

    def post(self, service_id: str, body: Any, token: str | None = None, query: str = "", **headers: str) -> int:
        """Send a call with everything odd that headers can have, and return its status."""
        given = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token(service_id) if token is None else token}",
            "X-Request-ID": f"{MARK}.{BORN}",
            "X-Forwarded-For": f"{MARK}.example.org",
            "User-Agent": f"{MARK}/1.0",
            "Referer": f"https://ehr.example.org/{MARK}",
            "Cookie": f"session={MARK}",
            "Origin": f"https://{MARK}.example.org",
            "tracestate": f"{MARK}={MARK}",
            "baggage": f"patient={MARK}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.service.base}/cds-services/{service_id}?patient={MARK}{query}"
        response = requests.post(url, data=data, headers=given, timeout=60)
        self.statuses.add(response.status_code)
        self.hook_calls += service_id != MARK
        return response.status_code

    def ask(self, method: str, path: str) -> int:
        response = requests.request(method, self.service.base + path, headers={"X-Request-ID": MARK}, timeout=60)
        self.statuses.add(response.status_code)
        return response.status_code

    def write(self, text: bytes) -> None:
        """Send bytes that are no HTTP, and go away."""
        host, _, port = self.service.base.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(text)


def send_good_calls(sender: Sender) -> None:
    for request in examples():
        sender.post(f"{request['hook']}-crd", request)
    sender.post(SIGN, example("m0076-order-sign"), X_Request_ID="0af7651916cd43dd8448eb211c80319c")
    for path in ("/health", f"/ready?patient={MARK}"):
        sender.ask("GET", path)


def send_bad_calls(sender: Sender) -> None:
    good = json.dumps(example("m0076-order-sign")).encode()
    sender.post(SIGN, good[:-9])
    sender.post(SIGN, b'{"%s": 1, "%s": 2}' % (MARK.encode(), MARK.encode()))
    sender.post(SIGN, b"[" * 5000 + MARK.encode())
    sender.post(SIGN, {"hook": MARK, "hookInstance": 7, "context": {"patientId": [MARK]}})
    sender.post(SIGN, good, Content_Type=f"text/{MARK}")
    sender.post(SIGN, good, Content_Encoding=MARK)
    sender.post(SIGN, good + b" " * 300_000)
    sender.post(MARK, good)
    sender.post(SIGN, example("m0076-order-sign", extension={"davinci-crd.requestedVersion": MARK}))
    sender.post(SIGN, example("order-sign-2.2", prefetch={}))
    for method, path in (
        ("GET", f"/{MARK}"),
        ("PUT", f"/cds-services/{SIGN}?{MARK}"),
        (MARK, "/"),
        ("OPTIONS", f"/{MARK}"),
    ):
        sender.ask(method, path)
    sender.ask("GET", f"/cds-services/{MARK}//%2e%2e/%00{MARK}")
    strict = sender.token(SELECT, issuer="https://strict.example.org")
    invalid = example("m0076-order-select")
    invalid["context"]["draftOrders"]["entry"][0]["resource"]["status"] = MARK
    sender.post(SELECT, invalid, strict)


def send_strangers(sender: Sender) -> None:
    good = example("m0076-order-sign")
    once = sender.token(SIGN)
    for token in (once, once):
        sender.post(SIGN, good, token)
    strangers = [
        sender.token(SIGN, issuer=f"https://{MARK}.example.org"),
        sender.token(SIGN, kid=f"{MARK}-kid"),
        sender.token(SIGN, exp=time.time() - 900),
        sender.token(SIGN, aud=f"https://{MARK}.example.org"),
        sender.token(SIGN, exp=MARK),
        f"{MARK}.{base64.urlsafe_b64encode(MARK.encode()).decode()}.{MARK}",
        MARK,
    ]
    for token in strangers:
        sender.post(SIGN, good, token)
    sender.post(SIGN, good, Authorization=f"Basic {base64.b64encode(MARK.encode()).decode()}")
    sender.post(SIGN, good, Authorization=MARK)
    sender.post(SIGN, good, sender.token(SIGN, issuer="https://strict.example.org"))


def send_to_bad_servers(sender: Sender, origin: str) -> None:
    for how in ("status/401", "status/500", "redirect/1", "html", "reset", "truncated", "other-patient", "no-http"):
        sender.post(SIGN, example("order-sign-2.1", **access(f"{origin}/{how}/{MARK}")))
    for name in ("order-dispatch-2.0", "order-dispatch-2.2", "appointment-book-2.2", "encounter-start-2.0"):
        request = example(name, **access(f"{origin}/status/503/{MARK}"))
        sender.post(f"{request['hook']}-crd", request)
    sender.post(SIGN, example("order-sign-2.2", **access(f"https://{MARK}.invalid/fhir")))
    sender.post(SIGN, example("order-sign-2.2", **access(f"ftp://{MARK}:{MARK}@127.0.0.1/{MARK}")))


def send_what_crashes(sender: Sender) -> None:
    for word in ("crash-in-answer", "crash-in-decision"):
        for name in ("m0076-order-sign", "order-sign-2.2"):
            request = example(name)
            request["context"]["draftOrders"]["entry"][0]["resource"]["code"]["text"] = f"{word} {MARK}"
            sender.post(SIGN, request)


def send_no_http(sender: Sender) -> None:
    mark = MARK.encode()
    sender.write(b"\x16\x03\x01" + mark)
    sender.write(b"%s %s %s\r\n\r\n" % (mark, mark, mark))
    sender.write(b"GET /%s HTTP/1.1\r\n%s\r\n\r\n" % (mark, mark))
    sender.write(b"POST /cds-services/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{%s" % mark)
    sender.write(b"POST /cds-services/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n" % mark)


class Written(NamedTuple):
    """Everything a service wrote down, and the tokens it was sent."""

    log: str
    metrics: str
    spans: str
    tokens: list[str]
    statuses: set[int]


@pytest.fixture(scope="module", name="written")
def _written(start_service: Callable[..., Any], odd_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """What two workers write at the loudest level while they are sent all of it."""
    folder, metrics, collector = tmp_path_factory.mktemp("clients"), Metrics(), Collector()
    service = start_service(**_settings(folder), **metrics.variables, **collector.variables())
    sender = Sender(service)
    for send in (send_good_calls, send_bad_calls, send_strangers, send_what_crashes, send_no_http):
        send(sender)
    send_to_bad_servers(sender, odd_server.origin)
    counted = wait_for(lambda: metrics.read("crd_call_duration_seconds_count"), sender.hook_calls)
    assert counted == sender.hook_calls
    text = metrics.scrape() + metrics.scrape(Accept="application/openmetrics-text")
    service.stop()
    spans = json.dumps(collector.log())
    collector.stop()
    return Written(service.log.read_text(), text, spans, sender.tokens, sender.statuses)


def _settings(folder: Path) -> dict[str, str]:
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    registration = {"issuer": "https://ehr.example.org", "jwks-file": "keys.json"}
    strict = {**registration, "issuer": "https://strict.example.org"}
    clients = [
        {"id": "hospital", "jwt": registration},
        {"id": "strict", "jwt": strict, "services": [SELECT], "fhir-check": "strict"},
    ]
    (folder / "clients.json").write_text(json.dumps({"clients": clients}))
    return {
        "CRD_WORKERS": "2",
        "CRD_LOG_LEVEL": "debug",
        "CRD_AUTH": "cds-hooks-jwt",
        "CRD_CLIENTS": str(folder / "clients.json"),
        "CRD_PUBLIC_BASE_URL": BASE,
        "CRD_DATABASE_URL": f"sqlite:///{folder}/used.sqlite3",
        "CRD_ALLOW_PRIVATE_FHIR_SERVERS": "1",
        "CRD_MAX_BODY_BYTES": "262144",
        "TEST_CRASH": "1",
    }


def test_the_calls_met_everything_that_can_happen(written: Written) -> None:
    """Otherwise there would be nothing to find."""
    events = {json.loads(line)["event"] for line in written.log.splitlines() if line.startswith("{")}
    causes = set(re.findall(r'"cause":"([a-z-]+)"', written.log))

    assert written.statuses >= {200, 400, 401, 403, 404, 405, 412, 413, 415, 422, 500}
    assert events >= {"started", "call", "internal-error", "decision-failed"}
    assert causes >= {"no-token", "malformed", "unknown-issuer", "unknown-key", "expired", "audience", "replayed"}
    for hook in ("sign", "select", "dispatch", "book", "start", "discharge"):
        assert re.search(rf'crd_answers_total{{[^}}]*hook="[a-z]+-{hook}"', written.metrics), hook
    for problem in ("REFUSED", "FAILED", "REDIRECTED", "NOT_FHIR", "UNREACHABLE"):
        assert f'outcome="{problem}"' in written.metrics
    for name in ("call order-sign-crd", "call other", "authenticate", "decide", "FHIR GET", "FHIR POST"):
        assert f'"name": "{name}"' in written.spans


@pytest.mark.parametrize("where", ["log", "metrics", "spans"])
def test_nothing_of_a_patient_and_no_token_is_written_down(where: str, written: Written) -> None:
    """CRD-94; sec-6: names, birth dates, ids, texts, tokens, request ids, query strings, paths, headers and methods."""
    marks = [MARK, BORN, ACCESS_TOKEN, "Invented", *secrets_of(written.tokens)]

    assert leaks(getattr(written, where), marks) == []


def test_the_log_is_json_to_its_last_line(written: Written) -> None:
    """A traceback that somebody prints would not be, and it may hold anything."""
    for line in written.log.splitlines():
        assert json.loads(line)["event"], line


@pytest.mark.parametrize(
    "disguise",
    [
        lambda mark: mark,
        lambda mark: mark.upper(),
        lambda mark: json.dumps(mark),
        lambda mark: mark.encode().hex(),
        *(lambda mark, n=n: base64.b64encode(b"#" * n + mark.encode() + b"#" * (2 * n)).decode() for n in range(4)),
    ],
)
def test_a_leak_would_be_found(disguise: Callable[[str], str]) -> None:
    for mark in ("Zyxwvut", "Müller-Zyx", "1903-07-19", "a/b c?d=e"):
        assert leaks(f'{{"event": "call", "x": "{disguise(mark)}"}}', [mark])
        assert not leaks('{"event": "call", "x": "order-sign"}', [mark])
