"""Where a service sends its traces in tests, and what its metrics say."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.fhir.servers import RunningServer
from tests.free_ports import free_port

HERE = Path(__file__).resolve().parent

#: As long is waited for what comes within two seconds on a machine that has nothing else to do.
PATIENCE = 60.0


class Collector(RunningServer):
    """A receiver of traces."""

    def __init__(self) -> None:
        super().__init__([sys.executable, str(HERE / "collector.py")])

    def variables(self, **more: str) -> dict[str, str]:
        """Return the variables that make a service send its traces here, without waiting for many."""
        return {
            "CRD_OTEL": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.origin,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            **more,
        }


class Metrics:
    """The metrics of a service that is started with `variables`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.variables = {"CRD_METRICS_PORT": str(self.port)}

    def scrape(self, **headers: str) -> str:
        """Return them as text."""
        response = requests.get(f"http://127.0.0.1:{self.port}/metrics", headers=headers, timeout=60)
        response.raise_for_status()
        return response.text

    def read(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of a name that have some labels; 0 where there is none."""
        families = text_string_to_metric_families(self.scrape())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def wait_for(what: Callable[[], Any], expected: Any = None) -> Any:
    """Return what there is once it is as expected, or true; when patience ends, as it is then."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = what()
        if found if expected is None else found == expected:
            return found
        time.sleep(0.1)
    return what()
