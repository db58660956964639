"""Every metric there is, and the files that each worker process keeps them in, for the server process to add up.

The files are those of prometheus_client's multiprocess mode. No label has values that callers choose: clients are
those registered, policies those loaded, everything else is a code of this package.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, Literal, NamedTuple

#: The variable that names the folder of the files; prometheus_client looks for it.
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

Labels = tuple[str, ...]

#: Upper bounds in seconds. 5 is the guide's target, 10 what some calls may take (crd.md 1.3), 0.5 that of CDS Hooks
#: (HK-27).
CALL_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0)
FHIR_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

#: As many combinations of labels are kept of one metric; what comes after them is counted under `other`.
MOST_CHILDREN: Final = 10_000


class _Counted(NamedTuple):
    """A counter: its help and labels."""

    text: str
    labels: Labels = ()


class _Timed(NamedTuple):
    """A histogram of durations in seconds."""

    text: str
    labels: Labels
    buckets: tuple[float, ...]


class _Watched(NamedTuple):
    """A gauge. Of several workers the sum counts, or the least: the worker that lags behind."""

    text: str
    labels: Labels = ()
    of_several: Literal["livesum", "livemin"] = "livesum"


#: The name of each metric without the suffix `_total`, which every counter gets.
METRICS: Final[Mapping[str, _Counted | _Timed | _Watched]] = {
    "crd_calls": _Counted("Calls by endpoint, HTTP status and client.", ("service", "status", "client")),
    "crd_call_duration_seconds": _Timed("How long hook calls took to answer.", ("hook", "outcome"), CALL_SECONDS),
    "crd_answers": _Counted(
        "Answers on orders: the decision, what it rests on, and the most binding policy.",
        ("hook", "covered", "basis", "policy", "policy_version"),
    ),
    "crd_prefetch": _Counted("Prefetch keys of hook calls, and what came for them.", ("client", "key", "outcome")),
    "crd_fhir_reads": _Counted("Records and searches read from clients' FHIR servers, or not.", ("outcome",)),
    "crd_fhir_request_duration_seconds": _Timed(
        "How long HTTP requests to clients' FHIR servers took.", ("outcome",), FHIR_SECONDS
    ),
    "crd_tokens_rejected": _Counted("Calls refused for their token, by cause.", ("cause", "claimed")),
    "crd_jwks_fetches": _Counted("Fetches of clients' keys.", ("outcome",)),
    "crd_rate_refusals": _Counted("Calls refused because their client calls too often.", ("client",)),
    "crd_feedback": _Counted("What users did with cards, by policy.", ("policy", "outcome")),
    "crd_log_records_lost": _Counted("Log records that could not be written."),
    "crd_stored_records": _Counted("Records written to the store."),
    "crd_store_commit_duration_seconds": _Timed("How long commits of the store took.", (), COMMIT_SECONDS),
    "crd_queue_length": _Watched("What waits in a queue.", ("queue",)),
    "crd_workers": _Watched("Worker processes that answer."),
    "crd_threads": _Watched("Threads that answer calls."),
    "crd_threads_busy": _Watched("Threads that are answering a call."),
    "crd_threads_waiting_for_fhir": _Watched("Threads of those that wait for a client's FHIR server."),
    "crd_fhir_connections": _Watched("Connections to clients' FHIR servers.", ("state",)),
    "crd_fhir_servers": _Watched("FHIR servers that connections are kept for."),
    "crd_policies": _Watched("Policies loaded.", (), "livemin"),
    "crd_payers": _Watched("Payers loaded.", (), "livemin"),
    "crd_rules_loaded_timestamp_seconds": _Watched("When policies and payers were loaded.", (), "livemin"),
    "crd_build_info": _Watched("Always 1; the version of this service.", ("version",), "livemin"),
}


class MetricFiles:
    """The metrics of this process; not for several threads at once."""

    def __init__(self) -> None:
        # Only where metrics are on is the library loaded; and it may have been loaded before the folder was named.
        from prometheus_client import values

        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        self._metrics = {name: _create(name, metric) for name, metric in METRICS.items()}
        self._children: dict[str, dict[Labels, Any]] = {name: {} for name in METRICS}
        self.set("crd_build_info", (version("crd-server"),), 1)
        self.set("crd_workers", (), 1)

    def add(self, name: str, labels: Labels, value: float, times: int) -> None:
        """Add a value to a counter, or observe it in a histogram, so many times."""
        child = self._child(name, labels)
        if isinstance(METRICS[name], _Counted):
            child.inc(value * times)
        else:
            for _ in range(times):
                child.observe(value)

    def set(self, name: str, labels: Labels, value: float) -> None:
        """Set a gauge."""
        self._child(name, labels).set(value)

    def _child(self, name: str, labels: Labels) -> Any:
        """Return what counts for some labels; the library's own look-up is slow."""
        children = self._children[name]
        if labels not in children:
            if len(children) >= MOST_CHILDREN:
                labels = ("other",) * len(labels)
            children[labels] = self._metrics[name].labels(*labels) if labels else self._metrics[name]
        return children[labels]


def _create(name: str, metric: _Counted | _Timed | _Watched) -> Any:
    """Return a metric that is in no registry: the server process reads the files."""
    from prometheus_client import Counter, Gauge, Histogram

    if isinstance(metric, _Counted):
        return Counter(name, metric.text, metric.labels, registry=None)
    if isinstance(metric, _Timed):
        return Histogram(name, metric.text, metric.labels, registry=None, buckets=metric.buckets)
    return Gauge(name, metric.text, metric.labels, registry=None, multiprocess_mode=metric.of_several)
