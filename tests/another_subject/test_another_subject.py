"""A policy for another subject takes JSON only: no line of Python knows prolotherapy."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.rules.check import check_policies
from cds_hooks.settings import read_settings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="module", name="data")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped files, the added policy, and the default payer bound by it."""
    data = tmp_path_factory.mktemp("data")
    for name in ("policies", "payers", "vocabulary"):
        shutil.copytree(ROOT / "cards" / name, data / name)
    shutil.copytree(HERE / "example-prp", data / "policies" / "example-prp")
    payer = data / "payers" / "example-health-plan.json"
    document = json.loads(payer.read_text())
    document["policies"].append("example-prp")
    payer.write_text(json.dumps(document))
    return data


def test_the_added_policy_answers_its_cases(data: Path) -> None:
    checked = check_policies(data / "policies" / "example-prp", None, read_settings())

    assert checked.cases == 9
    assert not checked.flaws


def test_the_service_answers_under_it(data: Path, start_service: Any, example: Any) -> None:
    service = start_service(CRD_POLICIES=str(data / "policies"), CRD_PAYERS=str(data / "payers"))
    request = example("m0076-order-sign")
    order = request["context"]["draftOrders"]["entry"][0]["resource"]
    order["code"] = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "0232T"}]}
    order["occurrenceDateTime"] = "2025-06-01"

    answer = service.post("/cds-services/order-sign-crd", request).json()

    assert [card["summary"] for card in answer["cards"]] == [
        "Platelet-rich plasma (0232T) is covered: prior authorization is needed"
    ]
    parts = {part["url"]: part for part in answer["systemActions"][0]["resource"]["extension"][-1]["extension"]}
    assert parts["covered"]["valueCode"] == "covered"
    assert parts["pa-needed"]["valueCode"] == "auth-needed"


def test_no_python_names_a_subject() -> None:
    """Subjects are data; only docstrings and comments may speak of one as an example."""
    for path in (ROOT / "cards").rglob("*.py"):
        code = "\n".join(line.partition("#")[0] for line in path.read_text().splitlines())
        code = "".join(part for number, part in enumerate(code.split('"""')) if number % 2 == 0)
        assert "prolo" not in code.lower(), path
