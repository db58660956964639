"""One validator for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.validator.validator_process import Validator, run_validator


@pytest.fixture(scope="session", name="validator")
def _validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validator]:
    with run_validator(tmp_path_factory.mktemp("validator")) as validator:
        yield validator
