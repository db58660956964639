"""The keys that clients publish, kept for a while: bounded, fetched by one thread, served stale in an outage."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cds_hooks.auth.jwk import Key, KeySet, KeySetError, Style, read_key_set
from cds_hooks.auth.jwks_fetch import Fetched, JwksFetchError
from cds_hooks.telemetry.logs import record
from cds_hooks.telemetry.metrics import fetched_keys

#: A document is kept for as long as its server says (`Cache-Control: max-age`) within these bounds, in seconds.
SHORTEST: Final = 5 * 60.0
LONGEST: Final = 24 * 3600.0

#: Keys that cannot be fetched anew are good for so many seconds after they were fetched.
STALE: Final = 24 * 3600.0

#: After a `kid` was not found in a fresh document, no other unknown one causes a fetch for so many seconds.
PATIENCE: Final = 30.0

#: After a fetch failed, none is tried for so many seconds.
REST: Final = 10.0

#: Documents of as many URLs are kept; only registered ones are ever asked for.
MOST_URLS: Final = 1024


class _Document:
    """What is known of one URL; all times are of the cache's clock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.keys: KeySet | None = None
        self.fetched = 0.0
        self.fresh_until = 0.0
        self.no_fetch_before = float("-inf")
        self.no_search_before = float("-inf")

    def keys_at(self, now: float) -> KeySet | None:
        """Return the keys, unless there are none or they are too old to be believed."""
        return self.keys if self.keys is not None and now < max(self.fetched + STALE, self.fresh_until) else None

    def is_due(self, kid: str, now: float) -> bool:
        """Whether to fetch: nothing fresh is here, or a `kid` that was not asked for in vain lately."""
        if now < self.no_fetch_before:
            return False
        is_fresh = self.keys is not None and now < self.fresh_until
        return not is_fresh or (kid not in (self.keys or {}) and now >= self.no_search_before)


class KeyCache:
    """Keys by URL and `kid`, for all threads of a process."""

    def __init__(self, fetch: Callable[[str], Fetched], now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._documents: OrderedDict[tuple[str, Style], _Document] = OrderedDict()

    def find(self, url: str, kid: str, style: Style = "jwks") -> tuple[Key, ...] | None:
        """Return the keys with this `kid` at a registered URL; None where its document cannot be had.

        A thread that knows the key does not wait for another one that fetches.
        """
        document = self._document(url, style)
        keys = document.keys_at(self._now())
        is_known = keys is not None and kid in keys
        if document.is_due(kid, self._now()) and document.lock.acquire(blocking=not is_known):
            try:
                self._refresh(document, url, kid, style)
            finally:
                document.lock.release()
        keys = document.keys_at(self._now())
        return None if keys is None else keys.get(kid, ())

    def _document(self, url: str, style: Style) -> _Document:
        with self._lock:
            document = self._documents.setdefault((url, style), _Document())
            if len(self._documents) > MOST_URLS:
                self._documents.popitem(last=False)
            return document

    def _refresh(self, document: _Document, url: str, kid: str, style: Style) -> None:
        """Fetch, unless the thread that had the lock before did."""
        if not document.is_due(kid, self._now()):
            return
        try:
            fetched = self._fetch(url)
            keys = read_key_set(fetched.body, style)
        except (JwksFetchError, KeySetError) as error:
            document.no_fetch_before = self._now() + REST
            record("warning", "jwks-not-fetched", url=url, reason=str(error))
            fetched_keys(error.reason if isinstance(error, JwksFetchError) else "no-key-set")
            return
        fetched_keys("fetched")
        now = self._now()
        age = SHORTEST if fetched.max_age is None else min(max(fetched.max_age, SHORTEST), LONGEST)
        document.keys, document.fetched, document.fresh_until = keys, now, now + age
        if kid not in keys:
            document.no_search_before = now + PATIENCE
