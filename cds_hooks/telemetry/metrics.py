"""What the service counts, for Prometheus: names of our own, codes and durations, nothing of a patient.

The metrics are prometheus_client's in its multiprocess mode as it comes: each worker writes to files of its own, in
shared memory where there is some, and the server process adds them up (`metrics_server`). No label has values that
callers choose: clients are those registered, policies those loaded, everything else is a code of this package.

A call adds to sums in memory (`counts`), which a thread writes to the files once a second, and the process at its end.
Without the server process's folder nothing is counted, prometheus_client is not even imported, and each of the
functions below returns at once. docs/operations.md has every metric.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from math import inf
from multiprocessing.util import Finalize
from typing import Any, Final, NamedTuple

from cds_hooks.telemetry import logs
from cds_hooks.telemetry.counts import Counts

#: The variable that names the folder of the files; prometheus_client looks for it when it is imported.
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

#: As many combinations of labels are kept of one metric; what comes after them is counted under `other`.
MOST_CHILDREN: Final = 10_000

#: Gauges are asked for their value this often, in seconds, and what was counted is written to the files.
PERIOD: Final = 1.0

Labels = tuple[str, ...]

#: Upper bounds in seconds. 5 is what CRD wants of most calls, 10 what some may take ("Performance Standards"), 0.5 what
#: CDS Hooks wants (HK-27).
_CALL_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0)
_FHIR_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
_COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class _Metric(NamedTuple):
    """A metric: its help, its labels, and the buckets that make it a histogram or the mode that makes it a gauge.

    Of a gauge of several workers the sum counts (`livesum`), or the least: the worker that lags behind (`livemin`).
    """

    text: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()
    gauge: str = ""


#: The name of each metric without the suffix `_total`, which every counter gets.
METRICS: Final[Mapping[str, _Metric]] = {
    "crd_calls": _Metric("Calls by endpoint, HTTP status and client.", ("service", "status", "client")),
    "crd_call_duration_seconds": _Metric("How long hook calls took to answer.", ("hook", "outcome"), _CALL_SECONDS),
    "crd_answers": _Metric(
        "Answers on orders: the decision, what it rests on, and the most binding policy.",
        ("hook", "covered", "basis", "policy", "policy_version"),
    ),
    "crd_prefetch": _Metric("Prefetch keys of hook calls, and what came for them.", ("client", "key", "outcome")),
    "crd_fhir_reads": _Metric("Records and searches read from clients' FHIR servers, or not.", ("outcome",)),
    "crd_look_ups": _Metric("Questions about members and authorizations, and what came of them.", ("what", "outcome")),
    "crd_fhir_request_duration_seconds": _Metric(
        "How long HTTP requests to clients' FHIR servers took.", ("outcome",), _FHIR_SECONDS
    ),
    "crd_tokens_rejected": _Metric("Calls refused for their token, by cause.", ("cause", "claimed")),
    "crd_jwks_fetches": _Metric("Fetches of clients' keys.", ("outcome",)),
    "crd_rate_refusals": _Metric("Calls refused because their client calls too often.", ("client",)),
    "crd_feedback": _Metric("What users did with cards, by policy.", ("policy", "outcome")),
    "crd_log_records_lost": _Metric("Log records that could not be written."),
    "crd_stored_records": _Metric("Records written to the store."),
    "crd_store_commit_duration_seconds": _Metric("How long commits of the store took.", (), _COMMIT_SECONDS),
    "crd_queue_length": _Metric("What waits in a queue.", ("queue",), gauge="livesum"),
    "crd_workers": _Metric("Worker processes that answer.", gauge="livesum"),
    "crd_threads": _Metric("Threads that answer calls.", gauge="livesum"),
    "crd_threads_busy": _Metric("Threads that are answering a call.", gauge="livesum"),
    "crd_threads_waiting_for_fhir": _Metric("Threads of those that wait for a client's FHIR server.", gauge="livesum"),
    "crd_fhir_connections": _Metric("Connections to clients' FHIR servers.", ("state",), gauge="livesum"),
    "crd_fhir_servers": _Metric("FHIR servers that connections are kept for.", gauge="livesum"),
    "crd_policies": _Metric("Policies loaded.", gauge="livemin"),
    "crd_payers": _Metric("Payers loaded.", gauge="livemin"),
    "crd_rules_loaded_timestamp_seconds": _Metric("When policies and payers were loaded.", gauge="livemin"),
    "crd_build_info": _Metric("Always 1; the version of this service.", ("version",), gauge="livemin"),
}

#: What became of a hook call, by the first digit of its status; the others were refused.
_OUTCOMES: Final = {"2": "answered", "5": "failed"}

#: prometheus_client's metrics by name, while this process counts.
_metrics: dict[str, Any] | None = None

#: What was counted and is not in the files yet.
_counts: Final = Counts({name: (*metric.buckets, inf) for name, metric in METRICS.items() if metric.buckets})

#: What counts for each combination of labels that occurred; the library's own look-up takes longer.
_children: dict[str, dict[Labels, Any]] = {name: {} for name in METRICS}

#: What the store still writes at the end of a process is counted, too.
_AFTER_THE_STORE: Final = -1

#: Lost records of the log that were counted already.
_lost = 0

_watched: dict[tuple[str, Labels], Callable[[], float]] = {}


def start() -> bool:
    """Count from now on in this process, where the server process made a folder for it; tell whether it did."""
    global _metrics
    if _metrics is None and os.environ.get(FOLDER):
        _metrics = {name: _create(name, metric) for name, metric in METRICS.items()}
        watch("crd_build_info", lambda: 1, version("crd-server"))
        watch("crd_workers", lambda: 1)
        _read_watched()
        threading.Thread(target=_keep_writing, name="metrics", daemon=True).start()
        Finalize(None, _write_counts, exitpriority=_AFTER_THE_STORE)
    return _metrics is not None


def is_on() -> bool:
    """Tell whether this process counts; what only metrics need is not even looked for where it does not."""
    return _metrics is not None


def watch(name: str, read: Callable[[], float], *labels: str) -> None:
    """Ask for the value of a gauge once a second from now on: the length of a queue, the state of a pool."""
    _watched[name, labels] = read


def called(service: str, status: str, seconds: float, facts: Mapping[str, Any], hook: str | None = None) -> None:
    """Count a call to an endpoint by what its facts say, and how long a hook took to answer."""
    _count("crd_calls", (service, status, facts.get("client", "unknown")))
    if hook is not None:
        _observe("crd_call_duration_seconds", (hook, _OUTCOMES.get(status[0], "refused")), seconds)
    if "cause" in facts:
        _count("crd_tokens_rejected", (facts["cause"], facts.get("claimed", "unknown")))


def answered(hook: str, answers: Iterable[Labels]) -> None:
    """Count the answers of a call, each with its decision, basis, policy and version."""
    for answer in answers:
        _count("crd_answers", (hook, *answer))


def prefetched(client: str, outcomes: Mapping[str, str]) -> None:
    """Count what came for each prefetch key, also of calls that cannot be answered for it."""
    for key, outcome in outcomes.items():
        _count("crd_prefetch", (client, key, outcome))


def asked_fhir(seconds: float, outcome: str) -> None:
    """Count one HTTP request to a client's FHIR server."""
    _observe("crd_fhir_request_duration_seconds", (outcome,), seconds)


