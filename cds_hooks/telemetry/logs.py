"""Structured logs, one JSON object a line on standard error.

They hold no patient data: only the names, counts and codes that this package writes itself ever go in, never a value of
a request. `record` is the only way to write one.

Logging neither delays a call nor fails it, whatever becomes of standard error: `record` puts into a bounded queue, and
one thread of each process writes. A record that finds the queue full, or standard error closed, is dropped and counted;
once writing works again, `log-records-lost` says how many were. The parts are those of Python's logging, but for the
way in: a bare LogRecord in the queue costs a call 4.7 µs (5.2 when each call wrote for itself), `Logger.info` and
`QueueHandler.prepare` as they come 12.8 µs, structlog's chain of processors more.
"""

import logging
import os
import select
import sys
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from multiprocessing.util import Finalize
from queue import Full, Queue
from threading import Lock
from typing import Any, Final

import orjson

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

#: As many records wait to be written at most, some megabytes of them.
MOST_WAITING: Final = 10_000

#: A process that ends gives its last records so many seconds to be written.
_PATIENCE: Final = 1.0

_STDERR: Final = 2

#: Where a process was started without standard error, its number belongs to whatever the process opened next.
_HAS_STDERR: Final = sys.__stderr__ is not None

#: After the finalizers of all other parts, which may have something to say.
_LAST: Final = -100

_least = _LEVELS["info"]


def configure(level: str) -> None:
    """Write only records of at least this level."""
    global _least
    _least = _LEVELS[level]


def record(level: str, event: str, **facts: Any) -> None:
    """Write one record. `facts` must be names, counts, codes and durations only."""
    number = _LEVELS[level]
    if number >= _least:
        said = logging.LogRecord("cds_hooks", number, "", 0, event, None, None)
        said.facts = facts
        _queue.emit(said)


def flush() -> None:
    """Wait until all records so far are written, but not for long."""
    _queue.drain()


def lost() -> int:
    """Return how many records of this process were dropped so far."""
    return _queue.lost


def queue_handler() -> logging.Handler:
    """Return the handler by which other packages' loggers write in the same way; their texts must be known."""
    return _queue


class IntendedThreads(logging.Filter):
    """Drops granian's advice to have fewer threads: here most of them wait for FHIR servers (`make bench-fetch`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written."""
        return not record.getMessage().startswith("Configuration allows spawning up to")


def where(error: Exception) -> str | None:
    """Return the file and line that an error comes from, which name no patient; its text might."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else None


def _to_line(said: logging.LogRecord) -> bytes:
    time = datetime.fromtimestamp(said.created, UTC)
    facts = getattr(said, "facts", None)
    more = facts if facts is not None else {"logger": said.name}
    fields = {"time": time, "level": said.levelname.lower(), "event": said.getMessage(), **more}
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z)


class _BoundedQueue(QueueHandler):
    """Passes records on to the thread that writes them, which starts with the first record of each process."""

    queue: "Queue[logging.LogRecord]"

    def __init__(self) -> None:
        super().__init__(Queue(MOST_WAITING))
        self.renew()

    def renew(self) -> None:
        """Begin anew, in a process that was forked: the thread is the parent's, as is what waits."""
        self.queue = Queue(MOST_WAITING)
        self.lost = 0
        self._listener: QueueListener | None = None
        self._lock = Lock()

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record as it is: it stays in this process, and nothing of it changes any more."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Let the record wait its turn, or drop it."""
        if self._listener is None:
            self._listen()
        try:
            self.queue.put_nowait(record)
        except Full:
            self.lose()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own names
        """Count a record that could not wait, such as one from the very end of the process."""
        self.lose()

    def lose(self) -> None:
        """Count a record that was dropped."""
        with self._lock:
            self.lost += 1

    def drain(self) -> None:
        """Wait until nothing waits any more, or patience ends."""
        if self._listener:
            with self.queue.all_tasks_done:
                self.queue.all_tasks_done.wait_for(lambda: not self.queue.unfinished_tasks, _PATIENCE)

    def _listen(self) -> None:
        with self._lock:
            if self._listener is None:
                listener = QueueListener(self.queue, _Stderr(self))
                listener.start()  # a daemon thread: one that hangs in a write delays no exit
                Finalize(None, self.drain, exitpriority=_LAST)
                self._listener = listener


class _Stderr(logging.Handler):
    """Writes records to standard error; nothing but the listener's thread waits for it."""

    def __init__(self, queue: _BoundedQueue) -> None:
        super().__init__()
        self._queue = queue
        self._told = 0

    def createLock(self) -> None:  # noqa: N802 - logging's own name
        """Have none: `logging.shutdown` would wait for a write that hangs."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record; it is the listener's thread alone that calls this."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, and before it how many were lost since this was said last."""
        try:
            lines = [_to_line(record), b""]
            lost = self._queue.lost
            if lost > self._told:
                lines.insert(0, _to_line(_report_loss(lost - self._told)))
            _write(b"\n".join(lines))
            self._told = lost
        except Exception:  # whatever it is, the next record is written
            self._queue.lose()


def _report_loss(records: int) -> logging.LogRecord:
    said = logging.LogRecord("cds_hooks", _LEVELS["warning"], "", 0, "log-records-lost", None, None)
    said.facts = {"records": records}
    return said


def _write(text: bytes) -> None:
    """Write past Python's buffer, whose lock a forked process might inherit held; OSError where nobody reads."""
    if not _HAS_STDERR:
        raise OSError
    while text:
        try:
            text = text[os.write(_STDERR, text) :]
        except BlockingIOError:  # whoever shares it made it so
            select.select((), (_STDERR,), ())


_queue: Final = _BoundedQueue()
os.register_at_fork(after_in_child=_queue.renew)
