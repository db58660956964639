"""Looks up the addresses of host names, where a name server that is silent holds up only those who ask for its names.

The system's own look-up (getaddrinfo) knows no time limit, so each runs in a thread of its own that is left behind at
the deadline. Whoever calls a hook chooses names, so look-ups that hang are taken for an attack: a name is looked up
once at a time for all who ask, names of one domain have only a part of the threads, and names that were found before
are looked up whatever hangs.
"""

import socket
import threading
from collections import Counter
from concurrent.futures import Future
from typing import Any, Final

from cds_hooks.outbound.places import domain_of, is_address
from cds_hooks.outbound.problems import FetchError, Problem

SocketAddress = tuple[socket.AddressFamily, tuple[Any, ...]]

#: As many names are looked up at a time, and as many of one domain.
MOST_LOOK_UPS: Final = 64
MOST_OF_A_DOMAIN: Final = 8

#: As many names are remembered as found before.
_MOST_KNOWN: Final = 256


class Resolver:
    """Looks up names; one for all threads. Those who must not hold up each other have one each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[list[SocketAddress]]] = {}
        self._of_domain: Counter[str] = Counter()
        self._found_before: dict[str, None] = {}

    def look_up(self, host: str, port: int, seconds: float) -> list[SocketAddress]:
        """Return the addresses of a host; TOO_LATE where that takes longer, BUSY where too many names take long."""
        if is_address(host):
            return _ask_system(host, port)
        try:
            return self._join(host, port).result(timeout=max(seconds, 0.0))
        except TimeoutError:
            raise FetchError(Problem.TOO_LATE) from None

    def _join(self, host: str, port: int) -> Future[list[SocketAddress]]:
        """Return the look-up of a name that is under way, or begin one."""
        with self._lock:
            already = self._under_way.get((host, port))
            if already is not None:
                return already
            if not self._may_begin(host):
                raise FetchError(Problem.BUSY)
            answer: Future[list[SocketAddress]] = Future()
            # A daemon: a look-up that hangs must not keep the process from ending.
            thread = threading.Thread(target=self._run, args=(host, port, answer), name="look-up", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads
                raise FetchError(Problem.BUSY) from None
            self._under_way[host, port] = answer
            self._of_domain[domain_of(host)] += 1
            return answer

    def _may_begin(self, host: str) -> bool:
        is_full = self._of_domain.total() >= MOST_LOOK_UPS or self._of_domain[domain_of(host)] >= MOST_OF_A_DOMAIN
        is_under_way = any(host == other for other, _ in self._under_way)  # with another port
        return not is_full or (host in self._found_before and not is_under_way)

    def _run(self, host: str, port: int, answer: Future[list[SocketAddress]]) -> None:
        found: list[SocketAddress] = []
        error: Exception | None = None
        try:
            found = _ask_system(host, port)
        except Exception as failed:  # whatever it is, those who wait are told of it
            error = failed
        with self._lock:
            del self._under_way[host, port]
            self._of_domain -= Counter([domain_of(host)])
            if found:
                self._remember(host)
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(found)

    def _remember(self, host: str) -> None:
        self._found_before.pop(host, None)
        self._found_before[host] = None
        if len(self._found_before) > _MOST_KNOWN:
            del self._found_before[next(iter(self._found_before))]


def _ask_system(host: str, port: int) -> list[SocketAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]