def read_fhir(outcome: str) -> None:
    """Count one record or search that was asked for, and what came of it."""
    _count("crd_fhir_reads", (outcome,))


def looked_up(what: str, outcome: str) -> None:
    """Count one question about a member, or about its authorizations."""
    _count("crd_look_ups", (what, outcome))


def fetched_keys(outcome: str) -> None:
    """Count a fetch of a client's keys."""
    _count("crd_jwks_fetches", (outcome,))


def refused_for_rate(client: str) -> None:
    """Count a call that was refused because its client calls too often."""
    _count("crd_rate_refusals", (client,))


def stored(seconds: float, batch: int) -> None:
    """Count a commit of the store: how long it took, and of how many records."""
    _observe("crd_store_commit_duration_seconds", (), seconds)
    _count("crd_stored_records", (), batch)


def feedback(policy: str, outcome: str) -> None:
    """Count what a user did with a card; `policy` is the id of a policy that is loaded, or "none"."""
    _count("crd_feedback", (policy, outcome))


def rules_loaded(policies: int, payers: int) -> None:
    """Say that policies and payers were loaded just now, and how many there are."""
    now = time.time()
    watch("crd_policies", lambda: policies)
    watch("crd_payers", lambda: payers)
    watch("crd_rules_loaded_timestamp_seconds", lambda: now)


