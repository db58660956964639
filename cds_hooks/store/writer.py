"""Writes records by one thread of each process: all that wait when it is free share one commit.

Where callers wait, `write` returns when their records are committed; else at once, and a commit that fails is tried
again until it succeeds or the process ends.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from multiprocessing.util import Finalize
from typing import Final, NamedTuple

import sqlalchemy as sa

from cds_hooks.store.calls import CallRecord, Rows, to_rows
from cds_hooks.store.database import PATIENCE, StoreError
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.insertion import Inserter, RefusedError
from cds_hooks.telemetry.logs import record

#: As many writes wait at the most, beside those of the commit under way; then callers wait, and then they fail.
MOST_WAITING: Final = 5000

#: As many writes share one commit.
_MOST_AT_ONCE: Final = 256

#: Where nobody waits, a commit that failed is tried again after so many seconds.
_PAUSE: Final = 0.5

#: The outcome of a commit says so many seconds long how the store is; then it is checked, if anybody asks.
_FRESH: Final = 5.0

#: Called after each commit: how many seconds it took, and how many writes shared it.
Watcher = Callable[[float, int], None]


class _Job(NamedTuple):
    """Something to write, all or none of it, and the future of who waits for it."""

    kept: Sequence[CallRecord | Rows]
    done: Future[None]


class Writer:
    """Writes calls, and rows of other tables, for all threads of a process.

    Its thread starts with the first write of a process: a server may fork its workers after this was made.
    """

    def __init__(
        self,
        engine: sa.Engine,
        cipher: RecordCipher,
        watch: Watcher = lambda _seconds, _writes: None,
        waits: bool = True,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._inserter = Inserter(engine)
        self._cipher = cipher
        self._watch = watch
        self._waits = waits
        self._queue: queue.Queue[_Job | None] = queue.Queue(most_waiting)  # None wakes the thread up
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._error: StoreError | None = None
        self._error_known_at = float("-inf")
        self._check: _Job | None = None
        self._checked_at = float("-inf")

    @property
    def waiting(self) -> int:
        """How many writes wait for their commit."""
        return self._queue.qsize()

    def write(self, *kept: CallRecord | Rows) -> None:
        """Write all or none; StoreError where it is not written, or where too much waits already."""
        job = _Job(kept, Future())
        try:
            self._queue.put(job, timeout=PATIENCE)
        except queue.Full:
            raise StoreError("queue-full") from None
        self._start()
        if self._waits:
            job.done.result()

    def fault(self) -> StoreError | None:
        """Return why the last commit failed; None where it did not. Where that is old news, the store is checked.

        Nobody waits for the check: who asks next learns of it.
        """
        now = time.monotonic()
        if now - self._error_known_at < _FRESH:
            return self._error
        if self._check and not self._check.done.done():
            return StoreError("no-answer") if now - self._checked_at > _FRESH else self._error
        self._check, self._checked_at = _Job((), Future()), now
        try:
            self._queue.put_nowait(self._check)
        except queue.Full:
            self._check = None
            return StoreError("queue-full")
        self._start()
        return self._error

    def close(self) -> None:
        """Write what waits, or log how much is lost, and close the connection; the next write opens it again."""
        with self._starting:
            if self._thread is None:
                return
            self._closing.set()
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)
            self._thread.join(2 * PATIENCE)
            if self._thread.is_alive():
                _log_lost(self.waiting, "not-written-in-time")
                return
            self._closing.clear()
            self._thread = None
            came_meanwhile = not self._queue.empty()
        if came_meanwhile:
            self._start()

    def _start(self) -> None:
        """Start the thread where there is none; after something was put into the queue, so that `close` misses none."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="store", daemon=True)
                self._thread.start()
                # What runs at the end of worker processes too, where `atexit` does not.
                Finalize(None, self.close, exitpriority=0)

    def _work(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            batch = self._next_batch()
            if batch:
                self._write_batch(batch)
        self._inserter.close()

    def _next_batch(self) -> list[_Job]:
        """Wait for something to write, and return it with what waits beside it."""
        jobs = [self._queue.get()]
        with contextlib.suppress(queue.Empty):
            while len(jobs) < _MOST_AT_ONCE:
                jobs.append(self._queue.get_nowait())
        return [job for job in jobs if job is not None]

    def _write_batch(self, batch: Sequence[_Job]) -> None:
        """Write a batch by one commit, or each job by its own: one refused record is not to take others with it."""
        error = self._commit(batch)
        while _is_of_the_store(error) and not self._waits and not self._closing.is_set():
            record("error", "not-recorded-yet", reason=str(error), waiting=len(batch) + self.waiting)
            self._closing.wait(_PAUSE)
            error = self._commit(batch)
        if error and len(batch) > 1 and not _is_of_the_store(error):
            for job in batch:
                self._write_batch([job])
            return
        if error and not self._waits:
            _log_lost(len(batch), str(error) if isinstance(error, StoreError) else type(error).__name__)
        for job in batch:
            job.done.set_exception(error) if error else job.done.set_result(None)

    def _commit(self, batch: Sequence[_Job]) -> Exception | None:
        """Commit a batch, again if that failed for a reason that may pass soon; return why it is not committed."""
        started = time.perf_counter()
        try:
            rows = to_rows([one for job in batch for one in job.kept], self._cipher)
            self._inserter.insert(rows, is_failing=self._error is not None)
        except StoreError as error:
            self._learn(error)
            return error
        except Exception as error:
            return error
        self._learn(None)
        written = sum(1 for job in batch if job.kept)
        if written:
            self._watch(time.perf_counter() - started, written)
        return None

    def _learn(self, error: StoreError | None) -> None:
        """Note how the store is: one that refuses a record works."""
        self._error = error if _is_of_the_store(error) else None
        self._error_known_at = time.monotonic()


def _is_of_the_store(error: Exception | None) -> bool:
    """Tell whether the store failed, rather than what was to be written."""
    return isinstance(error, StoreError) and not isinstance(error, RefusedError)


def _log_lost(records: int, reason: str) -> None:
    record("error", "records-lost", records=records, reason=reason)
