"""The guide's own samples, sent as requests: each answer was read once and is held since (scripts/freeze-answers)."""

import json
from pathlib import Path

import pytest

from tests.guide.conformance import faults
from tests.guide.samples import Sample, read_samples
from tests.running_service import RunningService

ANSWERS = Path(__file__).resolve().parent / "guide_samples"
SAMPLES = read_samples()


def test_each_answer_belongs_to_a_sample() -> None:
    assert {path.stem for path in ANSWERS.glob("*.json")} == {sample.name for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_of_the_guide_is_answered_as_was_read(sample: Sample, service: RunningService) -> None:
    response = service.post(sample.path, sample.request)

    frozen = json.loads((ANSWERS / f"{sample.name}.json").read_text("utf-8"))
    assert {"status": response.status_code, "body": response.json()} == frozen
    if response.status_code == 200:
        assert faults(sample.name[:3], response.json()) == []
