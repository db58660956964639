"""A server of keys, for tests: good, or as bad as a path says. It prints its port when it is ready.

POST /__keys sets the document of /keys, POST /__status/503 makes that fail, POST /__behave/slow/3 makes it behave as
/slow/3 does (`flapping` is good and bad in turns, `keys` good again), GET /__log lists what was asked for.
With a certificate and its key as arguments it speaks TLS.
"""

import contextlib
import gzip
import json
import socketserver
import ssl
import sys
import time
from collections.abc import Iterator

LOG: list[str] = []
STATE = {"keys": b'{"keys": []}', "status": 200, "behaviour": ("keys", "")}

#: Nothing here goes on for longer, in seconds.
LONG = 8.0


def reply(body: bytes, status: int = 200, **headers: str) -> bytes:
    given = {"Content_Type": "application/json", "Content_Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} Odd\r\n{lines}\r\n".encode() + body


def drip(begin: bytes, drop: bytes) -> Iterator[bytes]:
    yield begin
    for _ in range(int(LONG / 0.02)):
        time.sleep(0.02)
        yield drop


def slow(seconds: float) -> bytes:
    time.sleep(seconds)
    return reply(STATE["keys"])


def flap() -> bytes:
    return reply(STATE["keys"], 200 if len(LOG) % 2 else 503)


def endless() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    while True:
        yield b" " * 0x10000


BEHAVIOURS = {
    "flapping": lambda _: flap(),
    "endless": lambda _: endless(),
    "dropped": lambda _: b"",
    "keys": lambda _: reply(STATE["keys"], STATE["status"]),
    "query": lambda _: reply(STATE["keys"]),
    "max-age": lambda age: reply(STATE["keys"], Cache_Control=f'public, max-age={age or "0"}'),
    "slow": lambda seconds: slow(float(seconds)),
    "silent": lambda _: slow(LONG),
    "dripped-status": lambda _: drip(b"HTTP/1.1 200 ", b"O"),
    "dripped-headers": lambda _: drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "dripped-body": lambda _: drip(reply(b"{", Content_Length="100000"), b" "),
    "continue": lambda _: drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "huge": lambda _: reply(b" " * 50_000_000),
    "huge-chunks": lambda _: iter([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"100000\r\n" + b" " * 0x100000 + b"\r\n"] * 8]),
    "packed": lambda _: reply(gzip.compress(STATE["keys"]), Content_Encoding="gzip"),
    "redirect": lambda port: reply(b"", 302, Location=f"http://127.0.0.1:{port}/keys"),
    "status": lambda status: reply(STATE["keys"], int(status)),
    "html": lambda _: reply(b"<html>Sign in</html>"),
    "array": lambda _: reply(b"[1, 2]"),
    "deep": lambda _: reply(b"[" * 100_000),
    "many": lambda _: reply(json.dumps({"keys": [{"kty": "RSA", "kid": str(n)} for n in range(101)]}).encode()),
    "no-http": lambda _: b"220 smtp.example.org ready\r\n\r\n",
}  # fmt: skip


class Handler(socketserver.StreamRequestHandler):
    """Answers one request a connection."""

    def setup(self) -> None:
        if self.server.context:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            line = self.rfile.readline().decode()
            headers = dict(h.lower().split(":", 1) for h in iter(lambda: self.rfile.readline().decode().strip(), ""))
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if line.strip():
                self._answer(line.split(" ")[1], body)

    def finish(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().finish()
            self.request.close()

    def _answer(self, path: str, body: bytes) -> None:
        name, _, argument = path[1:].partition("?")[0].partition("/")
        if name == "__log":
            self.wfile.write(reply(json.dumps(LOG).encode()))
        elif name == "__keys":
            STATE["keys"] = body
            self.wfile.write(reply(b""))
        elif name == "__behave":
            behaviour, _, argument = argument.partition("/")
            STATE["behaviour"] = (behaviour, argument)
            self.wfile.write(reply(b""))
        elif name == "__status":
            STATE["status"] = int(argument)
            self.wfile.write(reply(b""))
        else:
            LOG.append(path)
            if name == "keys":
                name, argument = STATE["behaviour"]
            pieces = BEHAVIOURS[name](argument)
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                self.wfile.write(piece)


class Server(socketserver.ThreadingTCPServer):
    """One thread a connection."""

    daemon_threads = True
    request_queue_size = 64
    context: ssl.SSLContext | None = None

    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that clients break off."""


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Handler) as server:
        if len(sys.argv) > 1:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(*sys.argv[1:])
        print(server.server_address[1], flush=True)  # noqa: T201 (the port is told on standard output)
        server.serve_forever()
