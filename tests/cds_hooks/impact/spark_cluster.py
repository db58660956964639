"""A standalone cluster of Apache Spark on this machine, from the PySpark package: a master and workers."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import pyspark

from tests.forked_process import signal_when_parent_ends

T = TypeVar("T")

#: What lets Java's processes start in a third of the processor time: the quick compiler alone, and one collecting thread.
_QUICK: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

_DEFAULTS: Final = f"""
spark.driver.extraJavaOptions {_QUICK}
spark.executor.extraJavaOptions {_QUICK}
spark.shuffle.io.retryWait 1s
spark.ui.enabled false
"""

#: Seconds for a process of the cluster to say that it is there, on a machine that is busy.
_PATIENCE = 180


class SparkCluster:
    """The processes of a cluster, each in a session of its own, so that all of a worker can be killed at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = Path(pyspark.__file__).parent
        self.environment = {
            **os.environ,
            "SPARK_HOME": str(self._home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONF_DIR": str(folder),
            "SPARK_DAEMON_JAVA_OPTS": _QUICK,
            "SPARK_LAUNCHER_OPTS": _QUICK,
            "PYSPARK_PYTHON": sys.executable,
        }
        self._running: list[subprocess.Popen[bytes]] = []
        self.url = ""

    def start(self, workers: int) -> None:
        """Start a master and workers, and wait until the workers are registered."""
        (self._folder / "spark-defaults.conf").write_text(_DEFAULTS)
        master = self._launch("master", "master.Master", "--host", "127.0.0.1", "--port", "0")
        found = wait_for(lambda: re.search(r"spark://127\.0\.0\.1:\d+", master.read_text()))
        self.url = found[0]
        logs = [self._launch_worker(number) for number in range(workers)]
        wait_for(lambda: all("Successfully registered with master" in log.read_text() for log in logs))

    def _launch_worker(self, number: int) -> Path:
        folder = self._folder / f"worker-{number}"
        options = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--work-dir", str(folder))
        return self._launch(f"worker-{number}", "worker.Worker", *options, self.url)

    def _launch(self, name: str, program: str, *options: str) -> Path:
        log = self._folder / f"{name}.log"
        command = [
            self._home / "bin" / "spark-class",
            f"org.apache.spark.deploy.{program}",
            "--webui-port",
            "0",
            *options,
        ]
        with log.open("wb") as file:
            started = subprocess.Popen(
                command,
                stdout=file,
                stderr=file,
                env=self.environment,
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=end_with_tests,
            )
        self._running.append(started)
        return log

    def executor_log(self, worker: int) -> str:
        """Return what the executor of a worker has said."""
        logs = (self._folder / f"worker-{worker}").glob("app-*/*/stderr")
        return "".join(log.read_text(errors="replace") for log in logs)

    def kill_worker(self, number: int) -> None:
        """Kill a worker and all that it has started."""
        os.killpg(self._running[1 + number].pid, signal.SIGKILL)

    def stop(self) -> None:
        """Kill what is left."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def end_with_tests() -> None:
    """Have a process that is about to start end where the tests are killed."""
    signal_when_parent_ends(signal.SIGKILL)


def wait_for(look: Callable[[], T]) -> T:
    """Return what a look brings as soon as it brings something."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("nothing came")
