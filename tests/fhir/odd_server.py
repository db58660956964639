"""A server that misbehaves on purpose, for tests. It prints its port when it is ready.

The first segment of the path says how: `/dripped-body/Patient/1`. Some take an argument: `/status/503/Patient/1`.
GET /__log lists the requests as JSON: what was asked, with which token, over which connection.
With a certificate and its key as arguments it speaks TLS.
"""

import contextlib
import gzip
import json
import socket
import socketserver
import ssl
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

LOG: list[dict[str, Any]] = []

#: A resource whose digits mean something.
DECIMALS = b'{"resourceType": "Observation", "id": "1", "valueQuantity": {"value": 1.10}}'

#: A Coverage of a payer that is served.
SERVED_COVERAGE = {
    "resourceType": "Coverage",
    "id": "cov-1",
    "status": "active",
    "beneficiary": {"reference": "Patient/pat-1"},
    "payor": [{"identifier": {"system": "http://example.org/payer-id", "value": "EHP01"}}],
}

#: Nothing here goes on for longer, in seconds.
LONG = 20.0


class Request(NamedTuple):
    """A request: `argument` is the second segment of the path, `url` what is asked for."""

    base: str
    method: str
    argument: str
    url: str
    body: bytes

    @property
    def resource(self) -> dict[str, Any]:
        """What a good server would answer."""
        if self.method == "POST":
            entries = [{"resource": good(e["request"]["url"]), "response": {"status": "200 OK"}} for e in self.entries]
            return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}
        return good(self.url)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return json.loads(self.body)["entry"]


def good(url: str) -> dict[str, Any]:
    kind, _, rest = url.partition("?")
    if rest:
        record = {"resourceType": kind, "id": "1", "beneficiary": {"reference": "Patient/1"}}
        return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": record}]}
    return dict(zip(("resourceType", "id"), url.split("/"), strict=False))


def reply(body: Any, status: int = 200, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content_Type": "application/fhir+json", "Content_Length": str(len(data)), **headers}
    if "Transfer_Encoding" in given:
        del given["Content_Length"]
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} Odd\r\n{lines}\r\n".encode() + data


def drip(begin: bytes, drop: bytes) -> Iterator[bytes]:
    yield begin
    for _ in range(int(LONG / 0.02)):
        time.sleep(0.02)
        yield drop


def silent(_: Request) -> Iterator[bytes]:
    time.sleep(LONG)
    yield b""


def slow(request: Request) -> bytes:
    time.sleep(float(request.argument))
    return reply(request.resource)


def reset(_: Request) -> bytes:
    raise ConnectionResetError


def without(request: Request, *names: str, **members: Any) -> bytes:
    return reply({k: v for k, v in {**request.resource, **members}.items() if k not in names})


def cut_off(request: Request) -> Iterator[bytes]:
    yield reply(request.resource)[:-5]
    raise ConnectionAbortedError


def redirect(request: Request) -> bytes:
    return reply({}, 302, Location=f"http://127.0.0.1:{request.argument}/good/{request.url}")


def with_link(request: Request, link: Any, **members: Any) -> bytes:
    return reply(
        {**request.resource, **members, "link": [{"relation": "self", "url": "x"}, {"relation": "next", "url": link}]}
    )


def paged(request: Request) -> bytes:
    """Three pages, their links those of HAPI: parameters of the base itself."""
    page = int(request.url.partition("page=")[2] or 1)
    if page == 3:
        return reply(good("Coverage?page=3"))
    return with_link(Request(request.base, "GET", "", "Coverage?x", b""), f"{request.base}/paged?page={page + 1}")


def batch_status(request: Request) -> bytes:
    return reply({}, int(request.argument)) if request.method == "POST" else reply(request.resource)


def batch_only(change: Callable[[Request, dict[str, Any]], Any]) -> Callable[[Request], bytes]:
    """Good reads, but a batch's answer changed."""

    def answer(request: Request) -> bytes:
        resource = request.resource
        return reply(change(request, resource) if request.method == "POST" else resource)

    return answer


