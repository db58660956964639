"""What the service counts, for Prometheus: names of our own, codes and durations, nothing of a patient.

A call only leaves notes in a queue, which costs less than a microsecond; once a second a thread of each process adds
them up and writes the sums to files that the server process reads when it is scraped (`metrics_server`). To count in
those files at once would cost every call ten microseconds. docs/operations.md has every metric.
"""

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.util import Finalize
from typing import Any, Final

from cds_hooks.telemetry import logs
from cds_hooks.telemetry.logs import record, where
from cds_hooks.telemetry.metric_files import FOLDER, Labels, MetricFiles

#: Notes are added up this often, in seconds.
PERIOD: Final = 1.0

#: As many notes wait at most; should the thread hang, the oldest are dropped.
_MOST_NOTES: Final = 200_000

#: What became of a hook call, by the first digit of its status; the others were refused.
_OUTCOMES: Final = {"2": "answered", "5": "failed"}

#: A counter or histogram, its labels, and how much is added or observed.
_Note = tuple[str, Labels, float]

_notes: deque[_Note] | None = None
_watched: dict[tuple[str, Labels], Callable[[], float]] = {}


def start() -> bool:
    """Count from now on in this process, where the server process made a folder for it; tell whether it did."""
    global _notes
    if _notes is None and os.environ.get(FOLDER):
        _notes = deque(maxlen=_MOST_NOTES)
        tally = _Tally(_notes, MetricFiles())
        tally.add_up()
        threading.Thread(target=tally.go_on, name="metrics", daemon=True).start()
        Finalize(None, tally.add_up, exitpriority=0)  # what the last second brought, when the process ends
    return _notes is not None


def is_on() -> bool:
    """Tell whether this process counts; what only metrics need is not even looked for where it does not."""
    return _notes is not None


def watch(name: str, read: Callable[[], float], *labels: str) -> None:
    """Ask for the value of a gauge once a second from now on: the length of a queue, the state of a pool."""
    _watched[name, labels] = read


def called(service: str, status: str, seconds: float, facts: Mapping[str, Any], hook: str | None = None) -> None:
    """Count a call to an endpoint by what its facts say, and how long a hook took to answer (crd.md 1.3)."""
    if _notes is None:
        return
    _notes.append(("crd_calls", (service, status, facts.get("client", "unknown")), 1))
    if hook is not None:
        _notes.append(("crd_call_duration_seconds", (hook, _OUTCOMES.get(status[0], "refused")), seconds))
    if "cause" in facts:
        _notes.append(("crd_tokens_rejected", (facts["cause"], facts.get("claimed", "unknown")), 1))


def answered(hook: str, answers: Iterable[Labels]) -> None:
    """Count the answers of a call, each with its decision, basis, policy and version."""
    if _notes is not None:
        _notes.extend([("crd_answers", (hook, *answer), 1) for answer in answers])


def prefetched(client: str, outcomes: Mapping[str, str]) -> None:
    """Count what came for each prefetch key, also of calls that cannot be answered for it."""
    if _notes is not None:
        _notes.extend([("crd_prefetch", (client, key, outcome), 1) for key, outcome in outcomes.items()])


def asked_fhir(seconds: float, outcome: str) -> None:
    """Count one HTTP request to a client's FHIR server."""
    _note("crd_fhir_request_duration_seconds", (outcome,), seconds)


def read_fhir(outcome: str) -> None:
    """Count one record or search that was asked for, and what came of it."""
    _note("crd_fhir_reads", (outcome,))


def fetched_keys(outcome: str) -> None:
    """Count a fetch of a client's keys."""
    _note("crd_jwks_fetches", (outcome,))


def refused_for_rate(client: str) -> None:
    """Count a call that was refused because its client calls too often."""
    _note("crd_rate_refusals", (client,))


def stored(seconds: float, batch: int) -> None:
    """Count a commit of the store: how long it took, and of how many records."""
    _note("crd_store_commit_duration_seconds", (), seconds)
    _note("crd_stored_records", (), batch)


def feedback(policy: str, outcome: str) -> None:
    """Count what a user did with a card; `policy` is the id of a policy that is loaded, or "none"."""
    _note("crd_feedback", (policy, outcome))


def rules_loaded(policies: int, payers: int) -> None:
    """Say that policies and payers were loaded just now, and how many there are."""
    now = time.time()
    watch("crd_policies", lambda: policies)
    watch("crd_payers", lambda: payers)
    watch("crd_rules_loaded_timestamp_seconds", lambda: now)


def _note(name: str, labels: Labels, value: float = 1) -> None:
    if _notes is not None:
        _notes.append((name, labels, value))


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


class _Tally:
    """Adds up the notes of one process and writes the sums; one thread at a time."""

    def __init__(self, notes: deque[_Note], files: MetricFiles) -> None:
        self._notes = notes
        self._files = files
        self._lock = threading.Lock()
        self._lost = 0

    def go_on(self) -> None:
        """Add up again and again; what goes wrong once, a full disk for one, does not end it."""
        while True:
            time.sleep(PERIOD)
            try:
                self.add_up()
            except Exception as error:
                record("error", "metrics-failed", error=type(error).__name__, where=where(error))

    def add_up(self) -> None:
        """Write what the notes so far come to, and what the gauges stand at."""
        with self._lock:
            # Equal notes, which most are but durations, are written once.
            notes = [self._notes.popleft() for _ in range(len(self._notes))]
            for (name, labels, value), times in Counter(notes).items():
                self._files.add(name, labels, value, times)
            for (name, labels), read in list(_watched.items()):
                self._files.set(name, labels, read())
            lost = logs.lost()
            self._files.add("crd_log_records_lost", (), lost - self._lost, 1)
            self._lost = lost
