"""Logging never touches an answer: whatever becomes of standard error, calls are answered and kept as ever."""

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pytest
import requests

from cds_hooks.telemetry.logs import MOST_AT_ONCE, MOST_WAITING
from tests.cds_hooks.telemetry.servers import Metrics, wait_for
from tests.running_service import TODAY
from tests.waiting import wait_until


class Pipe(NamedTuple):
    """The two ends of a pipe."""

    reader: BinaryIO
    writer: RawIOBase


SIGN = "/cds-services/order-sign-crd"


@pytest.fixture(name="pipe")
def _pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb", buffering=0) as writer:
        yield Pipe(reader, writer)


def fill(end: int) -> None:
    """Write to a pipe until it takes no more."""
    flags = fcntl.fcntl(end, fcntl.F_GETFL)
    fcntl.fcntl(end, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (4096, 1):
        try:
            while True:
                os.write(end, b"\n" * size)
        except BlockingIOError:
            continue
    fcntl.fcntl(end, fcntl.F_SETFL, flags)


def kept(service: Any) -> int:
    """Return how many calls a service keeps in its store."""
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3")
    found: int = store.execute("select count(*) from exchanges").fetchone()[0]
    store.close()
    return found


def assert_answers_and_keeps(service: Any, request: Any) -> None:
    before = kept(service)
    for _ in range(5):
        assert requests.get(f"{service.base}/health", timeout=60).json() == {"status": "ok"}
        answer = service.post(SIGN, request)
        assert answer.status_code == 200
        assert "systemActions" in answer.json()
    assert kept(service) == before + 5


def read_all(end: BinaryIO, lines: list[dict[str, Any]]) -> None:
    """Read a pipe to its end; the lines that are empty only filled it."""
    for line in end:
        if line.strip():
            lines.append(json.loads(line))


def test_with_a_full_log_pipe_the_service_starts_answers_and_keeps(
    start_service: Any, pipe: Pipe, example: Any
) -> None:
    """Nobody reads standard error; once somebody does, what waited is there, each record once."""
    fill(pipe.writer.fileno())
    service = start_service(stderr=pipe.writer.fileno(), CRD_WORKERS="2")
    pipe.writer.close()

    assert_answers_and_keeps(service, example("m0076-order-sign"))
    lines: list[dict[str, Any]] = []
    reading = threading.Thread(target=read_all, args=(pipe.reader, lines))
    reading.start()
    wait_until(lambda: sum(line["event"] == "call" and line["method"] == "POST" for line in list(lines)) >= 5)
    service.stop()
    reading.join(60)

    assert sum(line["event"] == "started" for line in lines) == 2
    assert sum(line["event"] == "call" and line["method"] == "POST" for line in lines) == 5


def test_a_full_log_pipe_does_not_hold_up_the_stop(start_service: Any, pipe: Pipe) -> None:
    """Docker waits 10 s before it kills."""
    fill(pipe.writer.fileno())
    service = start_service(stderr=pipe.writer.fileno())
    started = time.monotonic()

    service.stop()

    assert time.monotonic() - started < 9


def test_with_a_closed_log_pipe_calls_are_answered_and_kept(start_service: Any, pipe: Pipe, example: Any) -> None:
    """Who read the logs went away while the service ran; what is lost is counted."""
    metrics = Metrics()
    service = start_service(stderr=pipe.writer.fileno(), **metrics.variables)
    pipe.reader.close()

    assert_answers_and_keeps(service, example("m0076-order-sign"))
    assert wait_for(lambda: metrics.read("crd_log_records_lost_total") >= 10)


def test_without_standard_error_the_service_starts_answers_and_keeps(start_service: Any, example: Any) -> None:
    """`2>&-`: the number of standard error then belongs to a file or connection of the service's own."""
    program = f"{sys.executable} tests/fixed_day_service.py {TODAY.isoformat()} 2>&-"
    service = start_service(["sh", "-c", f"exec {program}"])

    assert_answers_and_keeps(service, example("m0076-order-sign"))
    store = sqlite3.connect(Path(service.log).parent / "crd.sqlite3")
    assert store.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_service_that_stops_writes_its_last_records(start_service: Any) -> None:
    service = start_service()
    for _ in range(50):
        requests.get(f"{service.base}/health", timeout=60)
    service.stop()
    lines = [json.loads(line) for line in Path(service.log).read_text().splitlines()]
    assert sum(line.get("method") == "GET" for line in lines) >= 50
    assert lines[-1]["logger"] == "_granian"  # the server process is the last to speak


def log_from_a_process(code: str, end: int) -> subprocess.Popen[str]:
    """Run code that logs to an end of a pipe."""
    return subprocess.Popen(
        [sys.executable, "-c", f"from cds_hooks.telemetry import logs\n{code}"],
        stderr=end,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_records_that_find_the_queue_full_are_dropped_and_how_many_is_said(pipe: Pipe) -> None:
    """The oldest are written; the memory that waiting records take has a bound."""
    fill(pipe.writer.fileno())
    more = 500
    code = f"for n in range({MOST_WAITING + more}): logs.record('info', 'n', n=n)\nprint(logs.lost(), flush=True)\n"
    process = log_from_a_process(code + "input()\nlogs.record('info', 'after')\n", pipe.writer.fileno())
    pipe.writer.close()
    assert process.stdout is not None
    lost = int(process.stdout.readline())
    lines: list[dict[str, Any]] = []
    reading = threading.Thread(target=read_all, args=(pipe.reader, lines))
    reading.start()
    assert wait_for(lambda: len(lines) > 1)  # now there is room in the queue again
    process.communicate("\n", timeout=60)
    reading.join(60)

    assert more - MOST_AT_ONCE <= lost <= more  # some may be in the middle of being written
    assert sum(line["records"] for line in lines if line["event"] == "log-records-lost") == lost
    written = [line["n"] for line in lines if line["event"] == "n"]
    assert written[:MOST_WAITING] == list(range(MOST_WAITING))
    assert len(written) == MOST_WAITING + more - lost
    assert lines[-1]["event"] == "after"


def test_a_record_that_cannot_be_written_as_json_is_lost_and_nothing_else(pipe: Pipe) -> None:
    """Its facts are not shown: they are not what they should be."""
    code = "logs.record('info', 'before')\nlogs.record('info', 'odd', it=object())\nlogs.record('info', 'after')\n"
    process = log_from_a_process(code, pipe.writer.fileno())
    pipe.writer.close()
    process.communicate(timeout=60)
    lines: list[dict[str, Any]] = []
    read_all(pipe.reader, lines)

    assert process.returncode == 0
    assert [line["event"] for line in lines] == ["before", "log-records-lost", "after"]


def test_a_forked_process_logs_for_itself(pipe: Pipe) -> None:
    """Workers are forked; what waits in the server process is written by it alone."""
    code = """
import os
for n in range(100): logs.record('info', 'parent', n=n)
child = os.fork()
if child == 0:
    for n in range(100): logs.record('info', 'child', n=n)
    logs.flush()
    os._exit(0)
os.waitpid(child, 0)
logs.record('info', 'end')
"""
    process = log_from_a_process(code, pipe.writer.fileno())
    pipe.writer.close()
    process.communicate(timeout=60)
    lines: list[dict[str, Any]] = []
    read_all(pipe.reader, lines)

    assert [line["n"] for line in lines if line["event"] == "parent"] == list(range(100))
    assert [line["n"] for line in lines if line["event"] == "child"] == list(range(100))
    assert lines[-1]["event"] == "end"


def test_the_form_of_a_line_stays(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Time in UTC with Z, level, event, then the facts in their order: what reads the logs relies on it."""
    from cds_hooks.telemetry import logs

    logs.record("warning", "unknown-setting", name="CRD_X", number=1)
    logs.flush()

    line = capfdbinary.readouterr().err
    assert line.endswith(b',"level":"warning","event":"unknown-setting","name":"CRD_X","number":1}\n')
    assert json.loads(line)["time"].endswith("Z")
    assert line.startswith(b'{"time":"20')
