"""The values that docs/kubernetes.md shows are values of the chart, each block with the least that it needs."""

from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.deployment.helm import Helm
from tests.deployment.values import LEAST
from tests.documents.snippets import Snippet, read

pytest_plugins = ["tests.deployment.fixtures"]

BLOCKS = [one for one in read(ROOT / "docs" / "kubernetes.md") if "values" in one.said]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"line {block.line}")
def test_values_of_the_page_make_manifests(block: Snippet, helm: Helm) -> None:
    shown: dict[str, Any] = yaml.safe_load(block.text)

    assert shown
    assert helm.render({**LEAST, **shown}).of("Deployment")


def test_the_secrets_that_the_page_makes_are_those_its_values_name() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    [values] = [yaml.safe_load(block.text) for block in BLOCKS if block.text.startswith("# values.yaml")]

    for named in ("auth.clientsSecret", "database.secret", "migrations.secret", "audit.keysSecret", "rateStore.secret"):
        part, key = named.split(".")
        assert f"create secret generic {values[part][key]} " in page
        assert f"`{named}`" in page
