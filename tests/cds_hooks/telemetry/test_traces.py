"""Traces go to a real OTLP receiver, where the setting asks for them; how they leave a patient out: test_leaks.py."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cds_hooks.telemetry.servers import Collector, wait_for
from tests.conftest import ROOT
from tests.fhir.servers import access

pytest_plugins = ["tests.fhir.fixtures"]

SIGN = "/cds-services/order-sign-crd"
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture(scope="module", name="collector")
def _collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture(scope="module", name="traced")
def _traced(start_service: Any, collector: Collector) -> Any:
    """A service that sends its traces."""
    return start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", **collector.variables())


def hexadecimal(identifier: str) -> str:
    """Return an id of a span, which JSON has in base64, as it is in a header."""
    return base64.b64decode(identifier).hex()


def spans_of(collector: Collector, trace: str, last: str) -> dict[str, dict[str, Any]]:
    """Return the spans of a trace by their names, once the one of the call has come."""

    def found() -> dict[str, dict[str, Any]]:
        spans = {span["name"]: span for span in collector.log() if hexadecimal(span["traceId"]) == trace}
        return spans if last in spans else {}

    return wait_for(found)


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span.get("attributes", ())}


def test_a_call_is_a_part_of_its_callers_trace(
    traced: Any, collector: Collector, example: Any, odd_server: Any
) -> None:
    """W3C Trace Context; and the client's FHIR server is told nothing of it."""
    request = {**example("m0076-order-sign"), "fhirServer": f"{odd_server.origin}/good"}
    del request["prefetch"]["coverage"]
    request["fhirAuthorization"] = access()
    response = traced.post(SIGN, request, traceparent=f"00-{TRACE}-{CALLER}-01", tracestate="a=b", baggage="c=d")

    spans = spans_of(collector, TRACE, "call order-sign-crd")

    assert response.status_code == 200
    call = spans["call order-sign-crd"]
    assert set(spans) == {"call order-sign-crd", "authenticate", "read", "decide", "read from FHIR", "FHIR GET"}
    assert (call["kind"], hexadecimal(call["parentSpanId"])) == ("SPAN_KIND_SERVER", CALLER)
    assert {spans[name]["parentSpanId"] for name in ("authenticate", "read", "decide")} == {call["spanId"]}
    assert spans["read from FHIR"]["parentSpanId"] == spans["decide"]["spanId"]
    assert spans["FHIR GET"]["parentSpanId"] == spans["read from FHIR"]["spanId"]
    assert spans["FHIR GET"]["kind"] == "SPAN_KIND_CLIENT"
    assert (
        attributes(call).items()
        >= {
            "http.response.status_code": "200",
            "crd.client": "anonymous",
            "crd.version": "2.0",
            "crd.orders": "1",
            "crd.fhir_reads": "1",
            "crd.request_id": response.headers["X-Request-ID"],
        }.items()
    )
    assert attributes(spans["FHIR GET"]) == {"http.request.method": "GET", "http.response.status_code": "200"}
    assert "traceState" not in call
    told = {name for request in odd_server.log() for name in request["headers"]}
    assert "authorization" in told
    assert {"traceparent", "tracestate", "baggage"}.isdisjoint(told)
    resource = {one["key"]: one["value"]["stringValue"] for one in call["resource"]["attributes"]}
    assert resource["service.name"] == "crd-server"


def test_reads_side_by_side_belong_to_the_call_too(
    traced: Any, collector: Collector, example: Any, odd_server: Any
) -> None:
    """Threads of their own make them."""
    trace = TRACE[::-1]
    request = {**example("order-dispatch-2.0"), "fhirServer": f"{odd_server.origin}/no-batch-slow/0"}
    request["prefetch"] = {}
    request["fhirAuthorization"] = access()
    traced.post("/cds-services/order-dispatch-crd", request, traceparent=f"00-{trace}-{CALLER}-01")

    spans_of(collector, trace, "call order-dispatch-crd")
    reads = [span for span in collector.log() if span["name"] == "FHIR GET" and hexadecimal(span["traceId"]) == trace]

    assert len(reads) >= 2


def test_an_error_is_told_by_its_kind(traced: Any, collector: Collector) -> None:
    trace = "c" * 32
    traced.post(SIGN, b"not JSON", traceparent=f"00-{trace}-{CALLER}-01")

    call = spans_of(collector, trace, "call order-sign-crd")["call order-sign-crd"]

    assert attributes(call).items() >= {"http.response.status_code": "400", "error.type": "UnreadableBodyError"}.items()
    assert "events" not in call


def test_a_caller_that_does_not_want_a_trace_gets_none(traced: Any, collector: Collector) -> None:
    """W3C Trace Context, the flag `sampled`."""
    requests.get(f"{traced.base}/health", headers={"traceparent": f"00-{'d' * 32}-{CALLER}-00"}, timeout=60)
    requests.get(f"{traced.base}/health", headers={"traceparent": f"00-{'e' * 32}-{CALLER}-01"}, timeout=60)

    assert spans_of(collector, "e" * 32, "call health")
    assert "d" * 32 not in {hexadecimal(span["traceId"]) for span in collector.log()}


def test_a_receiver_that_is_gone_disturbs_nobody(start_service: Any, example: Any) -> None:
    gone = Collector()
    gone.stop()
    service = start_service(**gone.variables(OTEL_EXPORTER_OTLP_TIMEOUT="1"))

    assert service.post(SIGN, example("m0076-order-sign")).status_code == 200
    assert wait_for(lambda: '"event":"traces-not-sent"' in service.log.read_text())
    service.stop()
    assert all(line.startswith("{") for line in service.log.read_text().splitlines())


def test_traces_without_opentelemetry_stop_the_start_with_a_clear_text(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    environment = {
        **os.environ,
        "CRD_DATABASE_URL": "sqlite:///:memory:",
        "CRD_OTEL": "otlp",
        "CRD_PORT": "18999",
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
    }

    started = subprocess.run(
        [sys.executable, "-m", "cds_hooks.commands.main", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert started.returncode == 2
    assert "CRD_OTEL=otlp: OpenTelemetry is not installed; install crd-server[opentelemetry]" in started.stderr
