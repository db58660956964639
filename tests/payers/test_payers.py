"""Which payer a Coverage names, as cases in data: by identifier, then by type, then by name; ambiguity is nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from cards import ReferenceIndex, read_coverage
from cds_hooks.rules.loading import Rules

HERE = Path(__file__).resolve().parent
PAYERS = sorted(
    path.stem
    for path in (HERE.parent.parent / "cards" / "payers").glob("*.json")
    if not path.name.endswith(".schema.json")
)
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(HERE.glob("*.json"))
    for case in json.loads(path.read_text())["cases"]
]


@pytest.mark.parametrize("case", CASES)
def test_a_coverage_names_its_payer(case: dict[str, Any], rules: Rules) -> None:
    index = ReferenceIndex()
    for organization in case["organizations"]:
        index.add(organization)
    within = index.add(case["coverage"])

    def resolve(reference: str) -> Any:
        entry = index.resolve(reference, within)
        return entry.resource if entry else None

    coverage = read_coverage(case["coverage"], rules.vocabulary.code_systems, resolve)

    assert coverage
    payer = rules.payers.recognise(coverage)
    assert (payer.id if payer else None) == case["expect"]


@pytest.mark.parametrize("payer", PAYERS)
def test_every_payer_has_cases(payer: str) -> None:
    assert (HERE / f"{payer}.json").is_file()
    assert payer in {case["expect"] for case in json.loads((HERE / f"{payer}.json").read_text())["cases"]}
