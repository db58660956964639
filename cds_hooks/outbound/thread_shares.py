"""Shares the threads of a process among the servers they wait for, so that a slow one leaves some for the others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from cds_hooks.outbound.places import Place
from cds_hooks.outbound.problems import FetchError, Problem

#: For one server as many threads may wait as this times those that stay free: of 14 it gets 9 where nothing else waits.
#: (The dynamic threshold of shared packet buffers: Choudhury and Hahne, IEEE/ACM Trans. on Networking 6(2), 1998.)
_SHARE_OF_A_SERVER: Final = 2

#: For all servers of one domain, since whoever has a domain can name any number of servers: of 14 they get 11.
_SHARE_OF_A_DOMAIN: Final = 4

#: One thread of so many, but one at the least, never waits for a server: calls that read nothing find it.
_ONE_RESERVED_OF: Final = 8


class ThreadShares:
    """The threads that wait, by server and by domain; `threads` are those of the process."""

    def __init__(self, threads: int) -> None:
        self._most = max(threads - max(threads // _ONE_RESERVED_OF, 1), 1)
        self._lock = Lock()
        self._total = 0
        self._waiting: Counter[str] = Counter()

    def __len__(self) -> int:
        """The threads that wait now."""
        return self._total

    @contextmanager
    def hold(self, server: Place) -> Iterator[None]:
        """Let this thread wait for a server; BUSY at once where the server, or its domain, has its share already."""
        both = (server.origin, f"domain {server.domain}")
        with self._lock:
            if not self._may_wait(*both):
                raise FetchError(Problem.BUSY)
            self._total += 1
            self._waiting.update(both)
        try:
            yield
        finally:
            with self._lock:
                self._total -= 1
                self._waiting -= Counter(both)

    def _may_wait(self, server: str, domain: str) -> bool:
        """Tell whether one more may wait for a server; the first of a domain may as long as any thread is free."""
        stay_free = self._most - self._total - 1
        is_in_share = (
            self._waiting[server] < _SHARE_OF_A_SERVER * stay_free
            and self._waiting[domain] < _SHARE_OF_A_DOMAIN * stay_free
        )
        return is_in_share or (stay_free >= 0 and domain not in self._waiting)
