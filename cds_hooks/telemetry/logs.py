"""Structured logs, one JSON object a line on standard error.

They hold no patient data: only the names, counts and codes that this package writes itself ever go in, never a value of
a request. `record` is the only way to write one.

Logging neither delays a call nor fails it, whatever becomes of standard error: `record` puts into a queue, and one
thread of each process writes. A record that finds too many waiting, or standard error closed, is dropped and counted;
once writing works again, `log-records-lost` says how many were. The thread rests a moment before it takes what came:
woken for each record, it took the interpreter from a call every time, which cost more than the writing.
"""

import logging
import os
import select
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Final, NamedTuple

import orjson

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

#: As many records wait to be written at most, some megabytes of them.
MOST_WAITING: Final = 10_000

#: As many are written at once at most, after the thread that writes has rested for so many seconds.
MOST_AT_ONCE: Final = 256
_REST: Final = 0.02

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
    if _LEVELS[level] >= _least:
        _queue.put(_Said(time.time(), level, event, facts))


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


class _Said(NamedTuple):
    """One record: when (seconds since 1970), how grave, what, and its facts."""

    at: float
    level: str
    event: str
    facts: Mapping[str, Any]

    def to_line(self) -> bytes:
        """Return the record as it is written."""
        time = datetime.fromtimestamp(self.at, UTC)
        fields = {"time": time, "level": self.level, "event": self.event, **self.facts}
        return orjson.dumps(fields, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


class _BoundedQueue(logging.Handler):
    """Passes records on to the thread that writes them, which starts with the first record of each process."""

    def __init__(self) -> None:
        super().__init__()
        self.renew()

    def renew(self) -> None:
        """Begin anew, in a process that was forked: the thread is the parent's, as is what waits."""
        self._waiting: SimpleQueue[_Said | Event] = SimpleQueue()
        self.lost = 0
        self._told = 0
        self._is_read = False
        self._lock = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Let a record of another package's logger wait its turn."""
        self.put(_Said(record.created, record.levelname.lower(), record.getMessage(), {"logger": record.name}))

    def put(self, said: _Said) -> None:
        """Let a record wait its turn, or drop it."""
        if not self._is_read:
            self._start()
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(said)
        else:
            self._lose(1)

    def drain(self) -> None:
        """Wait until what waits now is written, or patience ends."""
        if self._is_read:
            written = Event()
            self._waiting.put(written)
            written.wait(_PATIENCE)

    def _lose(self, records: int) -> None:
        with self._lock:
            self.lost += records

    def _start(self) -> None:
        with self._lock:
            if not self._is_read:
                # a daemon thread: one that hangs in a write delays no exit
                Thread(target=self._keep_writing, name="log", daemon=True).start()
                Finalize(None, self.drain, exitpriority=_LAST)
                self._is_read = True

    def _keep_writing(self) -> None:
        waiting = self._waiting
        while True:
            first = waiting.get()
            _rest()
            self._pass_on([first, *_take(waiting, MOST_AT_ONCE - 1)])
            while more := _take(waiting, MOST_AT_ONCE):
                self._pass_on(more)

    def _pass_on(self, taken: list[_Said | Event]) -> None:
        """Write some records, and let those know who wait for them."""
        lines, told = self._to_lines([said for said in taken if not isinstance(said, Event)])
        try:
            _write(b"".join(lines))
            self._told = told
        except Exception:
            self._lose(len(lines))
        for written in taken:
            if isinstance(written, Event):
                written.set()

    def _to_lines(self, records: list[_Said]) -> tuple[list[bytes], int]:
        """Return the lines of some records, each after how many were lost since that was said last, and how many
        that is by now; what cannot be written as JSON is lost, and nothing else."""
        lines: list[bytes] = []
        told = self._told
        for said in records:
            try:
                line = said.to_line()
            except Exception:
                self._lose(1)
                continue
            lost = self.lost
            lines.append(_report_loss(lost - told) + line if lost > told else line)
            told = lost
        return lines, told


def _rest() -> None:
    """Rest for so many seconds whatever becomes of the clock: `time.sleep` waits for a moment of it."""
    select.select((), (), (), _REST)


def _take(waiting: "SimpleQueue[_Said | Event]", most: int) -> list[_Said | Event]:
    """Return what waits, so many at most."""
    taken: list[_Said | Event] = []
    try:
        while len(taken) < most:
            taken.append(waiting.get_nowait())
    except Empty:
        pass
    return taken


def _report_loss(records: int) -> bytes:
    return _Said(time.time(), "warning", "log-records-lost", {"records": records}).to_line()


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
