"""`make bench-policies`: what deciding on an order costs under 3 policies and under 10,000, all binding one payer."""

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from cards import PayerChoice, PolicyIndex, Vocabulary, decide, read_order, read_payer, read_policy
from cds_hooks.rules.loading import load_vocabulary

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2026, 11, 23)
CPT = "http://www.ama-assn.org/go/cpt"
ORDERS = {
    "a code that a policy names": {"code": {"coding": [{"system": CPT, "code": "X0005"}], "text": "Service 5"}},
    "words that a policy names": {"code": {"text": "invented service 5"}},
    "none of our business": {"code": {"coding": [{"system": CPT, "code": "73721"}], "text": "MRI right knee"}},
    "a 2 kB note": {"code": {"text": "Injection"}, "note": [{"text": "Chronic low back pain, no red flags. " * 55}]},
}


#: How many policies there are, and how often each order is decided on under each of these: calls a round, and rounds.
_SIZES: Final = (3, 100, 1000, 10_000)
_CALLS: Final = 50
_ROUNDS: Final = 40

#: 10,000 policies may cost an order so many times what 3 do.
_MOST: Final = 1.1


def main() -> int:
    """Print microseconds of processor time per order and the ratio; exit 1 where many policies cost an order more."""
    vocabulary = load_vocabulary(ROOT / "cards" / "vocabulary")
    rules = [_rules(size, vocabulary) for size in _SIZES]
    gc.collect()
    gc.freeze()  # as a worker does
    print(f"{'microseconds per order':30}{''.join(f'{size:>10,}' for size in _SIZES)}   ratio")
    worst = 0.0
    for name, members in ORDERS.items():
        order = read_order({"resourceType": "ServiceRequest", "id": "o", **members}, vocabulary.code_systems)
        costs = _costs([partial(decide, order, paying, index, DAY) for index, paying in rules])
        ratio = costs[-1] / costs[0]
        worst = max(worst, ratio)
        print(f"{name:30}{''.join(f'{cost:>10.1f}' for cost in costs)}   {ratio:.2f}")
    return 0 if worst <= _MOST else 1


def _rules(size: int, vocabulary: Vocabulary) -> tuple[PolicyIndex, PayerChoice]:
    policies = [read_policy(policy(number), vocabulary) for number in range(4, 4 + size)]
    payer = read_payer(_payer([policy.id for policy in policies]), vocabulary.code_systems)
    return PolicyIndex(policies, vocabulary), PayerChoice(None, payer, payer_is_known=True)


def policy(number: int) -> dict[str, Any]:
    codes = [{"system": "CPT", "code": f"X{number:04}", "display": "d", "role": "definitive"}]
    codes += [{"system": "CPT", "code": f"Y{number:04}{n}", "display": "d", "role": "definitive"} for n in range(5)]
    reference = {"title": "t", "url": "https://plan.example.org", "retrieved": "2026-11-22"}
    version: dict[str, Any] = {
        "covered": "not-covered",
        "verdict": "v",
        "position": "P.",
        "codes": codes,
        "references": [reference],
    }
    version["terms"] = [f"invented service {number}"]
    known: Mapping[str, Any] = {"title": "t", "service": "s", "publisher": "p", "reviewed": "2026-11-22", "rights": "r"}
    return {"id": f"p-{number}", **known, "versions": {"2024-01-01": version}}


def _payer(policies: list[str]) -> dict[str, Any]:
    return {"id": "payer", "name": "Payer", "recognised-by": {}, "policies": policies}


def _costs(calls: Sequence[Callable[[], Any]]) -> list[float]:
    """Return what each call costs at its best, in µs; they take turns, so that the machine is the same to all."""
    best = [float("inf")] * len(calls)
    for _ in range(_ROUNDS):
        for number, call in enumerate(calls):
            began = time.process_time()
            for _ in range(_CALLS):
                call()
            best[number] = min(best[number], time.process_time() - began)
    return [cost / _CALLS * 1e6 for cost in best]


if __name__ == "__main__":
    sys.exit(main())
