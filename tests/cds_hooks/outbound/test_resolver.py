"""Look-ups of names that hang hold up only those who ask for these names. A silent name server cannot run here."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cds_hooks.auth.jwks_fetch import JwksFetcher, JwksFetchError
from cds_hooks.fhir.access import FhirAccess, FhirServer
from cds_hooks.fhir.client import FhirClient
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.outbound.resolver import MOST_LOOK_UPS, MOST_OF_A_DOMAIN, Resolver
from tests.waiting import wait_until

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))]
ADDRESSES = [(socket.AF_INET, ("127.0.0.1", 9))]


class NameServer:
    """Answers at once, but for names with `slow` in them, which hang until it is released."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = threading.Event()

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        if "slow" in host:
            self.release.wait(20)
        if "unknown" in host:
            raise socket.gaierror("no such name")
        return FOUND


@pytest.fixture(name="names")
def _names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.release.set()
    monkeypatch.undo()


def problem_of(resolver: Resolver, host: str, seconds: float = 0.05, port: int = 443) -> Problem:
    with pytest.raises(FetchError) as raised:
        resolver.look_up(host, port, seconds)
    return raised.value.problem


@pytest.mark.usefixtures("names")
def test_a_look_up_that_hangs_ends_for_the_caller_at_its_deadline() -> None:
    resolver, begun = Resolver(), time.monotonic()

    assert problem_of(resolver, "slow.example.org", 0.2) is Problem.TOO_LATE
    assert 0.15 < time.monotonic() - begun < 10
    assert resolver.look_up("quick.example.org", 443, 1) == ADDRESSES


def test_a_name_is_looked_up_once_for_all_who_ask_at_the_same_time(names: NameServer) -> None:
    resolver = Resolver()

    with ThreadPoolExecutor(30) as threads:
        asking = [threads.submit(resolver.look_up, "slow.example.org", 443, 10) for _ in range(30)]
        wait_until(lambda: names.asked and not threads._work_queue.qsize())
        time.sleep(0.1)
        names.release.set()

    assert [job.result() for job in asking] == [ADDRESSES] * 30
    assert names.asked == ["slow.example.org"]


def test_what_was_looked_up_is_looked_up_again_by_the_next(names: NameServer) -> None:
    """Addresses are checked at every connection (X-7), so none is remembered."""
    resolver = Resolver()

    for _ in range(2):
        resolver.look_up("ehr.example.org", 443, 1)

    assert names.asked == ["ehr.example.org"] * 2


@pytest.mark.usefixtures("names")
def test_a_name_that_there_is_not_is_told_to_all() -> None:
    with pytest.raises(socket.gaierror):
        Resolver().look_up("unknown.example.org", 443, 1)


@pytest.mark.usefixtures("names")
def test_names_of_one_domain_hold_up_no_other_domain() -> None:
    """Whoever has a domain can make any number of names in it, and a name server that says nothing."""
    resolver = Resolver()

    problems = [problem_of(resolver, f"slow-{n}.evil.example", 0.001) for n in range(MOST_OF_A_DOMAIN + 20)]

    assert problems == [Problem.TOO_LATE] * MOST_OF_A_DOMAIN + [Problem.BUSY] * 20
    assert resolver.look_up("ehr.example.org", 443, 1) == ADDRESSES


def test_as_many_names_hang_as_may_a_name_found_before_is_looked_up(names: NameServer) -> None:
    resolver = Resolver()
    resolver.look_up("ehr.example.org", 443, 1)
    for n in range(MOST_LOOK_UPS):
        problem_of(resolver, f"slow.evil-{n}.example", 0.001)

    assert problem_of(resolver, "new.example.net") is Problem.BUSY
    assert resolver.look_up("ehr.example.org", 443, 1) == ADDRESSES
    assert len(names.asked) == MOST_LOOK_UPS + 2

    names.release.set()
    time.sleep(0.2)
    assert resolver.look_up("new.example.net", 443, 1) == ADDRESSES


def test_a_name_found_before_that_hangs_now_has_no_more_than_its_domain_whatever_its_ports(names: NameServer) -> None:
    names.release.set()
    resolver = Resolver()
    resolver.look_up("slow.evil.example", 443, 1)
    names.release.clear()

    problems = [problem_of(resolver, "slow.evil.example", 0.001, port) for port in range(1, 101)]

    assert problems.count(Problem.TOO_LATE) == MOST_OF_A_DOMAIN
    assert problems.count(Problem.BUSY) == 100 - MOST_OF_A_DOMAIN


@pytest.mark.usefixtures("names")
def test_an_address_is_looked_up_at_no_name_server() -> None:
    resolver = Resolver()
    for n in range(MOST_LOOK_UPS):
        problem_of(resolver, f"slow.evil-{n}.example", 0.001)

    assert resolver.look_up("127.0.0.1", 443, 1) == ADDRESSES


def test_names_of_fhir_servers_that_hang_hold_up_neither_other_servers_nor_keys(names: NameServer) -> None:
    client, keys = FhirClient(FhirAccess(private=True)), JwksFetcher(private=True, seconds=10)

    def read(host: str, seconds: float) -> Any:
        server = FhirServer(f"http://{host}:9/fhir", "t")
        return client.fetch(server, ["Coverage/1"], time.monotonic() + seconds)["Coverage/1"]

    hanging = [threading.Thread(target=read, args=(f"slow-{n}.evil-{n % 2}.example", 20)) for n in range(120)]
    for thread in hanging:
        thread.start()
    time.sleep(0.5)

    # Port 9 is closed: that it is UNREACHABLE shows that the name was looked up.
    answer = read("ehr.example.org", 10)
    with pytest.raises(JwksFetchError, match="unreachable"):  # not too late, which it would be after ten seconds
        keys.fetch("https://keys.example.org:9/jwks.json")
    names.release.set()
    for thread in hanging:
        thread.join()

    assert answer is Problem.UNREACHABLE
    client.close()


HANGING = """
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(600)
from cds_hooks.outbound.problems import FetchError
from cds_hooks.outbound.resolver import Resolver
try:
    Resolver().look_up("slow.example.org", 443, 0.1)
except FetchError as error:
    print(error.problem.name)
"""


def test_a_look_up_that_hangs_does_not_keep_the_process_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, timeout=60, text=True)

    assert (ended.returncode, ended.stdout) == (0, "TOO_LATE\n")
