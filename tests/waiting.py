"""Waiting for what another thread or process does, and failing where it does not: no test waits for good."""

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], object], seconds: float = 60) -> float:
    """Wait until something is so, and return how many seconds that took; AssertionError where it does not come."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < seconds, "what was waited for did not come"
        time.sleep(0.02)
    return time.monotonic() - begun
