"""Cuts off clients that hold a connection too long: bodies that trickle in, answers that are not taken, silence.

granian has a limit of time for headers and idle connections only, and WSGI cannot give up a read. What the kernel knows
of each connection (TCP_INFO) is enough: a thread looks at all of them once a second, and costs calls nothing. Linux
only. Behind nginx or Caddy as docs/deployment.md sets them up nothing is left for it to do.

It stays because `crd serve` is documented to face the internet with TLS of its own. Without it stalled or trickling
uploads keep their threads for good, bodies that come too late are not answered, and answers that nobody takes hold
their connections. The sockets are reached by way of /proc because granian keeps them in Rust and hands none out; timing
each read of a body instead would still have to find its socket to end it, and sees no answer that is not taken.
"""

import errno
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from cds_hooks.telemetry.logs import record

#: Seconds between two looks.
_EVERY: Final = 1.0

#: Of Linux' `struct tcp_info`: ms since data was last sent and received, bytes received, bytes that the peer does not
#: take, and segments of data sent.
_INFO: Final = struct.Struct("=44xI4xI72xQ8xI8xI")

_OPEN_FILES: Final = "/proc/self/fd"
_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


class Sample(NamedTuple):
    """A connection at one moment: seconds since data was last sent and received; whether a request is surely under
    way, or the peer takes nothing of an answer."""

    sent: float
    received: float
    is_asking: bool = False
    is_clogged: bool = False


class Patience:
    """How long each connection has kept the server waiting. Both limits are in seconds."""

    def __init__(self, busy: float, idle: float) -> None:
        self._busy = busy
        self._idle = max(busy, idle)
        self._since: dict[str, float] = {}

    def find_late(self, samples: dict[str, Sample], now: float) -> set[str]:
        """Return which connections are late: one request or answer is under way too long, or nothing moves.

        A request is under way from the first sample with data that came after the last answer. What was sent and
        received in the same instant may be either; then nothing moves.
        """
        self._since = {name: self._start(name, one, now) for name, one in samples.items() if _is_busy(one)}
        late = {name for name, since in self._since.items() if now - since >= self._busy}
        return late | {name for name, one in samples.items() if min(one.sent, one.received) >= self._idle}

    def _start(self, name: str, sample: Sample, now: float) -> float:
        before = 0 if sample.is_clogged else min(sample.received, self._busy)
        since = self._since.get(name, now - before)
        return since if sample.is_clogged else max(since, now - sample.sent)


def _is_busy(sample: Sample) -> bool:
    return sample.is_asking or sample.is_clogged or sample.received < sample.sent


def watch(port: int, busy: float, idle: float) -> None:
    """Watch the connections of this process to its port, in a thread, for as long as it lives."""
    if not os.path.isdir(_OPEN_FILES):
        record("warning", "slow-clients-not-watched")
        return
    patience = Patience(busy, idle)
    threading.Thread(target=_watch, args=(port, patience), name="slow-clients", daemon=True).start()


def _watch(port: int, patience: Patience) -> None:
    cut: set[str] = set()
    while True:
        time.sleep(_EVERY)
        try:
            numbers = os.listdir(_OPEN_FILES)
        except OSError as error:  # no descriptor left, not even for this
            record("error", "slow-clients-not-seen", error=error.errno)
            continue
        seen = {name: (number, sample) for number in numbers for name, sample in _look(number, port)}
        late = patience.find_late({name: sample for name, (_, sample) in seen.items()}, time.monotonic())
        for name in late:
            number, sample = seen[name]
            _cut(number, name, is_final=name in cut or sample.is_clogged)
        if late - cut:
            record("info", "slow-clients-cut-off", connections=len(late - cut))
        cut = late


@contextmanager
def _socket(number: str) -> Iterator[socket.socket]:
    """Open a duplicate of a socket, which stays this one if its number is used again; OSError if it is none.

    No duplicate of a file is ever closed: that would give up all locks that this process has on the file (POSIX), and
    SQLite's with them; the next reader of the store would then take its journal away from under it. Should a file have
    come by the number just now, its duplicate stays open.
    """
    if not stat.S_ISSOCK(os.stat(f"{_OPEN_FILES}/{number}").st_mode):
        raise OSError(errno.ENOTSOCK, "not a socket")
    duplicate = os.dup(int(number))
    if not stat.S_ISSOCK(os.fstat(duplicate).st_mode):
        raise OSError(errno.ENOTSOCK, "not a socket any more")
    with socket.socket(fileno=duplicate) as connection:
        yield connection


def _look(number: str, port: int) -> Iterator[tuple[str, Sample]]:
    """Yield the name and the state of a client's connection; nothing for any other file."""
    with suppress(OSError), _socket(number) as connection:
        if connection.family in _FAMILIES and connection.getsockname()[1] == port:
            yield str(connection.getpeername()), _sample(connection)


def _sample(connection: socket.socket) -> Sample:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    if len(info) < _INFO.size:  # an old kernel
        return Sample(0, 0)
    sent, received, bytes_received, not_sent, segments = _INFO.unpack(info)
    return Sample(sent / 1000, received / 1000, bytes_received > 0 and segments == 0, not_sent > 0)


def _cut(number: str, name: str, is_final: bool) -> None:
    """End what comes in, so that the request can still be answered (408); finally what goes out, too."""
    with suppress(OSError), _socket(number) as connection:
        if str(connection.getpeername()) == name:
            connection.shutdown(socket.SHUT_RDWR if is_final else socket.SHUT_RD)
