"""`make bench-micro`: what the parts of an answer cost one by one, in microseconds, each in processes of its own.

By pyperf, which calibrates, warms up, repeats in fresh processes and says when a figure is not stable; unlike a plugin
of pytest it is no part of the tests. Options are pyperf's: make bench-micro MICRO='--fast -o after.json', then
`python -m pyperf compare_to before.json after.json --table`.
"""

import os
import tempfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyperf

from benchmarks.bodies import sign
from benchmarks.members import COUNT, write_members
from benchmarks.services import ROOT
from cards import PayerChoice, decide, read_order
from cds_hooks.answering.answer import answer_hook
from cds_hooks.app import create_deployment
from cds_hooks.hooks.services import SERVICES
from cds_hooks.rules.loading import load_rules
from cds_hooks.settings import read_settings

DAY = date(2026, 11, 23)


def main() -> None:
    """Run the benchmarks; pyperf starts this module anew for each of its processes."""
    runner = pyperf.Runner(processes=6, program_args=("-m", "benchmarks.micro"))
    data = ROOT / "cards"
    rules = load_rules(data / "vocabulary", data / "policies", data / "payers")
    systems = rules.vocabulary.code_systems
    payer = next(one for one in rules.payers.payers if one.id == "example-health-plan")
    paying = PayerChoice(None, payer, payer_is_known=True)
    for name, resource in _orders().items():
        order = read_order(resource, systems)
        runner.bench_func(f"read: {name}", partial(read_order, resource, systems))
        runner.bench_func(f"decide: {name}", partial(decide, order, paying, rules.index, DAY))
    deployment = create_deployment(read_settings())
    service = next(one for one in SERVICES if one.hook == "order-sign")
    for name, body in {
        "1 order": sign(),
        "20 orders": sign(20),
        "20 orders, no policy": sign(20, matched=False),
    }.items():
        runner.bench_func(f"answer: {name}", partial(answer_hook, service, body, deployment, rules))
    asking = create_deployment(read_settings(members="database", database_url=_members()))
    name = f"answer: 1 order, its member looked up among {COUNT:,}"
    runner.bench_func(name, partial(answer_hook, service, sign(), asking, rules))


def _members() -> str:
    """Return a database of members, the patient of the benchmarks among them; made once and kept for all processes."""
    path = Path(tempfile.gettempdir()) / f"crd-bench-members-{os.getuid()}.sqlite3"
    url = f"sqlite:///{path}"
    if path.exists():
        return url
    write_members(url)
    return url


def _orders() -> dict[str, dict[str, Any]]:
    """Return orders by what they show."""
    kinds = {
        "a code that a policy names": sign(),
        "a code that none names": sign(matched=False),
        "a note of 1 kB": sign(note=1_000),
        "a note of 100 kB": sign(note=100_000),
    }
    return {name: orjson.loads(body)["context"]["draftOrders"]["entry"][0]["resource"] for name, body in kinds.items()}


if __name__ == "__main__":
    main()
