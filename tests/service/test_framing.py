"""Where a request ends has one answer: what two readers could take for different requests is none."""

import socket
from typing import Any

import pytest

HEAD = b"POST /cds-services/order-sign-crd HTTP/1.1\r\nHost: x\r\n"

#: Sent right behind: an answer to it would show that the first request was taken to end there.
SMUGGLED = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}",
        b"Content-Length: 2, 50\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_request_whose_end_is_in_doubt_is_refused_with_all_behind_it(framing: bytes, service: Any) -> None:
    """RFC 9112, 6.3 and 11.2: request smuggling. The server's own 400, and the connection is closed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", int(service.base.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(HEAD + framing + SMUGGLED)
        while received := connection.recv(65536):
            answer += received

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
