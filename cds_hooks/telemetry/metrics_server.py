"""Metrics on a port of their own: what all worker processes counted, added up by the server process.

Workers write to a folder that lives as long as the server process, in shared memory where there is some: nothing needs
a disk that can be written to.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from socket import AF_INET, AF_INET6
from socketserver import ThreadingTCPServer
from threading import Lock, Thread
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import MetricsHandler
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from cds_hooks.errors import StartError
from cds_hooks.settings import Settings
from cds_hooks.telemetry.logs import record
from cds_hooks.telemetry.metric_files import FOLDER

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 (a private folder is made there)

#: A scraper that is silent for so many seconds is not waited for.
_PATIENCE: Final = 10.0


def serve_metrics(server: Any, settings: Settings) -> None:
    """Let a server process (granian's) serve metrics for as long as it runs, where the setting names a port."""
    if settings.metrics_port:
        metrics = MetricsServer(settings)
        server.on_startup(metrics.start)
        server.on_shutdown(metrics.stop)


class MetricsServer:
    """Serves GET /metrics and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._address = (settings.metrics_host, settings.metrics_port)
        self._folder: Path | None = None
        self._server: _Server | None = None

    def start(self) -> None:
        """Make the folder, tell the workers to come where it is, and listen; StartError where that cannot be."""
        try:
            self._server = _Server(self._address)
        except OSError as error:
            where = f"{self._address[0]}, port {self._address[1]}"
            reason = error.strerror or str(error)
            text = f"cannot serve metrics on {where}: {reason}; see CRD_METRICS_HOST and CRD_METRICS_PORT"
            raise StartError(text) from None
        parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="crd-metrics-", dir=parent))
        os.environ[FOLDER] = str(self._folder)
        self._server.registry.register(_Files(self._folder))
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Stop listening and remove the folder."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


#: No worker is forked while files are read: it would inherit whatever lock is held right then.
_READING: Final = Lock()
os.register_at_fork(before=_READING.acquire, after_in_parent=_READING.release, after_in_child=_READING.release)


class _Files(Collector):
    """What the files of all workers come to. Of workers that ended the counts stay, so that no sum ever falls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        with _READING:
            for process in {int(file.stem.rpartition("_")[2]) for file in self._folder.glob("gauge_*.db")}:
                if not _is_alive(process):
                    mark_process_dead(process, str(self._folder))  # type: ignore[no-untyped-call]
            found = MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]
        yield from found


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:  # there is none, or it is somebody else's by now
        return False
    return True


class _Server(ThreadingTCPServer):
    """Not http.server's: that one asks the DNS for its own name before it listens."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        self.registry = CollectorRegistry()
        super().__init__(address, _Handler.factory(self.registry))

    def handle_error(self, *_: object) -> None:
        """Say that a scraper went away, in a line and not in a traceback."""
        record("debug", "scrape-broken-off")


class _Handler(MetricsHandler):
    """Answers scrapes, in the form that is asked for, and logs none of them."""

    timeout = _PATIENCE

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server looks for)
        """Return all metrics at /metrics."""
        if self.path.partition("?")[0] == "/metrics":
            super().do_GET()
        else:
            self.send_error(404)
