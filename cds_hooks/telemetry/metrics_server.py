"""Metrics on a port of their own: what all worker processes counted, added up by the server process.

Workers write to a folder that lives as long as the server process, in shared memory where there is some: nothing needs
a disk that can be written to. prometheus_client looks for that folder when it is imported, so it is imported only
once there is one, and never where no metrics are served. Its own server answers at any path, and asks the DNS for the
machine's name before it listens.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import AF_INET, AF_INET6
from socketserver import ThreadingTCPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from cds_hooks.errors import StartError
from cds_hooks.settings import Settings
from cds_hooks.telemetry.logs import record
from cds_hooks.telemetry.metrics import FOLDER

if TYPE_CHECKING:
    from prometheus_client import Metric

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 (a private folder is made there)

#: A scraper that is silent for so many seconds is not waited for.
_PATIENCE: Final = 10.0

#: No worker is forked while files are read: it would inherit whatever lock is held right then.
_READING: Final = Lock()
os.register_at_fork(before=_READING.acquire, after_in_parent=_READING.release, after_in_child=_READING.release)


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
        self._folder = self._server.folder = Path(tempfile.mkdtemp(prefix="crd-metrics-", dir=parent))
        os.environ[FOLDER] = str(self._folder)
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Stop listening and remove the folder."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    folder: Path

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        super().__init__(address, _Handler)

    def collect(self) -> "Iterator[Metric]":
        """Yield every metric. Of workers that ended the counts stay, so that no sum ever falls; their gauges do not."""
        from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

        with _READING:
            for process in {int(file.stem.rpartition("_")[2]) for file in self.folder.glob("gauge_*.db")}:
                if not _is_alive(process):
                    mark_process_dead(process, str(self.folder))  # type: ignore[no-untyped-call]
            found = MultiProcessCollector(None, str(self.folder)).collect()  # type: ignore[no-untyped-call]
        yield from found

    def handle_error(self, *_: object) -> None:
        """Say that a scraper went away, in a line and not in a traceback."""
        record("debug", "scrape-broken-off")


class _Handler(BaseHTTPRequestHandler):
    """Answers scrapes, in the form that is asked for, and logs none of them."""

    timeout = _PATIENCE
    server: _Server

    def do_GET(self) -> None:
        """Return all metrics at /metrics."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        from prometheus_client.exposition import choose_encoder

        encode, kind = choose_encoder(self.headers.get("Accept", ""))
        text = encode(self.server)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:  # there is none, or it is somebody else's by now
        return False
    return True
