"""Metrics are served on a port of their own, added up over all workers of a real service, and say what calls met."""

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings
from cds_hooks.telemetry.metrics import FOLDER, METRICS
from cds_hooks.telemetry.metrics_server import MetricsServer
from tests.auth.servers import KeyServer
from tests.auth.tokens import claims, jwk, jwks, sign
from tests.cds_hooks.telemetry.servers import Metrics, wait_for
from tests.conftest import ROOT
from tests.fhir.servers import access
from tests.forked_process import run_crd

pytest_plugins = ["tests.auth.fixtures", "tests.fhir.fixtures"]

SELECT, SIGN = "/cds-services/order-select-crd", "/cds-services/order-sign-crd"


@pytest.fixture(scope="module", name="metrics")
def _metrics() -> Metrics:
    return Metrics()


@pytest.fixture(scope="module", name="counted")
def _counted(
    start_service: Any, metrics: Metrics, key_server: KeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A service of two workers that serves metrics, and lets in whoever has no token or a good one."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    client = {"id": "hospital", "jwt": {"issuer": "https://ehr.example.org", "jwks-file": "keys.json"}}
    published = [
        {"id": name, "jwt": {"issuer": f"https://{name}.example.org", "jku": [f"{key_server.origin}/{path}"]}}
        for name, path in (("good", "keys"), ("down", "status/503"))
    ]
    (folder / "clients.json").write_text(json.dumps({"clients": [client, *published]}))
    return start_service(
        CRD_WORKERS="2",
        CRD_ALLOW_PRIVATE_FHIR_SERVERS="1",
        CRD_ALLOW_PRIVATE_JWKS="1",
        CRD_AUTH="cds-hooks-jwt,none",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL="https://payer.example.com/crd",
        CRD_DATABASE_URL=f"sqlite:///{folder}/used.sqlite3",
        **metrics.variables,
    )


def workers(service: Any) -> list[int]:
    """Return the ids of the worker processes: the children of the server process."""
    found = ""
    for task in Path(f"/proc/{service.process.pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has ended since
            found += (task / "children").read_text()
    return [int(child) for child in found.split()]


def worker_of(response: requests.Response) -> str:
    """Return which worker answered: request ids begin with a word of its own."""
    return response.headers["X-Request-ID"].partition("-")[0]


def meet_workers(service: Any, example: Any) -> list[str]:
    """Sign orders until both workers answered; return which one answered each call."""
    answering: list[str] = []

    def post() -> bool:
        answering.append(worker_of(service.post(SIGN, example("m0076-order-sign"))))
        return len(set(answering)) == 2

    assert wait_for(post), "both workers answer"
    return answering


def meet_new_worker(service: Any, known: Collection[str]) -> list[str]:
    """Call until a worker answers that is not known yet."""

    def meet() -> str | None:
        with contextlib.suppress(requests.ConnectionError):  # what the one that died had accepted
            found = worker_of(requests.get(f"{service.base}/health", timeout=60))
            return found if found not in known else None
        return None

    found = wait_for(meet)
    assert found
    return [found]


def test_the_numbers_of_all_workers_are_added_up(counted: Any, metrics: Metrics, example: Any) -> None:
    """CRD, Performance Standards: the share within 5 s can be read for each hook."""
    answering = meet_workers(counted, example)
    calls = len(answering)
    answered = {"hook": "order-sign", "outcome": "answered"}

    assert wait_for(lambda: metrics.read("crd_calls_total", service="order-sign-crd", status="200"), calls) == calls
    assert metrics.read("crd_call_duration_seconds_count", **answered) == calls
    assert metrics.read("crd_call_duration_seconds_bucket", le="10.0", **answered) == calls
    assert 0 < metrics.read("crd_call_duration_seconds_bucket", le="5.0", **answered) <= calls
    assert metrics.read("crd_call_duration_seconds_sum", **answered) > 0
    assert metrics.read("crd_workers") == 2
    assert metrics.read("crd_threads") == 128


def test_answers_are_counted_by_decision_and_policy(counted: Any, metrics: Metrics, example: Any) -> None:
    counted.post(SELECT, example("m0076-order-select"))
    counted.post(SELECT, example("knee-mri"))
    selected = {"hook": "order-select"}

    assert wait_for(lambda: metrics.read("crd_answers_total", **selected), 2) == 2
    policy = {"policy": "evicore-cmm-204", "policy_version": "evicore-cmm-204@2023-05-31"}
    assert metrics.read("crd_answers_total", covered="not-covered", basis="policy", **policy, **selected) == 1
    assert metrics.read("crd_answers_total", policy="none", basis="not-evaluated", **selected) == 1


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (None, "null"),
        ({"resourceType": "Bundle", "type": "searchset"}, "empty"),
        ({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}, "failed"),
        ("left out", "absent"),
    ],
)
def test_prefetch_is_counted_by_what_came(
    value: Any, outcome: str, counted: Any, metrics: Metrics, example: Any
) -> None:
    """HK-52, cds-hooks.md 4.5; also of calls that are refused for what did not come."""
    request = {**example("order-sign-2.2"), "fhirServer": None}
    request["prefetch"]["coverage"] = value
    if value == "left out":
        del request["prefetch"]["coverage"]
    request["prefetch"]["mine"] = request["prefetch"]["patient"]
    of_client = {"client": "anonymous"}
    before = metrics.read("crd_prefetch_total", key="coverage", outcome=outcome, **of_client)
    others = metrics.read("crd_prefetch_total", key="other")

    assert counted.post(SIGN, {k: v for k, v in request.items() if v}).status_code in (200, 400, 412)

    after = wait_for(lambda: metrics.read("crd_prefetch_total", key="coverage", outcome=outcome), before + 1)
    assert after == before + 1
    assert metrics.read("crd_prefetch_total", key="other", outcome="given") == others + 1
    assert 'key="mine"' not in metrics.scrape()