class ThreadGauge:
    """The threads that are inside a `with` of it: as many as its length."""

    def __init__(self) -> None:
        self._inside: set[int] = set()

    def __enter__(self) -> None:
        self._inside.add(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._inside.discard(threading.get_ident())

    def __len__(self) -> int:
        return len(self._inside)


def _count(name: str, labels: Labels = (), value: float = 1) -> None:
    """Add to a counter."""
    if _metrics is not None:
        _counts.add((name, labels), value)


def _observe(name: str, labels: Labels, value: float) -> None:
    """Add to a histogram."""
    if _metrics is not None:
        _counts.observe((name, labels), value)


def _write_counts() -> None:
    """Write what was counted since the last time; what goes wrong with one metric does not touch the others."""
    assert _metrics is not None  # noqa: S101 - for the type
    taken = _counts.take()
    for (name, labels), value in taken.sums.items():
        with _reported():
            _child(_metrics[name], name, labels).inc(value)
    for (name, labels), (buckets, seconds) in taken.observed.items():
        with _reported():
            child = _child(_metrics[name], name, labels)
            # The library observes one by one: what its `observe` does, done for all that came.
            child._sum.inc(seconds)
            for bucket, found in zip(child._buckets, buckets, strict=True):
                if found:
                    bucket.inc(found)


def _child(metric: Any, name: str, labels: Labels) -> Any:
    """Return what counts for some labels of a metric."""
    children = _children[name]
    if labels not in children:
        if len(children) >= MOST_CHILDREN:
            labels = ("other",) * len(labels)
        children[labels] = metric.labels(*labels) if labels else metric
    return children[labels]


@contextmanager
def _reported() -> Iterator[None]:
    """Say where something was not counted, for want of disk or files; nothing else ends by it."""
    try:
        yield
    except Exception as error:
        logs.record("error", "metrics-failed", error=type(error).__name__, where=logs.where(error))


def _create(name: str, metric: _Metric) -> Any:
    """Return a metric of the library that is in no registry: the server process reads the files."""
    from prometheus_client import Counter, Gauge, Histogram

    text, labels, buckets, gauge = metric
    if gauge:
        return Gauge(name, text, labels, registry=None, multiprocess_mode=gauge)  # type: ignore[arg-type]
    if buckets:
        return Histogram(name, text, labels, registry=None, buckets=buckets)
    return Counter(name, text, labels, registry=None)


def _keep_writing() -> None:
    """Write counts and gauges again and again."""
    while True:
        time.sleep(PERIOD)
        _write_counts()
        with _reported():
            _read_watched()


def _read_watched() -> None:
    """Write what the gauges stand at: in this mode the library does not ask for it itself."""
    global _lost
    assert _metrics is not None  # noqa: S101 - for the type
    for (name, labels), read in list(_watched.items()):
        _child(_metrics[name], name, labels).set(read())
    lost = logs.lost()
    _count("crd_log_records_lost", (), lost - _lost)
    _lost = lost
