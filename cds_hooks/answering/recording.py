"""One hook call from its body to its answer, kept before the answer leaves (CRD-76, found-11, found-37)."""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import orjson

from cds_hooks.answering.answer import Answer, answer_hook
from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.heeding import Heed
from cds_hooks.auth.caller import Caller
from cds_hooks.errors import (
    HTTP_STATUS,
    AuthenticationError,
    CallError,
    InternalError,
    Issue,
    NotRecordedError,
    StartError,
    operation_outcome,
)
from cds_hooks.hooks.services import Service
from cds_hooks.rules.loading import Rules
from cds_hooks.settings import Settings
from cds_hooks.store.backlog import Backlog
from cds_hooks.store.calls import Bodies, CallRecord, Summary, make_id
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher, read_keys
from cds_hooks.store.fact_counter import FactCounter
from cds_hooks.store.facts import Happened
from cds_hooks.store.feedback import CardSent, Report, find_card, find_kept, to_row
from cds_hooks.store.left_out import find_left_out
from cds_hooks.store.overrides import to_override
from cds_hooks.store.redaction import without_tokens
from cds_hooks.store.retention import open_retention
from cds_hooks.store.writer import Writer
from cds_hooks.telemetry import metrics
from cds_hooks.telemetry.logs import record

_UNAVAILABLE: Final = "The audit store is unavailable, so no answer was given. Retry later"


