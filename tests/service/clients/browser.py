"""A real browser that opens a page of another origin: Debian's Chromium, without a window."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHROMIUM = shutil.which("chromium")
NO_BROWSER = "" if CHROMIUM else "CORS is tried in a real browser only with Debian's package chromium"

MEDPLUM = HERE.parents[1] / "profile" / "node_modules" / "@medplum" / "core" / "dist" / "esm" / "index.mjs"
NO_MEDPLUM = "" if MEDPLUM.is_file() else "Medplum's own client needs `npm ci --prefix tests/profile`"

#: A browser that asks nobody but the pages it opens.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
)  # fmt: skip

#: Seconds for the browser to start, on a machine that has other things to do, and for the page to do its calls.
PATIENCE = 120


class PageServer:
    """Serves the page, what it is to do, and Medplum's client; takes its report."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                files = {"/": ("text/html", HERE / "page.html"), "/medplum.mjs": ("text/javascript", MEDPLUM)}
                if self.path == "/given":
                    self._send("application/json", json.dumps(page.given).encode())
                elif self.path in files:
                    kind, path = files[self.path]
                    self._send(kind, path.read_bytes())
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                page.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._send("application/json", b"{}")

            def _send(self, kind: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def open_page(server: PageServer, folder: Path, **given: Any) -> dict[str, Any]:
    """Open the page in a new browser with an empty profile, and return what it reports."""
    server.given = given
    with _browser(f"{server.origin}/", folder):
        return server.reports.get(timeout=PATIENCE)


@contextmanager
def _browser(url: str, folder: Path) -> Iterator[None]:
    """Run a browser, and stop it with the processes that it started."""
    environment = {**os.environ, "HOME": str(folder)}
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", url],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)
