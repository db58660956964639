"""A client that sends what no well-behaved library would: requests as bytes, over one connection kept alive."""

import contextlib
import socket
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.parse import urlsplit


class Request(NamedTuple):
    """A request as it goes over the wire; `kind` says how it was made. `is_http` is False for bytes that are none."""

    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    is_chunked: bool = False
    is_http: bool = True

    def to_bytes(self) -> bytes:
        """Return what is sent."""
        if not self.is_http:
            return self.body
        framing = ("Transfer-Encoding", "chunked") if self.is_chunked else ("Content-Length", str(len(self.body)))
        given = (("Host", "localhost"), framing, *self.headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in given)
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body) if self.is_chunked and self.body else self.body
        if self.is_chunked and not self.body:
            body = b"0\r\n\r\n"
        return f"{self.method} {self.target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1", "replace") + body


class Response(NamedTuple):
    """What came back; names of headers are in lower case. Status 0 is no answer at all, and `body` says why."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Client:
    """One connection to a service, opened again where it was closed; calls that take longer have no answer."""

    def __init__(self, base: str, timeout: float = 15.0) -> None:
        place = urlsplit(base)
        self._address = (str(place.hostname), int(place.port or 80))
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def send(self, request: Request) -> Response:
        """Return the answer to a request. A connection that had been idle may be closed already: it is tried twice."""
        was_open = self._socket is not None
        response = self._exchange(request)
        if response.status == 0 and response.body == b"closed" and was_open:
            response = self._exchange(request)
        return response

    def _exchange(self, request: Request) -> Response:
        started = time.perf_counter()
        try:
            status, headers, body = self._read(request)
        except TimeoutError:
            self.close()
            return Response(0, {}, b"timeout", time.perf_counter() - started)
        except (OSError, HTTPException):
            self.close()
            return Response(0, {}, b"closed", time.perf_counter() - started)
        return Response(status, headers, body, time.perf_counter() - started)

    def _read(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # refused early; the answer is there all the same
            self._socket.sendall(request.to_bytes())
            if not request.is_http:
                self._socket.shutdown(socket.SHUT_WR)
        with HTTPResponse(self._socket, method=request.method if request.is_http else "GET") as response:
            response.begin()
            body = response.read()
            headers = {name.lower(): value for name, value in response.getheaders()}
            if response.will_close or not request.is_http:
                self.close()
            return response.status, headers, body

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
