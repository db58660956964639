"""How often somebody may try to log in."""

import math
from typing import Final

from cds_hooks.auth.rate_limits import MemoryCounter, SharedCounter
from cds_hooks.settings import read_rate

#: Attempts by one address for one name, by one address, and for one name.
_RATES: Final = (("both", "8/5 minutes"), ("peer", "40/5 minutes"), ("name", "60/hour"))


class Attempts:
    """Counts attempts to log in: of each worker, or in the Valkey where calls are counted."""

    def __init__(self, store: str) -> None:
        self._counter = MemoryCounter() if store == "memory" else SharedCounter(store)
        self._rates = [(kind, read_rate(rate)) for kind, rate in _RATES]

    def count(self, peer: str, name: str) -> int:
        """Count an attempt; return the seconds to wait before another, 0 where this one is allowed."""
        about = {"both": f"{peer} {name}", "peer": peer, "name": name}
        waits = [self._counter.hit(rate, f"login:{kind}:{about[kind]}") for kind, rate in self._rates if rate]
        return math.ceil(max(waits))