class Recorder:
    """Keeps calls and feedback in the store as the setting CRD_AUDIT says; one for all threads of a process."""

    def __init__(self, settings: Settings) -> None:
        keys = read_keys(settings.audit_keys)
        self._cipher = RecordCipher(keys)
        self.is_on = settings.audit != "off"
        try:
            prepare(settings.database_url, settings.may_migrate)
        except StoreError as error:
            raise StartError(f"CRD_DATABASE_URL: the store cannot be opened ({error})") from None
        writing = connect(settings.database_url, durable=settings.audit == "durable")
        writer = Writer(writing, self._cipher, metrics.stored)
        self._writer = Backlog(writer) if settings.audit == "queued" else writer
        self._reading = connect(settings.database_url, each_alone=True)
        self._retention = open_retention(settings)
        self._facts = self._open_facts(settings)
        #: What heeds overrides; None where none are.
        self.heed = Heed(settings, keys, self._reading) if self.is_on and settings.heed_overrides else None
        metrics.watch("crd_queue_length", lambda: self._writer.waiting, "store")

    def start(self) -> None:
        """Start to delete what is too old, in the process that answers calls; whether or not calls are kept."""
        if self._retention:
            self._retention.start()

    def state(self) -> str:
        """Return `ok` or `failed`, or `off` where nothing is kept; it takes no time."""
        if not self.is_on:
            return "off"
        return "failed" if self._writer.fault() else "ok"

    def keep(self, call: CallRecord) -> None:
        """Keep a call; NotRecordedError where that fails, so that nothing is answered that is not kept."""
        try:
            self._writer.write(call)
        except StoreError as error:
            raise _not_kept(error) from None
        if self._facts:
            note = Happened(call.at, call.hook, call.client, call.status, call.duration, call.summary)
            self._facts.count_call(note)

    def count_refusal(self, error: AuthenticationError) -> None:
        """Count a token that was refused, by its cause."""
        if self._facts:
            self._facts.count_token(time.time_ns() // 1000, error.cause.value, error.claimed)

    def _open_facts(self, settings: Settings) -> FactCounter | None:
        if not self.is_on or settings.facts == "off":
            return None
        return FactCounter(settings.database_url, self._cipher, settings.time_zone)

    def close(self) -> None:
        """Write what waits and close all connections; the next call opens them again."""
        if self._facts:
            self._facts.close()
        self._writer.close()
        self._reading.dispose()

    def find_card(self, card: str, client: str) -> CardSent | None:
        """Return where a card was sent to a client; NotRecordedError where the store cannot tell."""
        if not self.is_on:
            return None
        try:
            return find_card(self._reading, self._cipher, card, client)
        except StoreError as error:
            raise _not_kept(error) from None

    def keep_reports(self, reports: Sequence[Report], at: int, client: str, service: str) -> Sequence[Report]:
        """Keep feedback of a client on a service, received at a time in microseconds since 1970.

        Return the reports that were not kept before: clients send one again when they saw no answer.
        """
        if not self.is_on:
            return reports
        rows = {"feedback": [to_row(report, at, client, service, self._cipher) for report in reports]}
        digests = [row["digest"] for row in rows["feedback"]]
        if self.heed:
            rows["overrides"] = [to_override(about, at) for report in reports if (about := _heeded(report))]
        try:
            kept = find_kept(self._reading, digests)
            self._writer.write(rows)
        except StoreError as error:
            raise _not_kept(error) from None
        if self._facts:
            self._facts.count_feedback(at)
        new = dict(zip(digests, reports, strict=True))
        return [report for digest, report in new.items() if digest not in kept]


def _heeded(report: Report) -> str | None:
    """Return what an overridden card is known again by, where a reason was given for it."""
    is_heeded = report.entry["outcome"] == "overridden" and report.reason
    return report.sent.about if is_heeded and report.sent else None


def _not_kept(error: StoreError) -> NotRecordedError:
    record("error", "not-recorded", reason=str(error))
    return NotRecordedError(Issue("transient", _UNAVAILABLE))


class ReceivedCall(NamedTuple):
    """A hook call of a caller that was let in, with its body or why that could not be read.

    `at` is when it came, in microseconds since 1970, `started` what `time.perf_counter_ns` said then.
    """

    service: Service
    body: bytes | Exception
    caller: Caller
    request_id: str
    at: int
    started: int


def answer_and_keep(call: ReceivedCall, deployment: Deployment, rules: Rules, recorder: Recorder) -> Answer:
    """Answer one hook call as `answer_hook` does, and keep what was asked and answered, errors included."""
    outcome = _try_answer(call, deployment, rules, recorder.heed)
    if recorder.is_on:
        recorder.keep(_to_record(call, outcome, deployment.settings.default_version))
    if isinstance(outcome, Answer):
        return outcome
    try:
        raise outcome
    finally:
        del outcome  # an exception whose own traceback holds it stays until the garbage collector comes


def _try_answer(call: ReceivedCall, deployment: Deployment, rules: Rules, heed: Heed | None) -> Answer | Exception:
    if isinstance(call.body, Exception):
        return call.body
    try:
        return answer_hook(call.service, call.body, deployment, rules, call.caller, heed)
    except Exception as error:
        return error


class _Kept(NamedTuple):
    """What is kept of an outcome."""

    status: int
    response: bytes
    summary: Summary
    version: str | None = None
    read: tuple[bytes, ...] = ()


def _to_record(call: ReceivedCall, outcome: Answer | Exception, announced: str) -> CallRecord:
    body = call.body if isinstance(call.body, bytes) else None
    kept = _of_answer(outcome) if isinstance(outcome, Answer) else _of_error(outcome, body, call, announced)
    request = without_tokens(body, kept.status == 200) if body is not None else None
    return CallRecord(
        id=make_id(call.at),
        at=call.at,
        client=call.caller.client,
        service=call.service.id,
        hook=call.service.hook,
        version=kept.version,
        status=kept.status,
        duration=(time.perf_counter_ns() - call.started) // 1000,
        request_id=call.request_id,
        summary=kept.summary,
        bodies=Bodies(request, kept.response, kept.read),
    )


def _of_answer(answer: Answer) -> _Kept:
    return _Kept(200, answer.body, answer.give_account(), answer.facts["version"], answer.read)


def _of_error(error: Exception, body: bytes | None, call: ReceivedCall, announced: str) -> _Kept:
    """Return what is kept of an error; `announced` is the version of CRD whose prefetch is announced."""
    refusal = error if isinstance(error, CallError) else internal_error(call.request_id)
    left_out = find_left_out(body, call.service.templates(announced))
    summary = Summary(_hook_instance(body), error=type(error).__name__, left_out=left_out)
    return _Kept(HTTP_STATUS[type(refusal)], orjson.dumps(operation_outcome(refusal.issues)), summary)


def internal_error(request_id: str) -> InternalError:
    """Return what a client learns of a failure in here: an id by which the log has more."""
    return InternalError(Issue("exception", f"internal error; its correlation id is {request_id}"))


def _hook_instance(body: bytes | None) -> str | None:
    try:
        found = orjson.loads(body or b"null")
    except orjson.JSONDecodeError:
        return None
    instance = found.get("hookInstance") if isinstance(found, dict) else None
    return instance if isinstance(instance, str) else None
