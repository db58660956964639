"""`make demo` as a process: it prints the card, has the EHR on the next port, and stops all it started on SIGTERM."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.documents.snippets import WITH_DEMO, assert_page_does_what_it_says, read
from tests.free_ports import free_port

#: Seconds that a start may take on a machine that has other things to do.
PATIENCE = 120


def _two_free_ports() -> tuple[int, int]:
    """Return a free port whose next one is free, too: the EHR's, where nobody says another."""
    while True:
        port = free_port()
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port + 1))
            return port, port + 1


class Demo:
    """The process, in a folder of its own, and what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.ehr_port = _two_free_ports()
        own = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self._said = folder / "said"
        script = str(ROOT / "scripts" / "demo.py")
        with self._said.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, script, "--port", str(self.port)],
                cwd=folder,
                env=own | {"PYTHONPATH": str(ROOT)},
                stdout=file,
                stderr=file,
            )

    @property
    def said(self) -> str:
        """What it has said."""
        return self._said.read_text()

    def says(self, text: str) -> bool:
        """Wait until it has said something."""
        ends = time.monotonic() + PATIENCE
        while text not in self.said and time.monotonic() < ends and self.process.poll() is None:
            time.sleep(0.05)
        return text in self.said


@pytest.fixture(scope="module", name="demo")
def _demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    if demo.process.poll() is None:
        demo.process.terminate()  # a kill would leave what it started
        demo.process.wait(timeout=PATIENCE)


def test_it_prints_the_card_and_where_everything_is(demo: Demo) -> None:
    assert demo.says(f"invented patients: http://127.0.0.1:{demo.ehr_port}/"), demo.said
    assert "Prolotherapy (M0076) is not covered: considered investigational" in demo.said
    assert f"why they are answered so: http://127.0.0.1:{demo.port}/" in demo.said
    assert "Traceback" not in demo.said


def test_its_ehr_asks_its_service(demo: Demo) -> None:
    ehr = f"http://127.0.0.1:{demo.ehr_port}"
    order = {"codes": "M0076", "day": "2026-11-23", "hook": "order-select"}
    page = requests.post(f"{ehr}/patients/ida/order", data=order, headers={"Origin": ehr}, timeout=60)

    assert "is not covered: considered investigational" in page.text


def test_figures_of_its_calls_are_shown_to_who_has_its_password(demo: Demo) -> None:
    assert demo.says("invented patients")
    found = re.search(r"log in as demo, password (\w+): (\S+)", demo.said)
    assert found
    browser = requests.Session()
    page = browser.get(found[2], timeout=60)
    [token] = set(re.findall(r'name="csrf_token" value="([^"]+)"', page.text))

    login = {"csrf_token": token, "name": "demo", "password": found[1]}
    shown = browser.post(page.url, data=login, headers={"Referer": page.url}, timeout=60)

    assert shown.url == found[2]
    assert "<h1>Insights</h1>" in shown.text


@pytest.mark.parametrize("name", WITH_DEMO)
def test_the_commands_of_a_page_do_with_the_demo_what_it_says(name: str, demo: Demo, tmp_path: Path) -> None:
    """In the folder that `make demo` was started in."""
    assert demo.says("invented patients")
    for part in ("cards", "fhir_examples"):
        shutil.copytree(ROOT / part, demo.folder / part, dirs_exist_ok=True)

    assert_page_does_what_it_says(ROOT / "docs" / name, f"http://127.0.0.1:{demo.port}", demo.folder, tmp_path)


def test_its_calls_are_found_in_the_store_that_is_named(demo: Demo) -> None:
    """docs/records.md: `make demo` keeps its calls in a store of its own."""
    assert demo.says("invented patients")
    [store] = [one.text.strip() for one in read(ROOT / "docs" / "records.md") if "settings" in one.said]
    command = f"{store} {Path(sys.executable).parent}/crd audit find --order ServiceRequest/prolo-1"

    done = subprocess.run(["bash", "-c", command], cwd=demo.folder, capture_output=True, text=True, check=False)

    assert "ServiceRequest/prolo-1 not-covered (evicore-cmm-204@2023-05-31)" in done.stdout, done.stderr


def test_a_port_that_is_taken_is_said_before_anything_starts(demo: Demo) -> None:
    demo.says("invented patients")
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--port", str(demo.port)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"Port {demo.port} of 127.0.0.1 is taken; use another: make demo PORT={demo.port + 10}\n"


def test_on_sigterm_it_ends_with_all_it_started(demo: Demo) -> None:
    demo.process.send_signal(signal.SIGTERM)

    assert demo.process.wait(timeout=PATIENCE) == 143
    for port in (demo.port, demo.ehr_port):
        with pytest.raises(requests.ConnectionError), suppress(requests.Timeout):
            requests.get(f"http://127.0.0.1:{port}/", timeout=60)
