"""A process that uses tokens, for tests of the replay guard: prints each one that it was the first to use.

Arguments: the store's URL, how many tokens, a seed for their order, the time.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

from cds_hooks.auth.replay_guard import ReplayGuard

if __name__ == "__main__":
    url, count, seed, now = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    guard = ReplayGuard(url, now=lambda: now)
    tokens = [f"token-{number}" for number in range(count)]
    random.Random(seed).shuffle(tokens)  # noqa: S311 (an order, not a secret)

    def use(token: str) -> None:
        if guard.first_use("https://ehr.example.org", token, now + 300):
            sys.stdout.write(f"{token}\n")
            sys.stdout.flush()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(use, tokens))
