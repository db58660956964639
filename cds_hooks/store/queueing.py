"""Writes records after the answer left, for those who would rather lose the last ones of a killed process."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.util import Finalize
from typing import Final

from cds_hooks.store.calls import CallRecord, Rows
from cds_hooks.store.database import PATIENCE, StoreError
from cds_hooks.store.writer import State, Writer
from cds_hooks.telemetry.logs import record

#: As many records wait at the most; then callers wait too, and then nothing is answered that is not kept.
MOST_WAITING: Final = 5000

#: A store that fails is tried again after so many seconds.
_REST: Final = 0.5


class QueuedWriter:
    """Writes records by a thread of its own; what waits is written before the process ends."""

    def __init__(self, writer: Writer, most_waiting: int = MOST_WAITING) -> None:
        self._writer = writer
        self._most = most_waiting
        self._changed = threading.Condition()
        self._waiting: deque[CallRecord | Rows] = deque()
        self._thread: threading.Thread | None = None
        self._ends = False

    @property
    def state(self) -> State:
        """What can be seen from outside."""
        return State(len(self._waiting), self._writer.state.failures)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Tell that a call is being answered; nobody waits for it here."""
        yield

    def write(self, *kept: CallRecord | Rows) -> None:
        """Take something to write later; StoreError where too much waits for a store that does not take it."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._waiting) < self._most, PATIENCE):
                raise StoreError("queue-full")
            self._waiting.extend(kept)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="store", daemon=True)
                self._thread.start()
                # What runs at the end of worker processes too, where `atexit` does not.
                Finalize(None, self.close, exitpriority=0)
            self._changed.notify_all()

    def close(self) -> None:
        """Write what waits, or say how much is lost, and close the connection."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(2 * PATIENCE)
        if self._waiting:
            record("error", "records-lost", records=len(self._waiting))
        self._writer.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ends)
                if not self._waiting:
                    return
                batch = list(self._waiting)[:256]
            try:
                self._writer.write(*batch)
            except StoreError as error:
                record("error", "not-recorded-yet", reason=str(error), waiting=len(self._waiting))
                if self._ends:
                    return
                time.sleep(_REST)
                continue
            with self._changed:
                for _ in batch:
                    self._waiting.popleft()
                self._changed.notify_all()
