"""OpenTelemetry traces, where the setting asks for them: spans of names, counts and codes, nothing of a patient.

What a caller sends is not trusted to be free of patients either: of its trace context only `traceparent` is taken,
which is hexadecimal, never `tracestate` or `baggage`; and no context goes on to a client's FHIR server. Exceptions are
not recorded, because their texts may hold values. Where traces are off, a span is an object that does nothing.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Final, Protocol

from cds_hooks.errors import StartError
from cds_hooks.settings import Settings
from cds_hooks.telemetry.logs import record

_NEEDED: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


class Span(Protocol):
    """What this package uses of OpenTelemetry's spans."""

    def set_attribute(self, key: str, value: Any) -> object:
        """Set an attribute."""

    def update_name(self, name: str) -> object:
        """Rename it, once its endpoint is known."""


class _NoSpan:
    """Stands in for every span while traces are off."""

    def __enter__(self) -> "Span":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Do nothing."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Do nothing."""

    def update_name(self, name: str) -> None:
        """Do nothing."""


_NO_SPAN: Final = _NoSpan()

_tracer: Any = None


def check(settings: Settings) -> None:
    """Raise StartError where traces are asked for and OpenTelemetry is not installed."""
    if settings.otel != "off" and not all(_is_installed(name) for name in _NEEDED):
        raise StartError(f"CRD_OTEL={settings.otel}: OpenTelemetry is not installed; install crd-server[opentelemetry]")


def start(settings: Settings) -> bool:
    """Send the traces of this process from now on, where the setting asks for them; tell whether it does.

    Where to and how much of it is set by OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_ENDPOINT` and the like.
    """
    global _tracer
    check(settings)
    if settings.otel == "off" or _tracer is not None:
        return _tracer is not None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _log_without_texts()
    service = {"service.name": "crd-server", "service.version": version("crd-server")}
    provider = TracerProvider(resource=Resource.create(service).merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("cds_hooks")
    return True


def span(name: str, **attributes: Any) -> AbstractContextManager[Span]:
    """Return a span for a `with`, under the one that is open in this thread."""
    return _NO_SPAN if _tracer is None else _open(name, "INTERNAL", attributes)


def client_span(name: str, **attributes: Any) -> AbstractContextManager[Span]:
    """Return a span of a request to another server."""
    return _NO_SPAN if _tracer is None else _open(name, "CLIENT", attributes)


def server_span(name: str, traceparent: str | None, **attributes: Any) -> AbstractContextManager[Span]:
    """Return the span of a call; `traceparent` (W3C Trace Context) tells whose it is a part of."""
    if _tracer is None:
        return _NO_SPAN
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: Mapping[str, str] = {"traceparent": traceparent} if traceparent else {}
    context = TraceContextTextMapPropagator().extract(carrier, Context())
    return _open(name, "SERVER", attributes, context)


def _open(name: str, kind: str, attributes: Mapping[str, Any], context: Any = None) -> AbstractContextManager[Span]:
    from opentelemetry.trace import SpanKind

    opened: AbstractContextManager[Span] = _tracer.start_as_current_span(
        name,
        context=context,
        kind=SpanKind[kind],
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    )
    return opened


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _log_without_texts() -> None:
    """Let OpenTelemetry log only that something is wrong and where: its texts may hold values of a request."""
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(_TextlessHandler(logging.WARNING))
    logger.propagate = False


class _TextlessHandler(logging.Handler):
    """Turns records of OpenTelemetry into ours, without their texts."""

    def emit(self, said: logging.LogRecord) -> None:
        """Write that a component complained."""
        record("warning", "traces-not-sent", logger=said.name, where=f"{said.module}:{said.lineno}")
