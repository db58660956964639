"""How often a caller may call: in any stretch of time as long as the rate's, never more calls than the rate says.

Calls that all workers share are counted in Valkey or Redis by `limits` (its moving window). Those of one worker are
counted here: the memory storage of `limits` (5.8) keeps every address for good, starts a thread up to a hundred times
a second that goes through all of them (a third of a processor with 50,000), and has no clock that a test can turn.
"""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final, Protocol

from limits import RateLimitItem
from limits.errors import ConfigurationError, StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from cds_hooks.errors import StartError, ThrottledError
from cds_hooks.settings import read_rate
from cds_hooks.telemetry import metrics
from cds_hooks.telemetry.logs import record

#: Seconds that Valkey may take to connect, or to answer; and for which it is left alone after it did not.
_TIMEOUT: Final = 0.2
_REST: Final = 5.0

#: So many callers are counted in memory (some 800 bytes for each that calls seldom); with more, the one that has not
#: called for longest is forgotten.
_MOST_CALLERS: Final = 50_000


class Counter(Protocol):
    """Counts calls."""

    def hit(self, rate: RateLimitItem, key: str) -> float:
        """Count one call that is within the rate, and return 0; else return the seconds to wait before another."""


class _Calls:
    """The last calls of one caller: as many as its rate allows in so many seconds."""

    __slots__ = ("rate", "seconds", "times")

    def __init__(self, rate: RateLimitItem) -> None:
        self.rate = rate
        self.seconds = rate.get_expiry()
        self.times: deque[float] = deque(maxlen=rate.amount)

    def waiting(self, now: float) -> float:
        """Return the seconds until the first of as many calls as the rate allows counts no more."""
        times = self.times
        return max(times[0] + self.seconds - now, 0) if len(times) == times.maxlen else 0


class MemoryCounter:
    """Counts the calls to one process: of each caller, when its last ones came, as many as its rate allows.

    A caller whose rate changes begins anew.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._calls: OrderedDict[str, _Calls] = OrderedDict()

    def hit(self, rate: RateLimitItem, key: str) -> float:
        """Count one call that is within the rate, and return 0; else return the seconds to wait before another."""
        now = self._now()
        with self._lock:
            self._forget(now)
            calls = self._calls.get(key)
            if calls is None or (calls.rate is not rate and calls.rate != rate):
                calls = self._calls[key] = _Calls(rate)
            self._calls.move_to_end(key)
            waiting = calls.waiting(now)
            if not waiting:
                calls.times.append(now)
        return waiting

    def wait(self, rate: RateLimitItem, key: str) -> float:
        """Return the seconds to wait before a call, without counting one."""
        with self._lock:
            calls = self._calls.get(key)
            return calls.waiting(self._now()) if calls and calls.rate == rate else 0

    def _forget(self, now: float) -> None:
        """Forget up to two who have not called for longest: their calls count no more, or callers are too many."""
        for key, calls in list(islice(self._calls.items(), 2)):
            if now >= calls.times[-1] + calls.seconds or len(self._calls) >= _MOST_CALLERS:
                del self._calls[key]


class SharedCounter:
    """Counts in Valkey or Redis; in memory while that fails, so that calls are answered all the same."""

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        self._store = _open(url)
        self._limiter = MovingWindowRateLimiter(self._store)
        self._memory = MemoryCounter(now)
        self._now = now
        self._lock = threading.Lock()
        self._is_lost = False
        self._rest_until = 0.0

    def hit(self, rate: RateLimitItem, key: str) -> float:
        """Count one call that is within the rate, and return 0; else return the seconds to wait before another."""
        if self._is_lost and not self._may_try():
            return self._memory.hit(rate, key)
        try:
            waiting = 0.0 if self._limiter.hit(rate, key) else self._remaining(rate, key)
        except (StorageError, OSError) as error:
            self._lose(error)
            return self._memory.hit(rate, key)
        if self._is_lost:
            self._is_lost = False
            record("info", "rate-store-back")
        return waiting

    def _remaining(self, rate: RateLimitItem, key: str) -> float:
        return max(self._limiter.get_window_stats(rate, key).reset_time - time.time(), 0.001)

    def _may_try(self) -> bool:
        """Whether to ask the store again: one caller does after each rest, the others need not wait for it."""
        with self._lock:
            if self._now() < self._rest_until:
                return False
            self._rest_until = self._now() + _REST
            return True

    def _lose(self, error: Exception) -> None:
        with self._lock:
            is_news, self._is_lost = not self._is_lost, True
            self._rest_until = self._now() + _REST
        if is_news:
            cause = error.storage_error if isinstance(error, StorageError) else error
            record("warning", "rate-store-lost", error=type(cause).__name__)


def _open(url: str) -> RedisStorage:
    """Return the store at a URL; it need not be there yet."""
    url = url.replace("valkeys://", "rediss://", 1).replace("valkey://", "redis://", 1)
    try:
        from redis.backoff import NoBackoff  # an extra of this package
        from redis.retry import Retry

        options: dict[str, Any] = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT}
        options["retry"] = Retry(NoBackoff(), 0)
        return RedisStorage(url, key_prefix="crd", wrap_exceptions=True, **options)
    except (ImportError, ConfigurationError):
        raise StartError("CRD_RATE_STORE: needs the package with its extra: pip install 'crd-server[valkey]'") from None
    except ValueError:
        raise StartError("CRD_RATE_STORE: no URL of a Valkey or Redis") from None


class Rates:
    """The limits of one deployment: of registered clients by their id, of anybody else by address."""

    def __init__(self, rate: RateLimitItem | None, counter: Counter) -> None:
        self._rate = rate
        self._counter = counter
        self._failures = MemoryCounter()

    def count_client(self, client: str, rate: RateLimitItem | None) -> None:
        """Count a call of a client that has proven who it is, by the rate of its own or else the common one."""
        _refuse(self._counter, rate or self._rate, f"client:{client}", client)

    def count_peer(self, peer: str) -> None:
        """Count a call of a caller that has not."""
        _refuse(self._counter, self._rate, f"peer:{peer}", "anonymous")

    def count_failure(self, peer: str) -> None:
        """Count a call whose token was no good; only in memory, to be quick to look at."""
        if self._rate:
            self._failures.hit(self._rate, peer)

    def refuse_failing(self, peer: str) -> None:
        """Raise ThrottledError for an address that has sent too many bad tokens, before another is looked at."""
        waiting = self._failures.wait(self._rate, peer) if self._rate else 0
        if waiting:
            metrics.refused_for_rate("unknown")
            raise ThrottledError(math.ceil(waiting))


def _refuse(counter: Counter, rate: RateLimitItem | None, key: str, client: str) -> None:
    waiting = counter.hit(rate, key) if rate else 0
    if waiting:
        metrics.refused_for_rate(client)
        raise ThrottledError(max(math.ceil(waiting), 1))


def open_rates(rate: str, store: str) -> Rates:
    """Return the limits as the settings CRD_RATE and CRD_RATE_STORE say; StartError where they cannot be."""
    return Rates(read_rate(rate), MemoryCounter() if store == "memory" else SharedCounter(store))