def test_reads_from_fhir_servers_are_counted_by_outcome(
    counted: Any, metrics: Metrics, example: Any, odd_server: Any
) -> None:
    for base in ("good", "status/503", "redirect/1"):
        request = {**example("m0076-order-sign"), "fhirServer": f"{odd_server.origin}/{base}"}
        del request["prefetch"]["coverage"]
        request["fhirAuthorization"] = access()
        counted.post(SIGN, request)

    assert wait_for(lambda: metrics.read("crd_fhir_reads_total"), 3) == 3
    assert [metrics.read("crd_fhir_reads_total", outcome=name) for name in ("READ", "FAILED", "REDIRECTED")] == [
        1,
        1,
        1,
    ]
    requested = "crd_fhir_request_duration_seconds_count"
    assert [metrics.read(requested, outcome=name) for name in ("2xx", "5xx", "3xx")] == [1, 1, 1]
    assert wait_for(lambda: metrics.read("crd_fhir_connections", state="idle")) >= 1
    assert wait_for(lambda: metrics.read("crd_fhir_connections", state="busy") == 0)  # gauges are read now and then
    assert metrics.read("crd_fhir_servers") >= 1


def test_a_thread_is_busy_only_with_a_call_that_is_there(
    counted: Any, metrics: Metrics, example: Any, odd_server: Any
) -> None:
    """A body that is still on its way keeps none of CRD_THREADS from its work."""
    head = f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{{"
    with contextlib.ExitStack() as uploads:
        for _ in range(8):
            upload = uploads.enter_context(
                socket.create_connection(("127.0.0.1", int(counted.base.rpartition(":")[2])))
            )
            upload.sendall(head.encode())
        time.sleep(2.5)
        assert metrics.read("crd_threads_busy") == 0

    request = {**example("m0076-order-sign"), "fhirServer": f"{odd_server.origin}/slow/2.5"}
    del request["prefetch"]["coverage"]
    request["fhirAuthorization"] = access()
    call = threading.Thread(target=counted.post, args=(SIGN, request))
    call.start()
    assert wait_for(lambda: metrics.read("crd_threads_busy"), 1) == 1
    call.join()
    assert wait_for(lambda: metrics.read("crd_threads_busy"), 0) == 0


def test_only_names_of_our_own_are_labels(counted: Any, metrics: Metrics) -> None:
    """A path or method that callers choose makes no new series."""
    requests.get(f"{counted.base}/nothing-zyx", timeout=60)
    requests.request("ZYX", f"{counted.base}/cds-services/zyx", timeout=60)
    requests.options(counted.base + SIGN, timeout=60)

    assert wait_for(lambda: metrics.read("crd_calls_total", service="other"), 2) == 2
    assert "zyx" not in metrics.scrape().lower()
    assert wait_for(lambda: metrics.read("crd_calls_total", service="order-sign-crd", status="204"), 1) == 1
    assert metrics.read("crd_call_duration_seconds_count", outcome="refused", hook="order-dispatch") == 0


def test_a_preflight_is_no_answer_in_time(counted: Any, metrics: Metrics) -> None:
    """CRD, Performance Standards: calls that ask nothing would make the share look better."""
    for _ in range(3):
        requests.options(f"{counted.base}/cds-services/order-dispatch-crd", timeout=60)

    assert wait_for(lambda: metrics.read("crd_calls_total", service="order-dispatch-crd"), 3) == 3
    assert metrics.read("crd_call_duration_seconds_count", hook="order-dispatch") == 0


def test_what_is_served_is_prometheus_text_and_every_metric_is_described(counted: Any, metrics: Metrics) -> None:
    """docs/operations.md names every metric there is, and none that there is not."""
    requests.get(f"{counted.base}/ready", timeout=60)
    families = {family.name: family for family in text_string_to_metric_families(wait_for(metrics.scrape))}
    described = (ROOT / "docs" / "operations.md").read_text()

    assert set(families) <= set(METRICS)
    assert all(family.documentation for family in families.values())
    assert families["crd_policies"].samples[0].value >= 1
    assert families["crd_build_info"].samples[0].labels["version"]
    for name in METRICS:
        assert f"| `{name}" in described
    assert "# EOF" in metrics.scrape(Accept="application/openmetrics-text; version=1.0.0")


def test_metrics_are_nowhere_but_at_their_own_port_and_path(counted: Any, metrics: Metrics) -> None:
    other = requests.get(f"http://127.0.0.1:{metrics.port}/cds-services", timeout=60)
    posted = requests.post(f"http://127.0.0.1:{metrics.port}/metrics", timeout=60)

    assert requests.get(f"{counted.base}/metrics", timeout=60).status_code == 404
    assert other.status_code == 404
    assert posted.status_code == 501


def test_where_no_metrics_are_served_their_library_is_not_loaded() -> None:
    """It would also be told of the workers' folder too late."""
    code = "import sys, cds_hooks.app, cds_hooks.server.process; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_no_metrics_are_served_by_default(service: Any) -> None:
    """Nothing listens but the service itself, and nothing is counted."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[9]: int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A"}
    mine = [
        os.readlink(file)
        for process in (service.process.pid, *workers(service))
        for file in Path(f"/proc/{process}/fd").iterdir()
        if file.exists() or file.is_symlink()
    ]
    ports = {port for inode, port in listening.items() if f"socket:[{inode}]" in mine}

    assert ports == {int(service.base.rpartition(":")[2])}
    assert requests.get(f"{service.base}/metrics", timeout=60).status_code == 404


def test_a_worker_that_ends_takes_no_counts_with_it(counted: Any, metrics: Metrics, example: Any) -> None:
    """Counters never fall and gauges are of the living, one killed; one that is told to end counts to its end."""
    answers = {"name": "crd_answers_total", "hook": "order-sign"}
    first, second = workers(counted)
    before = metrics.read(**answers)
    names = meet_workers(counted, example)
    before += len(names)
    assert wait_for(lambda: metrics.read(**answers) >= before)

    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: first not in workers(counted) and len(workers(counted)) == 2)
    names += meet_new_worker(counted, names)
    assert metrics.read("crd_workers") == 2
    assert metrics.read("crd_threads") == 128
    assert metrics.read(**answers) >= before

    refused = {"name": "crd_call_duration_seconds_count", "outcome": "refused", "hook": "order-select"}
    for _ in range(20):
        counted.post(SELECT, b"not JSON")
    os.kill(second, signal.SIGTERM)
    assert wait_for(lambda: second not in workers(counted) and len(workers(counted)) == 2)
    meet_new_worker(counted, names)
    assert metrics.read("crd_workers") == 2
    assert wait_for(lambda: metrics.read(**refused), 20) == 20


def test_rejected_tokens_are_counted_by_cause(counted: Any, metrics: Metrics, example: Any) -> None:
    """7.4 step 10: callers are not told; operators are."""
    counted.post(SIGN, example("m0076-order-sign"), Authorization="Bearer x.y.z")
    counted.post(
        SIGN, example("m0076-order-sign"), Authorization=f"Bearer {sign(claims(iss='https://nobody.example.org'))}"
    )
    counted.post(
        SIGN,
        example("m0076-order-sign"),
        Authorization=f"Bearer {sign(claims(iss='https://ehr.example.org'), kid='k2')}",
    )

    rejected = "crd_tokens_rejected_total"
    assert wait_for(lambda: metrics.read(rejected) >= 3)
    assert metrics.read(rejected, cause="malformed", claimed="unknown") == 1
    assert metrics.read(rejected, cause="unknown-issuer", claimed="unknown") == 1
    assert metrics.read(rejected, cause="unknown-key", claimed="hospital") == 1


def test_fetches_of_keys_are_counted_by_outcome(counted: Any, metrics: Metrics, example: Any) -> None:
    for name in ("good", "down"):
        token = sign(claims(iss=f"https://{name}.example.org"))
        counted.post(SIGN, example("m0076-order-sign"), Authorization=f"Bearer {token}")

    assert wait_for(lambda: metrics.read("crd_jwks_fetches_total"), 2) == 2
    assert metrics.read("crd_jwks_fetches_total", outcome="fetched") == 1
    assert metrics.read("crd_jwks_fetches_total", outcome="status-503") == 1
    unreachable = {"cause": "jwks-unreachable", "claimed": "down"}
    assert wait_for(lambda: metrics.read("crd_tokens_rejected_total", **unreachable), 1) == 1


def test_what_other_parts_count_is_there_when_the_process_ends(tmp_path: Path) -> None:
    """The store, the limits and the feedback; and a metric cannot grow without end."""
    code = """
from cds_hooks.telemetry import metrics
metrics.watch("crd_queue_length", lambda: 7, "store")
assert not metrics.is_on() and metrics.start() and metrics.is_on()
metrics.MOST_CHILDREN = 3
metrics.stored(0.002, 5)
metrics.stored(0.2, 2)
for number in range(9):
    metrics.refused_for_rate(f"client-{number}")
metrics.feedback("evicore-cmm-204", "overridden")
"""
    process = multiprocessing.get_context("spawn").Process(target=exec, args=(code,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(tmp_path))
        process.start()
    process.join(60)

    families = MultiProcessCollector(None, str(tmp_path)).collect()
    found = {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}

    assert process.exitcode == 0
    assert found["crd_stored_records_total",] == 7
    assert found["crd_store_commit_duration_seconds_count",] == 2
    assert found["crd_feedback_total", "evicore-cmm-204", "overridden"] == 1
    assert found["crd_queue_length", "store"] == 7
    assert {key[1]: value for key, value in found.items() if key[0] == "crd_rate_refusals_total"} == {
        "client-0": 1,
        "client-1": 1,
        "client-2": 1,
        "other": 6,
    }


def test_a_taken_port_stops_the_start_with_a_clear_text(counted: Any, metrics: Metrics) -> None:
    assert counted.process.poll() is None
    environment = {**os.environ, "CRD_PORT": str(Metrics().port), "CRD_DATABASE_URL": "sqlite:///:memory:"}
    environment |= metrics.variables

    started = run_crd("serve", environment=environment)

    assert started.returncode == 2
    assert f"cannot serve metrics on 127.0.0.1, port {metrics.port}" in started.stderr
    assert "CRD_METRICS_PORT" in started.stderr


def test_the_folder_of_the_counts_lives_as_long_as_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    monkeypatch.setenv(FOLDER, "")
    server = MetricsServer(read_settings(metrics_port=metrics.port))

    server.start()
    folder = Path(os.environ[FOLDER])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert metrics.scrape() == ""
    server.stop()

    assert not folder.exists()
    with pytest.raises(requests.ConnectionError):
        metrics.scrape()


def test_a_start_that_failed_removes_nothing(
    counted: Any, metrics: Metrics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counted.process.poll() is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    server = MetricsServer(read_settings(metrics_port=metrics.port))

    with pytest.raises(StartError, match=f"port {metrics.port}"):
        server.start()
    server.stop()

    assert (tmp_path / "file").exists()
