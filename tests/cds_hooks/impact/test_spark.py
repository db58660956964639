"""On a cluster every count is the truth as well, with a worker lost on the way."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.cds_hooks.impact.test_truth import told

pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or find_spec("pyspark") is None,
    reason="NOTHING IS TESTED ON SPARK: it needs Java 17 (apt-get install openjdk-17-jre-headless) and PySpark",
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    from tests.cds_hooks.impact.spark_cluster import SparkCluster

    started = SparkCluster(tmp_path)
    try:
        started.start(workers=2)
        yield started
    finally:
        started.stop()


def test_every_count_equals_the_truth_where_a_worker_is_killed(
    cluster: Any, population: Path, truth: dict[str, Any], tmp_path: Path
) -> None:
    from tests.cds_hooks.impact.spark_cluster import end_with_tests, wait_for

    out = tmp_path / "report"
    command = [sys.executable, "-m", "cds_hooks", "impact", population, "--with-texts", "--engine", cluster.url]
    with (tmp_path / "driver.log").open("wb") as log:
        driver = subprocess.Popen(
            [*command, "--out", out], stdout=log, stderr=log, env=cluster.environment, preexec_fn=end_with_tests
        )
        wait_for(lambda: "Finished task" in cluster.executor_log(1) or driver.poll() is not None)
        assert driver.poll() is None, (tmp_path / "driver.log").read_text()
        cluster.kill_worker(1)
        assert driver.wait() == 0, (tmp_path / "driver.log").read_text()

    assert "Lost executor" in (tmp_path / "driver.log").read_text()
    assert told(json.loads((out / "figures.json").read_text()), truth) == truth
