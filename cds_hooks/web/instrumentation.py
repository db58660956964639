"""The WSGI middleware that measures every call as a whole, for metrics and traces; not there where both are off."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cds_hooks.fhir.client import FhirClient
from cds_hooks.settings import Settings
from cds_hooks.telemetry import metrics, traces
from cds_hooks.telemetry.logs import record
from cds_hooks.web.body_buffering import BUSY
from cds_hooks.web.call_context import Application, CallContext, Environ, StartResponse, current_call

#: The facts of a call that become attributes of its span, by the attribute's name.
_ATTRIBUTES: Final[Mapping[str, str]] = {
    fact: f"crd.{fact}"
    for fact in ("client", "version", "orders", "decisions", "coverages", "fhir_reads", "fhir_problems", "cause")
} | {"error": "error.type"}


def with_instrumentation(application: Application, settings: Settings, fhir_client: FhirClient) -> Application:
    """Start what the settings ask for in this process, and wrap the application in what serves it."""
    _watch(settings, fhir_client)
    if metrics.start():
        application = _with_metrics(application)
    elif settings.metrics_port:
        record("warning", "metrics-not-served", reason="only `crd serve` serves them")
    return _with_traces(application) if traces.start(settings) else application


def _with_metrics(application: Application) -> Application:
    """Count every call, and measure how long it takes to answer."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started, status = time.perf_counter(), "500"

        def begin(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            nonlocal status
            status = line[:3]
            return start_response(line, headers, *exc_info)

        try:
            return application(environ, begin)
        finally:
            call = current_call(environ)
            # A preflight of a browser is no call to a hook.
            answered = call.endpoint.hook if environ["REQUEST_METHOD"] == "POST" else None
            metrics.called(call.endpoint.name, status, time.perf_counter() - started, call.facts, answered)

    return answer


def _with_traces(application: Application) -> Application:
    """Open a span around every call, with its facts as attributes."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status = 500

        def begin(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, headers, *exc_info)

        with traces.server_span("call", environ.get("HTTP_TRACEPARENT")) as span:
            try:
                return application(environ, begin)
            finally:
                _describe(span, status, current_call(environ))

    return answer


def _watch(settings: Settings, fhir_client: FhirClient) -> None:
    connections = fhir_client.connections
    metrics.watch("crd_threads", lambda: settings.threads)
    metrics.watch("crd_threads_busy", BUSY.__len__)
    metrics.watch("crd_threads_waiting_for_fhir", fhir_client.waiting.__len__)
    metrics.watch("crd_fhir_connections", connections.busy.__len__, "busy")
    metrics.watch("crd_fhir_connections", connections.idle, "idle")
    metrics.watch("crd_fhir_servers", connections.servers)


def _describe(span: Any, status: int, call: CallContext) -> None:
    """Set the attributes of a call's span, by OpenTelemetry's names where it has some; no URL and no header."""
    span.update_name(f"call {call.endpoint.name}")
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("crd.request_id", call.request_id)
    for fact, value in call.facts.items():
        if fact in _ATTRIBUTES:
            span.set_attribute(_ATTRIBUTES[fact], [str(one) for one in value] if isinstance(value, list) else value)
    if status >= 500:
        from opentelemetry.trace import Status, StatusCode

        span.set_status(Status(StatusCode.ERROR))
