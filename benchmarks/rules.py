"""Rules of very different size for one payer: 3 policies and 10,000, 10 codes and 50,000. The orders are the same."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.bodies import sign
from benchmarks.policies import CPT, policy
from benchmarks.services import ROOT, Plan

#: The numbers of the invented policies begin here; the first ones are there whatever the size.
_FIRST: Final = 4
_ORDERS: Final = 20

POLICIES: Final = {"3 policies": 3, "10,000 policies": 10_000}
CODES: Final = {"10 codes": 10, "50,000 codes": 50_000}


def plans(folder: Path, checkout: Path) -> list[Plan]:
    """Return services under rules of each size; nothing is recorded, so that it is the orders that are measured."""
    made = [(name, [policy(number) for number in _numbers(count)]) for name, count in POLICIES.items()]
    made += [(name, [_with_codes(count)]) for name, count in CODES.items()]
    return [Plan(name, _write(folder / str(n), its), checkout=checkout) for n, (name, its) in enumerate(made)]


def request() -> bytes:
    """Return a request of 20 orders of services that the first policy names."""
    document: dict[str, Any] = json.loads(sign(_ORDERS))
    coding = {"system": CPT, "code": f"X{_FIRST:04}"}
    for entry in document["context"]["draftOrders"]["entry"]:
        entry["resource"]["code"] = {"coding": [coding], "text": f"Service {_FIRST}"}
    return json.dumps(document, separators=(",", ":")).encode()


def _numbers(count: int) -> range:
    return range(_FIRST, _FIRST + count)


def _with_codes(count: int) -> dict[str, Any]:
    """Return the first policy with so many codes."""
    made = policy(_FIRST)
    codes = made["versions"]["2024-01-01"]["codes"]
    codes += [{**codes[0], "code": f"Z{number:06}"} for number in range(count - len(codes))]
    return made


def _write(folder: Path, policies: list[dict[str, Any]]) -> dict[str, str]:
    """Write rules in which the example's payer is bound by all of these policies; return the settings for them."""
    shutil.copytree(ROOT / "cards" / "vocabulary", folder / "vocabulary")
    for one in policies:
        (folder / "policies" / one["id"]).mkdir(parents=True)
        (folder / "policies" / one["id"] / "policy.json").write_text(json.dumps(one))
    payer = json.loads((ROOT / "cards" / "payers" / "example-health-plan.json").read_bytes())
    payer["policies"] = [one["id"] for one in policies]
    for about_others in ("policy-links", "policy-contacts"):
        payer.pop(about_others, None)
    (folder / "payers").mkdir()
    (folder / "payers" / "example-health-plan.json").write_text(json.dumps(payer))
    names = ("policies", "payers", "vocabulary")
    return {"CRD_AUDIT": "off", **{f"CRD_{name.upper()}": str(folder / name) for name in names}}
