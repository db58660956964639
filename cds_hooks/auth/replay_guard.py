"""Which tokens were used before (docs/clients.md, step 8): one table for all processes, in SQLite or PostgreSQL."""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Final

from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.statements import Statements

#: A row is removed so many seconds after its token expired, not at once: a clock that jumps forward for a while
#: must not open the way for tokens that will be valid again.
GRACE: Final = 3600.0

#: Rows are only removed by a clock that has run evenly for GRACE: it may differ from the monotonic one by so many
#: seconds. What jumps ahead, for a while or over a restart, removes nothing.
_EVEN: Final = 60.0

#: Expired rows are looked for this often, in seconds, and so many removed at a time.
_PURGE_EVERY: Final = 60.0
_PURGED_AT_ONCE: Final = 5000


class ReplayStoreError(Exception):
    """The store could not be asked; it cannot be told whether a token was used."""


class ReplayGuard:
    """Remembers used tokens until they expire, for all threads and processes of a deployment.

    A write is on disk for other processes to see when `first_use` returns, also if this one is killed. Should the
    power fail, SQLite may lose those of the last moment (`synchronous=NORMAL`).
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        may_migrate: bool = True,
    ) -> None:
        try:
            prepare(url, may_migrate)
        except StoreError as error:
            raise ReplayStoreError(str(error)) from None
        self._statements = Statements(connect(url, durable=False, each_alone=True))
        self._now = now
        self._steady = steady
        self._even_since = steady()
        self._offset = now() - self._even_since
        self._lock = threading.Lock()
        self._purge_at = 0.0

    def first_use(self, issuer: str, jti: str, until: float) -> bool:
        """Remember a token until a time (seconds since 1970), and say whether it was unknown; ReplayStoreError."""
        try:
            is_first = self._statements.run(_CLAIM, _digest(issuer, jti), until, self._now()) == 1
            if (before := self._purge_before()) is not None:
                self._statements.run(_PURGE, before, _PURGED_AT_ONCE)
        except StoreError as error:
            raise ReplayStoreError(str(error)) from None
        return is_first

    def close(self) -> None:
        """Close all connections."""
        self._statements.close()

    def _purge_before(self) -> float | None:
        """Return until when rows are to be removed now, or None where none are."""
        with self._lock:
            steady, now = self._steady(), self._now()
            if abs(now - steady - self._offset) > _EVEN:
                self._even_since, self._offset = steady, now - steady
            if steady < max(self._purge_at, self._even_since + GRACE):
                return None
            self._purge_at = steady + _PURGE_EVERY
            return now - GRACE


def _digest(issuer: str, jti: str) -> bytes:
    """Return a digest of both, with the length of the first, so that no two pairs are written alike."""
    first, second = (text.encode(errors="surrogatepass") for text in (issuer, jti))
    return hashlib.sha256(b"%d:%b%b" % (len(first), first, second)).digest()


#: Changes a row only for the first use, or the first after an expired one's.
_CLAIM: Final = """
    INSERT INTO used_tokens (digest, until) VALUES (?, ?)
    ON CONFLICT (digest) DO UPDATE SET until = excluded.until WHERE used_tokens.until < ?"""

_PURGE: Final = """
    DELETE FROM used_tokens WHERE digest IN (SELECT digest FROM used_tokens WHERE until < ? LIMIT ?)"""
