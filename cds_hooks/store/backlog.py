"""Writes behind those who have records: they do not wait, and what waits in memory may be lost with its process."""

import contextlib
import queue
import threading
from collections.abc import Sequence
from multiprocessing.util import Finalize
from typing import Final

from cds_hooks.store.calls import CallRecord, Rows
from cds_hooks.store.database import PATIENCE, StoreError
from cds_hooks.store.writer import MOST_AT_ONCE, Write, Writer, is_of_the_store
from cds_hooks.telemetry.logs import record

#: As many writes wait at the most, beside those of the commit under way; then callers wait, and then they fail.
MOST_WAITING: Final = 5000

#: A commit that failed is tried again after so many seconds.
_PAUSE: Final = 0.5


class Backlog:
    """Writes by a thread of its own, which tries again until a commit succeeds or the process ends.

    The thread starts with the first write of a process: a server may fork its workers after this was made.
    """

    def __init__(self, writer: Writer, most_waiting: int = MOST_WAITING) -> None:
        self._writer = writer
        self._queue: queue.Queue[Write | None] = queue.Queue(most_waiting)  # None wakes the thread up
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def waiting(self) -> int:
        """How many writes wait for their commit."""
        return self._queue.qsize()

    def write(self, *kept: CallRecord | Rows) -> None:
        """Take something to write, all or none of it; StoreError where too much waits already."""
        try:
            self._queue.put(Write(kept), timeout=PATIENCE)
        except queue.Full:
            raise StoreError("queue-full") from None
        self._start()

    def fault(self) -> StoreError | None:
        """Return why the last commit failed; None where it did not."""
        return self._writer.fault()

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
                record("error", "records-lost", records=self.waiting, reason="not-written-in-time")
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
                # Before the connection closes; what runs at the end of worker processes too, where `atexit` does not.
                Finalize(None, self.close, exitpriority=1)

    def _work(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            self._write_all(self._next_batch())
        self._writer.close()

    def _next_batch(self) -> list[Write]:
        """Wait for something to write, and return it with what waits beside it."""
        writes = [self._queue.get()]
        with contextlib.suppress(queue.Empty):
            while len(writes) < MOST_AT_ONCE:
                writes.append(self._queue.get_nowait())
        return [write for write in writes if write is not None]

    def _write_all(self, batch: Sequence[Write]) -> None:
        """Write a batch, again and again while the store fails; what it refuses is lost."""
        while batch:
            self._writer.commit(batch)
            _log_lost([write for write in batch if write.error and not is_of_the_store(write.error)])
            batch = [write for write in batch if is_of_the_store(write.error)]
            if batch and self._closing.is_set():
                _log_lost(batch)
                return
            if batch:
                record("error", "not-recorded-yet", reason=str(batch[0].error), waiting=len(batch) + self.waiting)
                self._closing.wait(_PAUSE)


def _log_lost(writes: Sequence[Write]) -> None:
    if writes:
        error = writes[0].error
        reason = str(error) if isinstance(error, StoreError) else type(error).__name__
        record("error", "records-lost", records=len(writes), reason=reason)
