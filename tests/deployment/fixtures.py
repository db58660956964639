"""Fixtures of what looks at a deployment. A test module has them with `pytest_plugins = ["tests.deployment.fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.deployment.helm import Helm, fetch


@pytest.fixture(scope="session", name="helm")
def _helm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helm]:
    """Helm, on the chart."""
    fetch()
    helm = Helm(tmp_path_factory.mktemp("helm"))
    yield helm
    helm.stop()
