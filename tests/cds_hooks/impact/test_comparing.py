"""What a changed policy would change is told with the orders behind it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_hooks.commands.main import main

pytestmark = pytest.mark.process  # the local engine's own

ROOT = Path(__file__).resolve().parents[3]
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def order(number: int, code: str) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": f"o{number}",
        "status": "active",
        "authoredOn": "2026-03-01",
        "code": {"coding": [{"system": HCPCS, "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "requester": {"reference": "Practitioner/d1"},
    }


@pytest.fixture
def orders(write_lines: Callable[..., Path]) -> Path:
    payor = [{"identifier": {"system": "http://example.org/payer-id", "value": "EHP01"}}]
    coverage = {"resourceType": "Coverage", "id": "c", "beneficiary": {"reference": "Patient/p1"}, "payor": payor}
    return write_lines(coverage, order(1, "M0076"), order(2, "S8948"), b"broken", order(3, "M0076"), order(4, "A0428"))


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The policy on prolotherapy, alone in a folder, as one that covers it."""
    folder = tmp_path / "draft"
    shutil.copytree(ROOT / "cards/policies/evicore-cmm-204", folder)
    document = json.loads((folder / "policy.json").read_text())
    for version in document["versions"].values():
        version.update(
            {"covered": "covered", "pa-needed": "no-auth"}, verdict="covered after all", position="It is covered."
        )
    (folder / "policy.json").write_text(json.dumps(document))
    return folder


def report(*arguments: Any) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["impact", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads((Path(arguments[-1]) / "figures.json").read_text())
    return {**found, "output": done.output}


def test_a_difference_is_told_with_its_orders(orders: Path, draft: Path, tmp_path: Path) -> None:
    figures = report(
        orders,
        "--policies",
        draft,
        "--baseline",
        "cards/policies",
        "--with-ids",
        "--workers",
        1,
        "--out",
        tmp_path / "r",
    )

    [difference] = figures["differences"]
    assert (difference["was_verdict"], difference["verdict"], difference["orders"]) == ("not-covered", "covered", 2)
    assert difference["policy"] == difference["was_policy"] == "evicore-cmm-204"
    assert difference["payer"] == "example-health-plan"
    assert [(sample["line"], sample["id"]) for sample in difference["samples"]] == [
        (2, "ServiceRequest/o1"),
        (5, "ServiceRequest/o3"),
    ]
    assert figures["verdicts"] == {"covered": 2, "no-policy": 1, "not-covered": 1}
    assert figures["alerts"]["most"] == 3
    html = (tmp_path / "r" / "report.html").read_text()
    assert "What differs from the baseline" in html
    assert "clinic/orders.ndjson:5 <code>ServiceRequest/o3</code>" in html


def test_the_policies_of_a_day_to_come_are_asked_of_orders_of_the_past(
    orders: Path, draft: Path, tmp_path: Path
) -> None:
    document = json.loads((draft / "policy.json").read_text())
    [version] = document["versions"].values()
    document["versions"] = {"2028-01-01": version}
    (draft / "policy.json").write_text(json.dumps(document))
    options = ("--policies", draft, "--workers", 1)

    before = report(orders, *options, "--out", tmp_path / "before")
    after = report(orders, *options, "--on", "2028-06-01", "--out", tmp_path / "after")

    assert "covered" not in before["verdicts"]
    assert after["verdicts"]["covered"] == 2


def test_a_policy_that_cannot_be_read_is_told_before_anything_is_done(
    orders: Path, draft: Path, tmp_path: Path
) -> None:
    (draft / "policy.json").write_text("{}")

    done = CliRunner().invoke(main, ["impact", str(orders), "--policies", str(draft), "--out", str(tmp_path / "r")])

    assert done.exit_code == 2
    assert "policy.json" in done.output
    assert not (tmp_path / "r").exists()
