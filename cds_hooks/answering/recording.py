"""One hook call from its body to its answer, kept before the answer leaves (CRD-76, found-11, found-37)."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from cds_hooks.answering.answer import Answer, answer_hook
from cds_hooks.answering.deployment import Deployment
from cds_hooks.auth.caller import Caller
from cds_hooks.errors import (
    HTTP_STATUS,
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
from cds_hooks.store.calls import Bodies, CallRecord, Summary, make_id
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher, read_keys
from cds_hooks.store.feedback import CardSent, Report, find_card, to_row
from cds_hooks.store.redaction import without_tokens
from cds_hooks.store.retention import Retention
from cds_hooks.store.writer import Writer
from cds_hooks.telemetry import metrics
from cds_hooks.telemetry.logs import record


class Recorder:
    """Keeps calls in the store as the setting CRD_AUDIT says; one for all threads of a process."""

    def __init__(self, settings: Settings) -> None:
        self.cipher = RecordCipher(read_keys(settings.audit_keys) if settings.audit_keys else ())
        self.keeps_calls = settings.audit != "off"
        try:
            prepare(settings.database_url)
        except StoreError as error:
            raise StartError(f"CRD_DATABASE_URL: the store cannot be opened ({error})") from None
        writing = connect(settings.database_url, durable=settings.audit == "durable")
        self.writer = Writer(writing, self.cipher, metrics.stored, waits=settings.audit != "queued")
        self._reading = connect(settings.database_url, each_alone=True)
        self._retention = Retention(settings.database_url, settings.audit_days) if settings.audit_days else None
        metrics.watch("crd_queue_length", lambda: self.writer.waiting, "store")

    def keep(self, exchange: CallRecord) -> None:
        """Keep a call; NotRecordedError where that fails, so that nothing is answered that is not kept."""
        if self._retention:
            self._retention.start()
        try:
            self.writer.write(exchange)
        except StoreError as error:
            raise _not_kept(error) from None

    def find_card(self, card: str, client: str) -> CardSent | None:
        """Return where a card was sent to a client; NotRecordedError where the store cannot tell."""
        try:
            return find_card(self._reading, self.cipher, card, client)
        except StoreError as error:
            raise _not_kept(error) from None

    def keep_reports(self, reports: Sequence[Report], at: int, client: str, service: str) -> None:
        """Keep feedback of a client on a service, received at a time in microseconds since 1970."""
        rows = [to_row(report, at, client, service, self.cipher) for report in reports]
        try:
            self.writer.write({"feedback": rows})
        except StoreError as error:
            raise _not_kept(error) from None


def _not_kept(error: StoreError) -> NotRecordedError:
    record("error", "not-recorded", reason=str(error))
    return NotRecordedError(Issue("transient", "this could not be recorded, so it is not answered; try again later"))


def answer_and_keep(
    service: Service,
    read_body: Callable[[], bytes],
    deployment: Deployment,
    rules: Rules,
    caller: Caller,
    request_id: str,
    recorder: Recorder,
) -> Answer:
    """Answer one hook call as `answer_hook` does, and keep what was asked and answered, errors included."""
    if not recorder.keeps_calls:
        return answer_hook(service, read_body(), deployment, rules, caller)
    at, started = time.time_ns() // 1000, time.perf_counter_ns()
    body: bytes | None = None

    def keep(status: int, response: bytes, summary: Summary, version: Any = None, read: tuple[bytes, ...] = ()) -> None:
        recorder.keep(
            CallRecord(
                id=make_id(at),
                at=at,
                client=caller.client,
                service=service.id,
                hook=service.hook,
                version=version,
                status=status,
                duration=(time.perf_counter_ns() - started) // 1000,
                request_id=request_id,
                summary=summary,
                bodies=Bodies(without_tokens(body, status == 200) if body is not None else None, response, read),
            )
        )

    try:
        body = read_body()
        answer = answer_hook(service, body, deployment, rules, caller)
    except Exception as error:
        refusal = error if isinstance(error, CallError) else internal_error(request_id)
        told = Summary(_hook_instance(body), error=type(error).__name__)
        keep(HTTP_STATUS[type(refusal)], orjson.dumps(operation_outcome(refusal.issues)), told)
        raise
    keep(200, answer.body, answer.give_account(), answer.facts["version"], answer.read)
    return answer


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
