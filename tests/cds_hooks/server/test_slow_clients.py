"""Clients that hold connections: each is cut off in time, and meanwhile all others are answered as ever."""

import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from cds_hooks.server.slow_clients import Patience, Sample
from tests.free_ports import free_port

SIGN = "/cds-services/order-sign-crd"
GET = b"GET /cds-services HTTP/1.1\r\nHost: x\r\n\r\n"
UPLOAD = (
    f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{".encode()
)

#: Seconds after which a client of these tests gives up; all are cut off by the service long before.
PATIENCE = 60


@pytest.fixture(scope="module", name="hasty")
def _hasty(start_service: Any) -> Any:
    return start_service(
        CRD_BODY_TIMEOUT="1", CRD_FHIR_TIME_BUDGET="0.1", CRD_HEADER_TIMEOUT="2", CRD_CONNECTIONS="400"
    )


@pytest.fixture(name="connect")
def _connect() -> Iterator[Callable[..., socket.socket]]:
    """Connect to a service and send something; whatever is still open at the end of a test is closed."""
    with contextlib.ExitStack() as opened:

        def connect(service: Any, sent: bytes = b"", receive_buffer: int = 0) -> socket.socket:
            connection = opened.enter_context(socket.socket())
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", int(service.base.rpartition(":")[2])))
            connection.sendall(sent)
            return connection

        yield connect


def read_to_the_end(connection: socket.socket) -> bytes:
    """Return what comes until the server ends the connection; TimeoutError where it does not."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def keep_sending(connections: list[socket.socket], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.send(b" ")


def send_without_end(connection: socket.socket) -> None:
    while True:
        connection.sendall(GET)


def test_stalled_uploads_hold_up_nobody(start_service: Any, connect: Any, example: Any) -> None:
    """Others are answered while all of them are still waited for."""
    patient = start_service(CRD_BODY_TIMEOUT="120", CRD_CONNECTIONS="400")
    uploads = [connect(patient, UPLOAD) for _ in range(200)]

    for _ in range(3):
        assert requests.get(f"{patient.base}/health", timeout=60).status_code == 200
        assert patient.post(SIGN, example("m0076-order-sign")).status_code == 200
    assert select.select(uploads, [], [], 0)[0] == []


def test_stalled_uploads_are_cut_off(hasty: Any, connect: Any) -> None:
    """200 of them, a third after a whole request on the same connection, half of them trickling on."""
    uploads = [connect(hasty, GET + UPLOAD if number % 3 == 0 else UPLOAD) for number in range(200)]
    stop = threading.Event()
    threading.Thread(target=keep_sending, args=(uploads[::2], stop), daemon=True).start()

    for upload in uploads:
        assert b"HTTP/1.1 408 " in read_to_the_end(upload)
    stop.set()


def test_a_body_that_comes_too_late_is_408_with_an_operation_outcome(hasty: Any, connect: Any) -> None:
    """Whether its length is known or it is chunked; the log says how many, not who."""
    head = UPLOAD.replace(b"Content-Length: 100000", b"Transfer-Encoding: chunked").removesuffix(b"{")

    for upload in [connect(hasty, UPLOAD), connect(hasty, head + b"3\r\nabc\r\n")]:
        answer = read_to_the_end(upload)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"x-request-id: " in answer
        assert b'"resourceType":"OperationOutcome"' in answer
        assert b'"code":"timeout"' in answer
    assert re.search(r'"event":"slow-clients-cut-off","connections":\d+}', hasty.log.read_text())


@pytest.mark.parametrize("sent", [b"", b"GET /health HTT", GET], ids=["nothing", "half a request line", "one request"])
def test_who_sends_no_whole_headers_in_time_is_cut_off(sent: bytes, hasty: Any, connect: Any) -> None:
    """Keep-alive ends so as well: a connection may be idle for CRD_HEADER_TIMEOUT."""
    answer = read_to_the_end(connect(hasty, sent))

    assert answer.startswith(b"HTTP/1.1 200 OK" if sent == GET else b"")
    assert bool(answer) == (sent == GET)


def test_who_does_not_take_the_answers_is_cut_off(hasty: Any, connect: Any) -> None:
    """Requests are sent for as long as they are taken; then the service's answers wait for the client."""
    reader = connect(hasty, receive_buffer=2048)
    reader.settimeout(0.5)
    with pytest.raises(TimeoutError):
        send_without_end(reader)
    reader.settimeout(PATIENCE)

    with pytest.raises(ConnectionError):  # reset: what was not taken is gone
        send_without_end(reader)


def test_headers_up_to_32_kib_are_read_and_over_64_kib_refused(service: Any, connect: Any) -> None:
    """granian's own answer: 431, empty."""

    def status_with(size: int) -> bytes:
        lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(size // 1000))
        connection = connect(service)
        with contextlib.suppress(ConnectionError):  # it may answer and close before all is sent
            connection.sendall(GET.replace(b"\r\n\r\n", b"\r\n" + lines + b"Connection: close\r\n\r\n"))
        return read_to_the_end(connection)[9:12]

    assert status_with(30_000) == b"200"
    assert status_with(66_000) == b"431"


def test_only_http_1_1_is_spoken(service: Any, connect: Any) -> None:
    """HTTP/2 has no limits of time here, and what stands in front speaks it for us."""
    answer = read_to_the_end(connect(service, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"))

    assert not answer.startswith(b"\0")


def test_hundreds_of_idle_connections_hold_up_nobody(hasty: Any, connect: Any, example: Any) -> None:
    for _ in range(300):
        connect(hasty)

    assert hasty.post(SIGN, example("m0076-order-sign")).status_code == 200
    assert requests.get(f"{hasty.base}/health", timeout=60).status_code == 200


def test_connections_over_the_limit_wait_until_others_end(start_service: Any, connect: Any) -> None:
    """CRD_CONNECTIONS: what is over it stays in the kernel's queue, and costs the process nothing."""
    service = start_service(CRD_CONNECTIONS="16", CRD_HEADER_TIMEOUT="1")
    for _ in range(40):
        connect(service)

    assert requests.get(f"{service.base}/health", timeout=PATIENCE).status_code == 200


def test_more_connections_than_the_system_allows_are_refused_at_start() -> None:
    """Else the service would run out of open files while it answers."""
    serve = f"ulimit -n 300; exec {sys.executable} -m cds_hooks.commands.main serve"
    environment = {**os.environ, "CRD_PORT": str(free_port())}

    ended = subprocess.run(
        ["sh", "-c", serve], env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert ended.returncode == 2
    assert "CRD_CONNECTIONS=256: needs 896 open files; the limit here is 300" in ended.stderr


def test_a_call_is_answered_on_a_connection_that_was_used_before(service: Any, example: Any) -> None:
    with requests.Session() as session:
        for _ in range(3):
            response = session.post(service.base + SIGN, json=example("m0076-order-sign"), timeout=60)
            assert response.status_code == 200
            assert "close" not in response.headers.get("Connection", "")


def late(seen: dict[float, Sample]) -> list[float]:
    """When a connection is late, with 10 s for requests and 30 s for silence, if it is seen so at those times."""
    patience = Patience(busy=10, idle=30)
    return [when for when, sample in seen.items() if patience.find_late({"client": sample}, when)]


def test_a_request_that_trickles_is_late_however_often_something_comes() -> None:
    """The answer before ended 5 s before the first look."""
    assert late({t: Sample(sent=5.0 + t, received=0.1) for t in range(20)})[0] == 10


def test_a_request_is_under_way_only_since_the_last_answer() -> None:
    """Busy connections have a request under way at every look, but never the same one."""
    assert late({t: Sample(sent=0.9, received=0.1) for t in range(100)}) == []


def test_a_request_that_began_between_two_looks_counts_from_its_data() -> None:
    assert late({t: Sample(sent=60, received=4 + t) for t in range(20)})[0] == 6


def test_an_idle_connection_may_be_silent_for_longer() -> None:
    assert late({t: Sample(sent=t, received=t + 0.01) for t in range(40)})[0] == 30


def test_who_takes_a_byte_now_and_then_is_late_all_the_same() -> None:
    assert late({t: Sample(sent=0.1, received=50, is_clogged=True) for t in range(20)})[0] in range(1, 11)


def test_new_connections_have_their_own_time() -> None:
    patience = Patience(busy=10, idle=30)
    for now in range(9):
        assert not patience.find_late({"old": Sample(now, now, is_asking=True)}, now)

    assert not patience.find_late({"new": Sample(0, 0, is_asking=True)}, 9)
    assert not patience.find_late({"new": Sample(9, 9, is_asking=True)}, 18)
    assert patience.find_late({"new": Sample(10, 10, is_asking=True)}, 19) == {"new"}
