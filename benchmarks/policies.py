"""`make bench-policies`: what deciding on an order costs under 3 policies and under 10,000, all binding one payer."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from cards import PayerChoice, PolicyIndex, decide, read_order, read_payer, read_policy
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


def main() -> int:
    """Print microseconds per order and the ratio; exit 1 where 10,000 policies cost an order twice what 3 do."""
    vocabulary = load_vocabulary(ROOT / "cards" / "vocabulary")
    costs: dict[str, list[float]] = {name: [] for name in ORDERS}
    sizes = (3, 100, 1000, 10_000)
    for size in sizes:
        policies = [read_policy(policy(number), vocabulary) for number in range(4, 4 + size)]
        index = PolicyIndex(policies, vocabulary)
        payer = read_payer(_payer([policy.id for policy in policies]), vocabulary.code_systems)
        paying = PayerChoice(None, payer, payer_is_known=True)
        for name, members in ORDERS.items():
            order = read_order({"resourceType": "ServiceRequest", "id": "o", **members}, vocabulary.code_systems)
            costs[name].append(_cost(partial(decide, order, paying, index, DAY)))
    columns = "".join(f"{size:>10,}" for size in sizes)
    print(f"{'microseconds per order':30}{columns}   ratio")
    worst = 0.0
    for name, values in costs.items():
        worst = max(worst, values[-1] / values[0])
        columns = "".join(f"{value:>10.1f}" for value in values)
        print(f"{name:30}{columns}   {values[-1] / values[0]:.2f}")
    return 0 if worst < 2 else 1


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


def _cost(call: Callable[[], Any]) -> float:
    call()
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(200):
            call()
        best = min(best, time.perf_counter() - start)
    return best / 200 * 1e6


if __name__ == "__main__":
    sys.exit(main())
