"""Writes records in the threads that have them: one of those that wait commits for all of them.

Who comes while nobody commits does so at once. Who comes meanwhile waits, and of those the first commits next, for all.
So no commit waits for a clock, the more come the more share one, and each thread commits once at the most. Before it
commits, a thread lets those go first that wait for the interpreter with an answer of their own: at 8 connections 2.7
writes share a commit for it instead of 2.0, and at 32 connections 10 instead of 8.
"""

import contextlib
import select
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.util import Finalize
from typing import Final

import sqlalchemy as sa

from cds_hooks.store.calls import CallRecord, Rows, to_rows
from cds_hooks.store.database import StoreError
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.hash_chain import HashChain
from cds_hooks.store.insertion import Inserter, RefusedError

#: As many writes share one commit.
MOST_AT_ONCE: Final = 256

#: As often a thread that leads lets others go first, as long as that brings one.
_MOST_YIELDS: Final = 8

#: The outcome of a commit says so many seconds long how the store is; then it is checked, if anybody asks.
_FRESH: Final = 5.0

#: Called after each commit: how many seconds it took, and how many writes shared it.
Watcher = Callable[[float, int], None]


class Write:
    """Something to write, all or none of it, and why it is not written; None once it is."""

    __slots__ = ("error", "kept", "leads", "turn")

    def __init__(self, kept: Sequence[CallRecord | Rows]) -> None:
        self.kept = kept
        self.error: Exception | None = StoreError("not-written")
        #: Held until the write is done, or its thread is the one to commit.
        self.turn = threading.Lock()
        self.turn.acquire()
        self.leads = False


class Writer:
    """Writes calls, and rows of other tables, for all threads of a process.

    A server may fork its workers after this was made: the connection is opened by the first write.
    """

    def __init__(
        self, engine: sa.Engine, cipher: RecordCipher, watch: Watcher = lambda _seconds, _writes: None
    ) -> None:
        self._inserter = Inserter(engine)
        self._inserting = threading.Lock()
        self._cipher = cipher
        self._watch = watch
        self._line = _Line()
        self._chain = HashChain()
        self._closes_at_end = False
        self._error: StoreError | None = None
        self._error_known_at = float("-inf")
        self._check: threading.Thread | None = None
        self._checked_at = float("-inf")

    @property
    def waiting(self) -> int:
        """How many writes wait for the commit after the one under way."""
        return len(self._line.waiting)

    def write(self, *kept: CallRecord | Rows) -> None:
        """Write all or none, and return when it is committed; StoreError where it is not."""
        write = Write(kept)
        batch = self._line.join(write)
        if batch:
            try:
                self.commit(batch)
            finally:
                self._line.leave(batch)
        if write.error:
            raise write.error

    def commit(self, batch: Sequence[Write]) -> None:
        """Commit some writes together, or each by itself: one that is refused is not to take others with it."""
        error = self._try(batch)
        if error and len(batch) > 1 and not is_of_the_store(error):
            for write in batch:
                self.commit([write])
            return
        for write in batch:
            write.error = error

    def fault(self) -> StoreError | None:
        """Return why the last commit failed; None where it did not. Where that is old news, the store is checked.

        Nobody waits for the check: who asks next learns of it.
        """
        now = time.monotonic()
        if now - self._error_known_at < _FRESH:
            return self._error
        if self._check and self._check.is_alive():
            return StoreError("no-answer") if now - self._checked_at > _FRESH else self._error
        self._check, self._checked_at = threading.Thread(target=self._check_store, name="store", daemon=True), now
        self._check.start()
        return self._error

    def close(self) -> None:
        """Close the connection, after the commit under way; the next write opens it again."""
        with self._inserting:
            self._inserter.close()

    def _check_store(self) -> None:
        with contextlib.suppress(Exception):
            self.write()

    def _try(self, batch: Sequence[Write]) -> Exception | None:
        """Commit a batch; return why that failed."""
        started = time.perf_counter()
        try:
            rows = to_rows([one for write in batch for one in write.kept], self._cipher)
            with self._inserting:
                self._close_at_end()
                self._insert(rows)
        except StoreError as error:
            self._learn(error)
            return error
        except Exception as error:
            return error
        self._learn(None)
        written = sum(1 for write in batch if write.kept)
        if written:
            self._watch(time.perf_counter() - started, written)
        return None

    def _insert(self, rows: Rows) -> None:
        """Insert rows with their link."""
        link = self._chain.next(rows, self._cipher)
        if link:
            rows["links"] = [link._asdict()]
        try:
            self._inserter.insert(rows, is_failing=self._error is not None)
        except BaseException:
            self._chain.break_off()
            raise
        self._chain.accept(link)

    def _close_at_end(self) -> None:
        """Close the connection at the end of worker processes too, where `atexit` does not."""
        if not self._closes_at_end:
            self._closes_at_end = True
            Finalize(None, self.close, exitpriority=0)

    def _learn(self, error: StoreError | None) -> None:
        """Note how the store is: one that refuses a record works."""
        self._error = error if is_of_the_store(error) else None
        self._error_known_at = time.monotonic()


class _Line:
    """The writes that wait, the first of which leads when the one who leads is done."""

    def __init__(self) -> None:
        self.waiting: list[Write] = []
        self._lock = threading.Lock()
        self._is_led = False

    def join(self, write: Write) -> list[Write]:
        """Wait until a write is done by another thread, or until this one leads: return what is to be committed."""
        with self._lock:
            self.waiting.append(write)
            write.leads = not self._is_led
            self._is_led = True
        if not write.leads:
            write.turn.acquire()
        if not write.leads:
            return []
        self._let_others_join()
        return self._take()

    def _let_others_join(self) -> None:
        """Give the interpreter to who waits for it, which then runs until it waits here; no time where none does."""
        for _ in range(_MOST_YIELDS):
            known = len(self.waiting)
            select.select((), (), (), 0)
            if len(self.waiting) == known:
                return

    def leave(self, batch: Sequence[Write]) -> None:
        """Let the first of those that wait lead, and those of a batch that is done go."""
        with self._lock:
            following = self.waiting[0] if self.waiting else None
            self._is_led = following is not None
        if following:
            following.leads = True
            following.turn.release()
        for write in batch[1:]:  # the first is of the thread that leads
            write.turn.release()

    def _take(self) -> list[Write]:
        with self._lock:
            batch = self.waiting[:MOST_AT_ONCE]
            del self.waiting[:MOST_AT_ONCE]
        return batch


def is_of_the_store(error: Exception | None) -> bool:
    """Tell whether the store failed, rather than what was to be written."""
    return isinstance(error, StoreError) and not isinstance(error, RefusedError)