def entry_statuses(_: Request, bundle: dict[str, Any]) -> dict[str, Any]:
    """Each entry of a batch gets the status that its id says: Patient/404."""
    for entry in bundle["entry"]:
        entry["response"]["status"] = f"{entry['resource'].get('id', 200)} Odd"
    return bundle


BEHAVIOURS: dict[str, Callable[[Request], bytes | Iterator[bytes]]] = {
    "good": lambda r: reply(r.resource),
    "silent": silent,
    "slow": slow,
    "reset": reset,
    "dripped-status": lambda _: drip(b"HTTP/1.1 200 ", b"O"),
    "dripped-headers": lambda _: drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "dripped-body": lambda _: drip(reply(b"{", Content_Length="100000"), b" "),
    "dripped-chunks": lambda _: drip(reply(b"", Transfer_Encoding="chunked"), b"1\r\n \r\n"),
    "continue": lambda _: drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "no-http": lambda _: b"220 smtp.example.org ready\r\n\r\n",
    "status": lambda r: reply({"resourceType": "OperationOutcome", "issue": []}, int(r.argument)),
    "redirect": redirect,
    "relative-redirect": lambda r: reply({}, 307, Location=f"/good/{r.url}"),
    "outcome": lambda _: reply({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}),
    "error-entry": lambda r: without(r, entry=[{"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}}]),
    "warning-entry": lambda r: without(r, entry=[{"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}}]),
    "other-id": lambda r: without(r, id="someone-else"),
    "other-type": lambda r: without(r, resourceType="Basic"),
    "other-patient": lambda r: without(r, entry=[{"resource": {"resourceType": "Coverage", "id": "2", "beneficiary": {"reference": "Patient/2"}}}]),
    "no-id": lambda r: without(r, "id"),
    "html": lambda _: reply(b"<html><body>Sign in</body></html>", Content_Type="text/html"),
    "empty": lambda _: reply(b""),
    "no-content": lambda _: reply(b"", 204),
    "array": lambda _: reply([]),
    "truncated": lambda r: reply(json.dumps(r.resource).encode()[:-2]),
    "cut-off": cut_off,
    "deep": lambda r: without(r, x=json.loads("[" * 100 + "]" * 100)),
    "repeated": lambda r: reply(b'{"id": "2", ' + json.dumps(r.resource).encode()[1:]),
    "nan": lambda r: reply(json.dumps({**r.resource, "x": float("nan")}).encode()),
    "long-number": lambda r: reply(json.dumps({**r.resource, "\u00e9": 7}).encode().replace(b"7", b"7" * 5000)),
    "decimals": lambda _: reply(b" " + DECIMALS + b"\n"),
    "decimals-bundle": lambda _: reply(b'{"resourceType": "Bundle", "entry": [{"resource": ' + DECIMALS + b"}]}"),
    "two-replies": lambda r: reply(r.resource) + reply({"resourceType": "Patient", "id": "2", "active": False}),
    "no-batch-slow": lambda r: reply({}, 405) if r.method == "POST" else slow(r),
    "entries-odd": lambda r: without(r, entry={"resource": {}}),
    "entries-null": lambda r: without(r, entry=[None]),
    "entries-no-resource": lambda r: without(r, entry=[{"fullUrl": "x"}]),
    "entries-string": lambda r: without(r, entry=[{"resource": "Coverage/1"}]),
    "links-odd": lambda r: without(r, link="next"),
    "link-number": lambda r: with_link(r, 7),
    "huge": lambda r: without(r, x="x" * 5_000_000),
    "huge-chunks": lambda _: iter([reply(b"", Transfer_Encoding="chunked"), *[b"100000\r\n" + b" " * 0x100000 + b"\r\n"] * 8, b"0\r\n\r\n"]),
    "endless-chunk-size": lambda _: iter([reply(b"", Transfer_Encoding="chunked"), *[b"0" * 0x100000] * 50]),
    "packed": lambda _: reply(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"),
    "endless-pages": lambda r: with_link(r, f"{r.base}/endless-pages/Coverage?page={len(LOG)}"),
    "next-elsewhere": lambda r: with_link(r, f"http://127.0.0.1:{r.argument}/good/Coverage?page=2"),
    "next-outside": lambda r: with_link(r, f"{r.base}/good/Coverage?page=2"),
    "next-empty": lambda r: with_link(r, ""),
    "next-fails": lambda r: reply({}, 500) if "page=2" in r.url else with_link(r, f"{r.base}/next-fails/Coverage?page=2"),
    "coverage-then-elsewhere": lambda r: with_link(r._replace(url="Coverage?x"), "http://inside.example.org:8080/fhir?page=2", entry=[{"resource": SERVED_COVERAGE}]),
    "nothing-then-elsewhere": lambda r: without(r, entry=[], link=[{"relation": "next", "url": "http://inside.example.org/2"}]),
    "marked": lambda r: reply(b"\xef\xbb\xbf" + json.dumps(r.resource).encode()),
    "next-upward": lambda r: with_link(r, f"{r.base}/next-upward/%2e%2e/good/Coverage?page=2"),
    "next-user": lambda r: with_link(r, f"{r.base}@127.0.0.1:{r.argument}/next-user/Coverage?page=2"),
    "paged": paged,
    "cookie": lambda r: reply(r.resource, Set_Cookie="session=1; Path=/"),
    "batch-status": batch_status,
    "batch-short": batch_only(lambda _, b: {**b, "entry": b["entry"][1:]}),
    "batch-transaction": batch_only(lambda _, b: {**b, "type": "transaction-response"}),
    "batch-echo": batch_only(lambda r, _: json.loads(r.body)),
    "batch-array": batch_only(lambda *_: []),
    "batch-huge": batch_only(lambda _, b: {**b, "x": "x" * 5_000_000}),
    "batch-no-status": batch_only(lambda _, b: {**b, "entry": [{"resource": e["resource"]} for e in b["entry"]]}),
    "batch-other": batch_only(lambda _, b: {**b, "entry": b["entry"][::-1]}),
    "batch-entry-statuses": batch_only(entry_statuses),
}  # fmt: skip


class Handler(socketserver.StreamRequestHandler):
    """Reads requests of one connection until it ends."""

    def setup(self) -> None:
        if self.server.context:  # the handshake is here, in this connection's own thread
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while self._answer():
                pass

    def finish(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().finish()
            self.request.close()

    def _answer(self) -> bool:
        line = self.rfile.readline().decode()
        if not line.strip():
            return False
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in iter(self._header, ""))}
        method, path, _ = line.split(" ", 2)
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if path == "/__log":
            self.wfile.write(reply(LOG))
            return True
        LOG.append({"method": method, "url": path, "headers": headers, "connection": self.client_address[1]})
        self._misbehave(method, path, body)
        return True

    def _header(self) -> str:
        return self.rfile.readline().decode().strip()

    def _misbehave(self, method: str, path: str, body: bytes) -> None:
        name, _, rest = path[1:].partition("/")
        name, _, query = name.partition("?")
        argument, _, deeper = rest.partition("/")
        has_argument = argument.replace(".", "").isdigit()
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        request = Request(base, method, argument, (deeper if has_argument else rest) or f"?{query}", body)
        try:
            pieces = BEHAVIOURS[name](request)
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                self.wfile.write(piece)
        except ConnectionResetError:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise
        if name == "closing":
            raise ConnectionAbortedError


BEHAVIOURS["closing"] = BEHAVIOURS["good"]


class Server(socketserver.ThreadingTCPServer):
    """One thread a connection."""

    daemon_threads = True
    request_queue_size = 64
    context: ssl.SSLContext | None = None

    def handle_error(self, *_: object) -> None:
        """Say nothing of handshakes that clients break off."""


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Handler) as server:
        if len(sys.argv) > 1:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(*sys.argv[1:])
        print(server.server_address[1], flush=True)  # noqa: T201 (the port is told on standard output)
        server.serve_forever()
