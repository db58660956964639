"""A payer's own service as tests run it, a process of its own: two functions over HTTP, and the ways in which it fails.

What it does is in a file that each request reads, so that a test can change it; each request is a line of another file.
"""

import json
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SYSTEM = "http://example.org/ehp/member"
COVERAGE = {"plan": "example-health-plan", "lineOfBusiness": "PPO", "coveredFrom": "2026-01-01"}
MEMBERS = {
    "EX-4711": [{"key": "k-4711", "id": {"system": SYSTEM, "value": "EX-4711"}, "coverages": [COVERAGE]}],
    "EX-TWINS": [{"key": k, "id": {"system": SYSTEM, "value": k}, "coverages": [COVERAGE]} for k in ("k-1", "k-2")],
}
AUTHORIZATIONS = [
    {"number": "PA-77", "member": "k-4711", "codes": ["HCPCS|E0784"], "validTo": "2026-12-31", "quantity": 1},
    {"number": "PA-78", "member": "k-0815", "codes": ["CPT|70553"], "validTo": "2026-12-31"},
]


def answer(path: str, question: dict[str, Any]) -> Any:
    if path == "/payer/find-member":
        asked = [question.get("subscriberId"), *(one["value"] for one in question["identifiers"])]
        return {"members": next((MEMBERS[value] for value in asked if value in MEMBERS), [])}
    return {"authorizations": AUTHORIZATIONS}  # of others, too: who asks must not rely on the service for that


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with Path(sys.argv[2]).open("a") as log:
            log.write(json.dumps([self.path, question, self.headers.get("Authorization")]) + "\n")
        what = Path(sys.argv[1]).read_text()
        if what == "slow":
            time.sleep(5)
        body = b"<html>" if what == "garbage" else json.dumps(answer(self.path, question)).encode()
        if what.startswith("{"):  # the answer itself
            body = what.encode()
        if what == "no-authorizations" and self.path.endswith("authorizations"):
            what = "500"
        self.send_response({"500": 500, "redirect": 302}.get(what, 200))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class MemberServiceProcess:
    """The service as a process; `do` changes what it does, `asked` is what came."""

    def __init__(self, folder: Path) -> None:
        self._mode, self._log = folder / "mode", folder / "asked"
        self._log.touch()
        self.do("well")
        command = [sys.executable, __file__, str(self._mode), str(self._log)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.base = f"http://127.0.0.1:{self._process.stdout.readline().strip()}/payer"

    def do(self, what: str) -> None:
        self._mode.write_text(what)

    @property
    def asked(self) -> list[Any]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)  # noqa: T201 - the test reads it
    server.serve_forever()
