"""The documentation site of this checkout, built once. A module has it with `pytest_plugins`."""

from pathlib import Path

import pytest

from documentation.__main__ import build
from tests.conftest import ROOT


@pytest.fixture(scope="session", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("documentation") / "docs"
    return build(ROOT, out)
