"""The outgoing door against servers that really run: a FHIR server, and one that misbehaves in every way we know."""

import gc
import io
import json
import logging
import shutil
import socket
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.errors import StartError
from cds_hooks.fhir import capabilities, connections
from cds_hooks.fhir.access import MOST_SIDE_BY_SIDE, Answer, FhirAccess, FhirServer, Partial
from cds_hooks.fhir.client import FhirClient
from cds_hooks.fhir.messages import Call
from cds_hooks.outbound.places import Place
from cds_hooks.outbound.problems import Problem
from cds_hooks.telemetry.logs import flush
from tests.fhir.servers import RunningServer, start_odd_server

pytest_plugins = ["tests.fhir.fixtures"]

TOKEN = "t0p-s3cret"  # noqa: S105 (of the tests)

PATIENT = {"resourceType": "Patient", "id": "p1", "active": True}
PRACTITIONER = {"resourceType": "Practitioner", "id": "p1", "active": True}
PAYER = {"resourceType": "Organization", "id": "o1", "name": "Example Health Plan"}
COVERAGES = [
    {
        "resourceType": "Coverage",
        "id": f"c{number}",
        "status": "active",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"reference": "Organization/o1"}],
    }
    for number in range(5)
]
RECORDS = (PATIENT, PRACTITIONER, PAYER, *COVERAGES)

READ = "Organization/1"
SEARCH = "Coverage?patient=1&status=active"
WITH_PAYER = "Coverage?patient=p1&status=active&_include=Coverage:payor"


def soon(seconds: float = 5) -> float:
    return time.monotonic() + seconds


def at(server: RunningServer, behaviour: str) -> FhirServer:
    return FhirServer(f"{server.base}/{behaviour}", TOKEN)


def real(server: RunningServer) -> FhirServer:
    return FhirServer(server.base, server.token)


def ask(client: FhirClient, server: FhirServer, url: str = READ, seconds: float = 5) -> Answer:
    return client.fetch(server, [url], soon(seconds))[url]


def ids(answer: Answer) -> list[str]:
    assert isinstance(answer, tuple), answer
    return [record.resource["id"] for record in answer]


@pytest.fixture(scope="module", name="client")
def _client() -> Iterator[FhirClient]:
    """A client that may call servers on this machine."""
    client = FhirClient(FhirAccess(private=True))
    yield client
    client.close()


@pytest.fixture(scope="module", name="make_client")
def _make_client() -> Iterator[Callable[..., FhirClient]]:
    """Make clients with access of their own; the same one again for the same access, since authorities load slowly."""
    made: dict[str, FhirClient] = {}

    def make(**access: Any) -> FhirClient:
        key = repr(access)
        made[key] = made.get(key) or FhirClient(FhirAccess(**{"private": True, **access}))
        return made[key]

    yield make
    for client in made.values():
        client.close()


# --- with a real FHIR server ----------------------------------------------------------------------------------------


def test_a_read_brings_the_record_that_was_asked_for(client: FhirClient, fhir_server: Any) -> None:
    """CRD-56, CRD-57, HK-61, X-2: the token is on the call, without it this server refuses."""
    server = fhir_server(*RECORDS)

    [record] = ask(client, real(server), "Practitioner/p1")

    assert record.resource["active"] is True
    assert json.loads(record.raw) == record.resource
    assert ask(client, FhirServer(server.base, "wrong"), "Practitioner/p1") is Problem.REFUSED
    assert ask(client, real(server), "Practitioner/p9") is Problem.NOT_THERE


def test_a_search_brings_matches_and_included_records_of_all_pages(client: FhirClient, fhir_server: Any) -> None:
    server = fhir_server(*RECORDS, options=("--page-size", "2"))

    answer = ask(client, real(server), WITH_PAYER)

    assert sorted(set(ids(answer))) == ["c0", "c1", "c2", "c3", "c4", "o1"]
    assert all(json.loads(record.raw) == record.resource for record in answer)


def test_a_search_without_matches_is_an_answer(client: FhirClient, fhir_server: Any) -> None:
    """4.5: asked and nothing there is not the same as not known."""
    assert ask(client, real(fhir_server(*RECORDS)), "Coverage?patient=p9") == ()


def test_several_urls_go_as_one_batch(client: FhirClient, fhir_server: Any) -> None:
    """CRD-62, spec 5.6: one POST of GET entries, answered in the same order, each with its status."""
    server = fhir_server(*RECORDS)
    before = len(server.log())

    answers = client.fetch(real(server), ["Practitioner/p1", "Practitioner/p9", WITH_PAYER], soon())

    assert ids(answers["Practitioner/p1"]) == ["p1"]
    assert answers["Practitioner/p9"] is Problem.NOT_THERE
    assert set(ids(answers[WITH_PAYER])) == {"c0", "c1", "c2", "c3", "c4", "o1"}
    [call] = server.log()[before:]
    assert (call["method"], call["url"]) == ("POST", "/fhir")
    assert call["batch"] == ["Practitioner/p1", "Practitioner/p9", WITH_PAYER]


def test_a_search_in_a_batch_is_followed_to_its_last_page(client: FhirClient, fhir_server: Any) -> None:
    server = fhir_server(*RECORDS, options=("--page-size", "2"))

    answers = client.fetch(real(server), ["Practitioner/p1", "Coverage?patient=p1"], soon())

    assert ids(answers["Coverage?patient=p1"]) == ["c0", "c1", "c2", "c3", "c4"]


def test_a_server_without_batch_is_asked_by_single_reads_and_remembered(client: FhirClient, fhir_server: Any) -> None:
    """CRD-62. Single reads are in parallel: two of 300 ms take less than their sum."""
    server = fhir_server(*RECORDS, options=("--no-batch", "--delay-ms", "300"))
    urls = ["Practitioner/p1", "Organization/o1"]
    client.fetch(real(server), urls, soon())

    def fetch() -> float:
        begun = time.monotonic()
        answers = client.fetch(real(server), urls, soon())
        assert [ids(answers[url]) for url in urls] == [["p1"], ["o1"]]
        return time.monotonic() - begun

    assert any(fetch() < 0.59 for _ in range(10))  # one after the other they never take less, on any machine
    methods = [call["method"] for call in server.log()]
    assert methods == ["POST"] + ["GET"] * (len(methods) - 1)


def test_what_was_remembered_of_a_server_is_tried_again(
    make_client: Any, fhir_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "SECONDS_REMEMBERED", 0.0)
    server = fhir_server(*RECORDS, options=("--no-batch",))
    client, before = make_client(), len(server.log())

    for _ in range(2):
        client.fetch(real(server), ["Practitioner/p1", "Organization/o1"], soon())

    assert [call["method"] for call in server.log()[before:]] == ["POST", "GET", "GET"] * 2


@pytest.mark.parametrize("other", [(), ("Practitioner/p1",)])
def test_a_server_that_knows_no_include_is_asked_without(other: Any, client: FhirClient, fhir_server: Any) -> None:
    """Spec 5.6: `_include` is not guaranteed. Once more, on its own as well as in a batch."""
    server = fhir_server(*RECORDS, options=("--no-include",))
    before = len(server.log())

    answers = client.fetch(real(server), [WITH_PAYER, *other], soon())

    assert ids(answers[WITH_PAYER]) == ["c0", "c1", "c2", "c3", "c4"]
    assert server.log()[before:][1]["url"] == "/fhir/Coverage?patient=p1&status=active"
    assert len(server.log()) == before + 2


def asked_of(server: RunningServer, before: int = 0) -> list[str]:
    return [call["url"].removeprefix("/fhir/") for call in server.log()[before:]]


@pytest.mark.parametrize(
    ("options", "search"),
    [
        (("--rename", "patient=member"), "Coverage?member=p1&status=active"),
        (("--rename", "patient=member", "--rename", "status=state"), "Coverage?member=p1&state=active"),
        (("--rename", "patient="), "Coverage?beneficiary=p1&status=active"),
    ],
)
def test_a_server_that_has_other_names_for_search_parameters_is_asked_in_its_own(
    options: tuple[str, ...], search: str, make_client: Any, fhir_server: Any
) -> None:
    """CRD-60: its CapabilityStatement says them, with FHIR's definition beside each; it is read once."""
    server = fhir_server(*RECORDS, options=(*options, "--page-size", "2"))
    client, before, plain = make_client(), len(server.log()), "Coverage?patient=p1&status=active"

    for _ in range(2):
        assert ids(ask(client, real(server), WITH_PAYER)) == ["c0", "c1", "c2", "c3", "c4"]

    asked = [url for url in asked_of(server, before) if "_offset" not in url]
    assert asked == [WITH_PAYER, plain, "metadata", search, WITH_PAYER, plain, search]


def test_a_search_in_a_batch_is_asked_again_in_the_servers_own_names(make_client: Any, fhir_server: Any) -> None:
    """CRD-60, CRD-62: the batch's other entries are not asked again."""
    server = fhir_server(*RECORDS, options=("--rename", "patient=member", "--no-include"))

    answers = make_client(most_pages=3).fetch(real(server), ["Practitioner/p1", "Coverage?patient=p1"], soon())

    assert [len(ids(answer)) for answer in answers.values()] == [1, 5]
    assert asked_of(server) == ["/fhir", "metadata", "Coverage?member=p1"]


def test_the_search_for_the_servers_own_names_keeps_to_the_deadline(make_client: Any, fhir_server: Any) -> None:
    """CRD-60 gets no time of its own: search, CapabilityStatement and search would be 900 ms here."""
    server = fhir_server(*RECORDS, options=("--rename", "patient=member", "--delay-ms", "300"))
    begun = time.monotonic()

    answer = ask(make_client(most_pages=4), real(server), "Coverage?patient=p1", seconds=0.7)

    assert answer in (Problem.TOO_LATE, Problem.FAILED)  # FAILED, the first answer, where this machine is that slow
    assert time.monotonic() - begun < LONG_BEFORE


@pytest.mark.parametrize("number", [400, 404, 422])
def test_a_refusal_stays_where_no_name_deviates(number: int, make_client: Any, odd_server: RunningServer) -> None:
    """CRD-60: that the CapabilityStatement cannot be had is remembered too."""
    client, server, before = make_client(), at(odd_server, f"status/{number}"), len(odd_server.log())

    for _ in range(2):
        assert ask(client, server, SEARCH) is Problem.FAILED

    base = f"/status/{number}"
    assert [call["url"] for call in odd_server.log()[before:]] == [
        f"{base}/{SEARCH}",
        f"{base}/metadata",
        f"{base}/{SEARCH}",
    ]


def test_a_server_that_takes_no_such_search_is_asked_once_more_only(client: FhirClient, fhir_server: Any) -> None:
    """A real CapabilityStatement in which nothing deviates, and a search that is wrong for another reason."""
    server = fhir_server(*RECORDS)
    before = len(server.log())

    assert ask(client, real(server), "Coverage?color=red") is Problem.FAILED
    assert asked_of(server, before) == ["Coverage?color=red", "metadata"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_refused_access_and_load_are_no_matter_of_names(
    status: int, client: FhirClient, odd_server: RunningServer
) -> None:
    """CRD-60 asks no more of a server that is busy, or that does not want to be asked."""
    before = len(odd_server.log())

    ask(client, at(odd_server, f"status/{status}"), WITH_PAYER)

    assert len(odd_server.log()) == before + 1


def test_the_pages_after_a_prefetched_one_are_read(client: FhirClient, fhir_server: Any) -> None:
    """Spec 4.5: a prefetched Bundle with a next link is the first page only."""
    server = fhir_server(*RECORDS, options=("--page-size", "2"))
    link = {"relation": "next", "url": f"{server.base}/Coverage?patient=p1&_offset=2"}

    assert ids(client.more(real(server), {"resourceType": "Bundle", "link": [link]}, soon())) == ["c2", "c3", "c4"]


def test_a_prefetched_bundle_without_a_next_page_needs_no_server(client: FhirClient) -> None:
    assert client.more(FhirServer("nonsense", None), {"resourceType": "Bundle"}, soon()) == ()


def test_threads_share_connections_and_use_them_again(client: FhirClient, fhir_server: Any) -> None:
    server = fhir_server(*RECORDS)
    before = len(server.log())

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(client, real(server), "Practitioner/p1"), range(40)))

    assert all(ids(answer) == ["p1"] for answer in answers)
    calls = server.log()[before:]
    assert len(calls) == 40
    assert len({call["connection"] for call in calls}) <= 5


# --- with a server that misbehaves ----------------------------------------------------------------------------------

READS = {
    "good": None,
    "marked": None,
    "decimals": Problem.NOT_FHIR,
    "status/404": Problem.NOT_THERE,
    "status/410": Problem.NOT_THERE,
    "status/401": Problem.REFUSED,
    "status/403": Problem.REFUSED,
    "status/400": Problem.FAILED,
    "status/429": Problem.FAILED,
    "status/500": Problem.FAILED,
    "status/503": Problem.FAILED,
    "status/304": Problem.REDIRECTED,
    "relative-redirect": Problem.REDIRECTED,
    "outcome": Problem.FAILED,
    "other-id": Problem.NOT_FHIR,
    "other-type": Problem.NOT_FHIR,
    "no-id": Problem.NOT_FHIR,
    "html": Problem.NOT_FHIR,
    "empty": Problem.NOT_FHIR,
    "no-content": Problem.NOT_FHIR,
    "array": Problem.NOT_FHIR,
    "truncated": Problem.NOT_FHIR,
    "deep": Problem.NOT_FHIR,
    "repeated": Problem.NOT_FHIR,
    "nan": Problem.NOT_FHIR,
    "packed": Problem.NOT_FHIR,
    "cut-off": Problem.UNREACHABLE,
    "no-http": Problem.UNREACHABLE,
    "reset": Problem.UNREACHABLE,
    "huge": Problem.TOO_LARGE,
    "huge-chunks": Problem.TOO_LARGE,
}


@pytest.mark.parametrize("behaviour", READS)
def test_a_reply_to_a_read_is_believed_only_if_it_is_the_record(
    behaviour: str, client: FhirClient, odd_server: RunningServer
) -> None:
    """X-7, HK-54: what the server did is told apart, nothing is raised, and nothing is asked twice."""
    before = len(odd_server.log())

    answer = ask(client, at(odd_server, behaviour))

    assert (None if isinstance(answer, tuple) else answer) is READS[behaviour]
    assert len(odd_server.log()) == before + 1


SEARCHES = {
    "good": ["1"],
    "warning-entry": [],
    "entries-no-resource": [],
    "paged": ["1", "1", "1"],
    "error-entry": Problem.FAILED,
    "outcome": Problem.FAILED,
    "status/404": Problem.FAILED,
    "status/400": Problem.FAILED,
    "other-type": Problem.NOT_FHIR,
    "entries-odd": Problem.NOT_FHIR,
    "entries-null": Problem.NOT_FHIR,
    "entries-string": Problem.NOT_FHIR,
    "links-odd": Problem.NOT_FHIR,
    "link-number": Problem.NOT_FHIR,
    "next-outside": ["1", Problem.ELSEWHERE],
    "next-upward": ["1", Problem.NOT_FHIR],
    "next-fails": ["1", Problem.FAILED],
    "next-empty": ["1"],
    "endless-pages": ["1"] * 10 + [Problem.TOO_LARGE],
    "nothing-then-elsewhere": Problem.ELSEWHERE,
    "marked": ["1"],
}


@pytest.mark.parametrize("behaviour", SEARCHES)
def test_a_reply_to_a_search_is_believed_only_if_it_is_a_bundle(
    behaviour: str, client: FhirClient, odd_server: RunningServer
) -> None:
    """HK-52: an error inside a Bundle is an error, a warning is none; `paged` has HAPI's links at the base itself.

    What came before a page that cannot be had is an answer too, which says why there is no more.
    """
    answer = ask(client, at(odd_server, behaviour), SEARCH)

    found: Any = answer
    if isinstance(answer, Partial):
        found = [*ids(answer.records), answer.problem]
    elif isinstance(answer, tuple):
        found = ids(answer)
    assert found == SEARCHES[behaviour]


def test_whom_a_searched_record_is_about_is_left_to_its_reader(client: FhirClient, odd_server: RunningServer) -> None:
    """Prefetched records need the same check (spec 4.5), so it is in one place, and that is not here."""
    assert ids(ask(client, at(odd_server, "other-patient"), SEARCH)) == ["2"]


def test_a_number_of_endless_digits_fails_nobody(client: FhirClient, odd_server: RunningServer) -> None:
    answer = ask(client, at(odd_server, "long-number"))

    assert isinstance(answer, tuple) or answer is Problem.NOT_FHIR


def test_as_many_pages_are_read_as_allowed(make_client: Any, odd_server: RunningServer) -> None:
    before = len(odd_server.log())

    partly = ask(make_client(most_pages=2), at(odd_server, "paged"), SEARCH)
    assert isinstance(partly, Partial)
    assert (len(partly.records), partly.problem) == (2, Problem.TOO_LARGE)
    assert len(odd_server.log()) == before + 2
    assert len(ask(make_client(most_pages=3), at(odd_server, "paged"), SEARCH)) == 3


def test_decimals_keep_their_digits(client: FhirClient, odd_server: RunningServer) -> None:
    """FHIR precision is meaning: the record's own bytes are kept, on its own and in a Bundle."""
    [record] = ask(client, at(odd_server, "decimals"), "Observation/1")

    assert record.raw == b'{"resourceType": "Observation", "id": "1", "valueQuantity": {"value": 1.10}}'
    [entry] = ask(client, at(odd_server, "decimals-bundle"), "Observation?patient=1")
    assert entry.raw == b'{"resourceType": "Observation", "id": "1", "valueQuantity": {"value": 1.10}}'


BATCHES = {
    "batch-status/405": 3,
    "batch-status/404": 3,
    "batch-status/400": 3,
    "batch-status/501": 3,
    "batch-status/500": 3,
    "batch-status/307": 3,
    "batch-short": 3,
    "batch-transaction": 3,
    "batch-echo": 3,
    "batch-array": 3,
    "batch-huge": 3,
    "good": 1,
}


@pytest.mark.parametrize("behaviour", BATCHES)
def test_a_batch_that_is_not_done_is_made_up_for_by_single_reads(
    behaviour: str, client: FhirClient, odd_server: RunningServer
) -> None:
    """CRD-62: a batch, single queries or giving up."""
    before = len(odd_server.log())

    answers = client.fetch(at(odd_server, behaviour), [READ, SEARCH], soon())

    assert [ids(answers[url]) for url in (READ, SEARCH)] == [["1"], ["1"]]
    assert len(odd_server.log()) == before + BATCHES[behaviour]


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 504])
def test_a_server_that_refuses_or_is_down_is_not_asked_more(
    status: int, client: FhirClient, odd_server: RunningServer
) -> None:
    before = len(odd_server.log())

    answers = client.fetch(at(odd_server, f"batch-status/{status}"), [READ, SEARCH], soon())

    assert set(answers.values()) == {Problem.REFUSED if status < 404 else Problem.FAILED}
    assert len(odd_server.log()) == before + 1


@pytest.mark.parametrize(("behaviour", "is_remembered"), [("batch-status/500", False), ("batch-huge", False), ("batch-short", True)])  # fmt: skip
def test_only_a_server_that_does_no_batch_is_remembered(
    behaviour: str, is_remembered: bool, make_client: Any, odd_server: RunningServer
) -> None:
    client, server = make_client(), at(odd_server, behaviour)
    client.fetch(server, [READ, SEARCH], soon())
    before = len(odd_server.log())

    client.fetch(server, [READ, SEARCH], soon())

    assert len(odd_server.log()) == before + (2 if is_remembered else 3)


def test_each_entry_of_a_batch_has_a_status_of_its_own(client: FhirClient, odd_server: RunningServer) -> None:
    urls = [f"Practitioner/{status}" for status in (200, 404, 410, 401, 403, 500, 302)]

    answers = client.fetch(at(odd_server, "batch-entry-statuses"), urls, soon())

    assert ids(answers.pop("Practitioner/200")) == ["200"]
    assert list(answers.values()) == [
        Problem.NOT_THERE,
        Problem.NOT_THERE,
        Problem.REFUSED,
        Problem.REFUSED,
        Problem.FAILED,
        Problem.REDIRECTED,
    ]


@pytest.mark.parametrize(("behaviour", "problem"), [("batch-other", Problem.NOT_FHIR), ("batch-no-status", Problem.FAILED)])  # fmt: skip
def test_an_entry_is_believed_only_as_a_reply_would_be(
    behaviour: str, problem: Problem, client: FhirClient, odd_server: RunningServer
) -> None:
    answers = client.fetch(at(odd_server, behaviour), ["Practitioner/1", "Practitioner/2"], soon())

    assert set(answers.values()) == {problem}


# --- time -----------------------------------------------------------------------------------------------------------

#: Seconds: what hangs here would go on for 15 or more, and no machine is so slow that a deadline of 0.3 takes as long.
LONG_BEFORE = 10

SLOW = ["silent", "slow/15", "dripped-status", "dripped-headers", "dripped-body", "dripped-chunks", "continue"]


@pytest.mark.parametrize("behaviour", SLOW)
def test_nothing_goes_on_after_the_deadline(behaviour: str, client: FhirClient, odd_server: RunningServer) -> None:
    """Spec 5.6: one budget, against a server that says nothing as against one that sends byte after byte."""
    begun = time.monotonic()

    answer = ask(client, at(odd_server, behaviour), seconds=0.3)

    assert answer is Problem.TOO_LATE
    assert 0.25 < time.monotonic() - begun < LONG_BEFORE


def test_single_reads_and_pages_share_the_one_deadline(client: FhirClient, odd_server: RunningServer) -> None:
    """A batch that failed, reads beside each other and pages after each other take from the same time."""
    begun = time.monotonic()

    answers = client.fetch(at(odd_server, "batch-status/405"), [READ, SEARCH], soon(0))
    slow = client.fetch(at(odd_server, "slow/15"), [READ, SEARCH], soon(0.1))
    many = client.fetch(at(odd_server, "no-batch-slow/15"), [f"Practitioner/{n}" for n in range(40)], soon(0.3))

    assert time.monotonic() - begun < LONG_BEFORE
    assert {*answers.values(), *slow.values()} == {Problem.TOO_LATE}
    late = list(many.values()).count(Problem.TOO_LATE)
    assert late >= 40 - MOST_SIDE_BY_SIDE


def test_no_time_left_means_no_request(client: FhirClient, odd_server: RunningServer) -> None:
    before = len(odd_server.log())

    assert ask(client, at(odd_server, "good"), seconds=-1) is Problem.TOO_LATE
    assert len(odd_server.log()) == before


def test_a_connection_that_was_too_late_once_is_not_late_for_ever(
    client: FhirClient, odd_server: RunningServer
) -> None:
    """The budget belongs to a call, not to the connection that lies in the pool."""
    assert ids(ask(client, at(odd_server, "good"), seconds=0.3)) == ["1"]
    time.sleep(0.35)
    assert ids(ask(client, at(odd_server, "good"), seconds=0.3)) == ["1"]


def test_looking_up_a_name_takes_from_the_time_too(client: FhirClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that is silent cannot run here for real."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(15))
    begun = time.monotonic()

    assert ask(client, FhirServer("https://slow.example.org/fhir", TOKEN), seconds=0.2) is Problem.TOO_LATE
    assert time.monotonic() - begun < LONG_BEFORE


def test_an_address_that_is_silent_leaves_time_for_the_next(
    client: FhirClient, odd_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full backlog stands for a host behind a firewall; only the name is made up."""
    with socket.socket() as full:
        full.bind(("127.0.0.2", odd_server.port))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", odd_server.port)) for n in (2, 1)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        answer = ask(client, FhirServer(f"http://two.example.org:{odd_server.port}/good", TOKEN), seconds=1)

        for filler in fillers:
            filler.close()
    assert ids(answer) == ["1"]


# --- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["huge-chunks", "endless-chunk-size", "packed"])
def test_no_more_is_held_than_a_response_may_have(behaviour: str, make_client: Any, odd_server: RunningServer) -> None:
    client = make_client(max_bytes=100_000)
    ask(client, at(odd_server, "good"))
    gc.collect()
    tracemalloc.start()
    answer = ask(client, at(odd_server, behaviour))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(answer, Problem)
    assert peak < 1_500_000


# --- the token ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["redirect", "next-elsewhere", "next-user"])
def test_the_token_never_leaves_the_fhir_servers_origin(
    behaviour: str, client: FhirClient, odd_server: RunningServer, other_server: RunningServer
) -> None:
    """X-4, X-7: no redirect and no link takes it elsewhere; elsewhere learns nothing at all."""
    server = at(odd_server, f"{behaviour}/{other_server.port}")

    answers = [ask(client, server, SEARCH), *client.fetch(server, [READ, SEARCH], soon()).values()]

    problems = {one.problem if isinstance(one, Partial) else one for one in answers if not isinstance(one, tuple)}
    assert {Problem.REDIRECTED, Problem.NOT_FHIR, Problem.ELSEWHERE} >= problems
    assert not isinstance(answers[0], tuple)
    assert other_server.log() == []


def test_a_prefetched_link_elsewhere_is_not_followed(
    client: FhirClient, odd_server: RunningServer, other_server: RunningServer
) -> None:
    """Spec 4.5: `next` must be under fhirServer before the token is sent."""
    urls: dict[Any, Problem] = {
        f"{other_server.base}/good/Coverage?page=2": Problem.ELSEWHERE,
        f"{odd_server.base}/paged/Coverage?x=1": Problem.ELSEWHERE,
        7: Problem.NOT_FHIR,
        "//x/y": Problem.ELSEWHERE,
        "http://[": Problem.NOT_FHIR,
        "/%2e%2e/x?y": Problem.NOT_FHIR,
    }
    before = len(odd_server.log())

    for url, problem in urls.items():
        bundle = {"link": [{"relation": "next", "url": url}]}
        assert client.more(at(odd_server, "good"), bundle, soon()) is problem

    assert other_server.log() == []
    assert len(odd_server.log()) == before


def test_a_relative_next_link_is_one_of_the_base(client: FhirClient, odd_server: RunningServer) -> None:
    bundle = {"link": [{"relation": "next", "url": "Coverage?page=2"}]}

    assert ids(client.more(at(odd_server, "good"), bundle, soon())) == ["1"]
    assert odd_server.log()[-1]["url"] == "/good/Coverage?page=2"


def test_the_request_has_the_token_and_asks_for_fhir_json(client: FhirClient, odd_server: RunningServer) -> None:
    """CRD-57, HK-61, X-2."""
    ask(client, at(odd_server, "good"))

    headers = odd_server.log()[-1]["headers"]
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept"] == "application/fhir+json"
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_nothing_is_asked_unless_it_is_allowed(
    token: str | None, client: FhirClient, make_client: Any, odd_server: RunningServer
) -> None:
    """X-8."""
    server, before = FhirServer(f"{odd_server.base}/good", token), len(odd_server.log())

    assert ask(client, server) is Problem.NO_BEARER
    assert len(odd_server.log()) == before
    assert ids(ask(make_client(without_token=True), server)) == ["1"]
    assert "authorization" not in odd_server.log()[-1]["headers"]


@pytest.mark.parametrize("token", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", f" {TOKEN}\n"])
def test_a_token_may_have_its_scheme_or_blanks_around_it(
    token: str, client: FhirClient, odd_server: RunningServer
) -> None:
    """Clients send what they send as the Authorization header themselves."""
    assert ids(ask(client, FhirServer(f"{odd_server.base}/good", token))) == ["1"]
    assert odd_server.log()[-1]["headers"]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "token", ["a\r\nX-Evil: 1", "a b", "\u00e9", "a\0", "Bearer", "Bearer ", "Basic eDp5", "Bearer a b"]
)
def test_a_token_that_is_no_token_goes_nowhere(token: str, make_client: Any, odd_server: RunningServer) -> None:
    before = len(odd_server.log())

    assert ask(make_client(without_token=True), FhirServer(f"{odd_server.base}/good", token)) is Problem.BAD_BEARER
    assert len(odd_server.log()) == before


def test_no_token_and_no_patient_is_in_any_log_or_repr(
    client: FhirClient, odd_server: RunningServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """X-4: urllib3 logs URLs at DEBUG; not even that gets to the root's handlers (caplog's own hears urllib3 directly)."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    caplog.set_level(logging.DEBUG)
    for behaviour in ("good", "reset", "redirect/1", "html", "huge", "cut-off", "batch-status/405"):
        client.fetch(at(odd_server, behaviour), ["Practitioner/ida-1971", "Coverage?patient=ida-1971"], soon())
        ask(client, at(odd_server, behaviour), "Practitioner/ida-1971")
    logging.getLogger().removeHandler(handler)

    flush()
    said = written.getvalue() + "".join(capfd.readouterr()) + repr(at(odd_server, "good"))
    assert "ida" not in said
    assert TOKEN not in said


def test_a_call_keeps_its_token_out_of_its_repr() -> None:
    call = Call(Place("https://a", ()), {"Authorization": f"Bearer {TOKEN}"}, 0)

    assert TOKEN not in repr(call)


def test_the_environment_changes_neither_the_way_nor_the_token(
    client: FhirClient, odd_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests would take a password from .netrc instead of the token, and go through a proxy."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    answer = ask(client, at(odd_server, "good"))

    monkeypatch.undo()
    assert ids(answer) == ["1"]
    assert odd_server.log()[-1]["headers"]["authorization"] == f"Bearer {TOKEN}"


def test_no_cookie_is_kept(client: FhirClient, odd_server: RunningServer) -> None:
    for _ in range(2):
        assert ids(ask(client, at(odd_server, "cookie"))) == ["1"]

    assert "cookie" not in odd_server.log()[-1]["headers"]


# --- which servers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base",
    [
        "http://127.0.0.1:{port}/good",
        "https://127.0.0.1:{port}/good",
        "https://localhost:{port}/good",
        "https://0x7f000001:{port}/good",
        "https://2130706433:{port}/good",
        "https://127.1:{port}/good",
        "https://0.0.0.0:{port}/good",
        "https://[::1]:{port}/good",
        "https://[::]:{port}/good",
        "https://[::ffff:127.0.0.1]:{port}/good",
        "https://[64:ff9b::7f00:1]:{port}/good",
        "https://[2002:7f00:1::]:{port}/good",
        "https://10.0.0.1",
        "https://172.16.0.1",
        "https://192.168.0.1",
        "https://100.64.0.1",
        "https://169.254.169.254/latest",
        "https://[fe80::1]",
        "https://[fc00::1]",
        "https://[fec0::1]",
        "https://[ff02::1]",
        "https://[fd00:ec2::254]",
        "https://224.0.0.1",
        "https://240.0.0.1",
        "https://255.255.255.255",
        "https://168.63.129.16",
    ],
)
def test_addresses_inside_are_not_called(base: str, make_client: Any, odd_server: RunningServer) -> None:
    """X-7: whatever the spelling, what counts is the address."""
    before = len(odd_server.log())
    server = FhirServer(base.format(port=odd_server.port), TOKEN)

    assert ask(make_client(private=False), server, seconds=2) is Problem.FORBIDDEN
    assert len(odd_server.log()) == before


@pytest.mark.parametrize(
    "base",
    [
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://[fe80::1]",
        "https://224.0.0.1",
        "https://0.0.0.0",
        "https://[::]",
        "https://168.63.129.16",
        "http://8.8.8.8",
        "http://[2001:4860:4860::8888]",
    ],
)
def test_private_opens_neither_link_local_addresses_nor_plain_http_to_the_world(base: str, client: FhirClient) -> None:
    """Clouds hand out credentials at link-local addresses; no FHIR server is there."""
    assert ask(client, FhirServer(base, TOKEN), seconds=2) is Problem.FORBIDDEN


def test_the_checked_address_is_the_one_connected_to(
    make_client: Any, odd_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere at a second look (DNS rebinding) is looked up once; only the names are made up."""
    asked = []

    def rebinding(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    assert ids(ask(make_client(), FhirServer(f"http://fhir.example.org:{odd_server.port}/good", TOKEN))) == ["1"]
    assert asked == ["fhir.example.org"]
    monkeypatch.undo()
    assert odd_server.log()[-1]["headers"]["host"] == f"fhir.example.org:{odd_server.port}"


def test_a_name_that_leads_inside_is_not_called(
    make_client: Any, odd_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", odd_server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    assert ask(make_client(private=False), FhirServer("https://fhir.example.org", TOKEN)) is Problem.FORBIDDEN


@pytest.mark.parametrize(
    "base",
    [
        "",
        "fhir",
        "ftp://127.0.0.1/fhir",
        "file:///etc/passwd",
        "http://user@127.0.0.1:{port}/good",
        "http://user:pw@127.0.0.1:{port}/good",
        "http://127.0.0.1:{port}/good?x=1",
        "http://127.0.0.1:{port}/good#x",
        "http://127.0.0.1:{port}/x/../good",
        "http://127.0.0.1:{port}/x/%2e%2E/good",
        "http://127.0.0.1:{port}/x/%252e%252e/good",
        "http://127.0.0.1:{port}/x%2f..%2fgood",
        "http://127.0.0.1:{port}\\good",
        "http://127.0.0.1:{port}//good",
        " http://127.0.0.1:{port}/good",
        "http://127.0.0.1:{port}/good\n",
        "http://127.0.0.1:{port}/go\tod",
        "http://127.0.0.1:99999/good",
        "http://127.0.0.1:0/good",
        "http://\uff11\uff12\uff17.0.0.1:{port}/good",
        "http:/127.0.0.1:{port}/good",
    ],
)
def test_a_fhir_server_is_a_plain_base_url(base: str, client: FhirClient, odd_server: RunningServer) -> None:
    """X-7: a URL that two readers could read differently is not called."""
    before = len(odd_server.log())

    assert ask(client, FhirServer(base.format(port=odd_server.port), TOKEN)) is Problem.FORBIDDEN
    assert len(odd_server.log()) == before


@pytest.mark.parametrize(
    ("allowed", "base", "may"),
    [
        ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir", True),
        ("https://ehr.example.org/fhir/", "https://EHR.example.org:443/fhir/", True),
        ("https://ehr.example.org:443", "https://ehr.example.org/a/b", True),
        ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir/tenant-1", True),
        ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir2", False),
        ("https://ehr.example.org/fhir", "https://ehr.example.org/FHIR", False),
        ("https://ehr.example.org/fhir", "https://ehr.example.org", False),
        ("https://ehr.example.org/fhir", "https://ehr.example.org:8443/fhir", False),
        ("https://ehr.example.org/fhir", "http://ehr.example.org/fhir", False),
        ("https://ehr.example.org/fhir", "https://ehr.example.org.evil.org/fhir", False),
        ("https://ehr.example.org/fhir", "https://evil.org/ehr.example.org/fhir", False),
        ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir/../admin", False),
    ],
)
def test_an_allowed_server_is_allowed_by_origin_and_whole_path_segments(
    allowed: str, base: str, may: bool, make_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-7. The names lead to a closed port: what may be called is UNREACHABLE."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", closed.getsockname())]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        client = make_client(servers=("https://other.example.org", allowed))

        assert ask(client, FhirServer(base, TOKEN)) is (Problem.UNREACHABLE if may else Problem.FORBIDDEN)


def test_an_allowed_server_that_is_no_url_stops_the_start() -> None:
    with pytest.raises(StartError, match="not the base URL"):
        FhirClient(FhirAccess(servers=("ehr.example.org",)))


@pytest.mark.parametrize("url", ["", "Patient", "Patient/..", "Patient/.", "/Patient/1", "../x/Patient/1", "https://evil.org/Patient/1", "Patient/1/..", "Patient/a b", "Coverage?", "Coverage?x=\u00e9", "Coverage?x=1#y", "Patient/1\n"])  # fmt: skip
def test_only_reads_and_searches_are_asked(url: str, client: FhirClient, odd_server: RunningServer) -> None:
    """A reference of an order may become a URL here; one that leads elsewhere is not sent, the others are."""
    before = len(odd_server.log())

    answers = client.fetch(at(odd_server, "good"), [url, READ], soon())

    assert answers[url] is Problem.NOT_FHIR
    assert ids(answers[READ]) == ["1"]
    assert len(odd_server.log()) == before + 1


@pytest.mark.parametrize("url", ["Patient/1", "Patient?_id=1", "Patient/a_b"])
def test_the_patient_is_never_read(url: str, client: FhirClient, odd_server: RunningServer) -> None:
    """X-4, minimum necessary (45 CFR 164.502(b)): nothing of it decides anything, whoever refers to it."""
    before = len(odd_server.log())

    answers = client.fetch(at(odd_server, "good"), [url, READ], soon())
    alone = ask(client, at(odd_server, "good"), url)

    assert answers[url] is alone is Problem.NEVER_READ
    assert ids(answers[READ]) == ["1"]
    assert [call["url"] for call in odd_server.log()[before:]] == [f"/good/{READ}"]


# --- connections ----------------------------------------------------------------------------------------------------


def test_a_closed_port_is_unreachable(client: FhirClient) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert ask(client, FhirServer(f"http://127.0.0.1:{closed.getsockname()[1]}", TOKEN)) is Problem.UNREACHABLE


def test_a_connection_that_the_server_closed_while_idle_fails_no_call(
    client: FhirClient, odd_server: RunningServer
) -> None:
    for _ in range(3):
        assert ids(ask(client, at(odd_server, "closing"))) == ["1"]
        time.sleep(0.05)


def test_a_connection_that_lay_idle_for_long_is_not_used_again(
    client: FhirClient, odd_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may have dropped it without a word; waiting for it would use up the time."""
    for seconds in (30, 30, 0):
        monkeypatch.setattr(connections, "MOST_IDLE_SECONDS", seconds)
        ask(client, at(odd_server, "good"))

    first, second, third = [call["connection"] for call in odd_server.log()[-3:]]
    assert first == second != third


def test_what_a_server_says_too_much_is_not_the_next_answer(client: FhirClient, odd_server: RunningServer) -> None:
    for _ in range(2):
        assert ids(ask(client, at(odd_server, "two-replies"))) == ["1"]
        time.sleep(0.02)
    assert ids(ask(client, at(odd_server, "good"), "Practitioner/2")) == ["2"]


@pytest.fixture(scope="module", name="certificate")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for `localhost` that nobody signed, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the TLS server of the tests needs openssl to make its certificate")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    new = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", *new, *name, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module", name="tls_server")
def _tls_server(certificate: tuple[str, str]) -> Iterator[RunningServer]:
    server = start_odd_server(*certificate)
    yield server
    server.stop()


@pytest.fixture(scope="module", name="trusting")
def _trusting(certificate: tuple[str, str]) -> Iterator[FhirClient]:
    """A client that trusts the certificate, as an operator would make it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", certificate[0])
        client = FhirClient(FhirAccess(private=True))
    yield client
    client.close()


def test_a_certificate_is_trusted_only_from_a_known_authority(
    client: FhirClient, trusting: FhirClient, tls_server: RunningServer
) -> None:
    server = FhirServer(f"https://localhost:{tls_server.port}/good", TOKEN)

    assert ids(ask(trusting, server)) == ["1"]
    assert ids(ask(trusting, server)) == ["1"]
    assert ask(client, server) is Problem.UNREACHABLE


def test_a_certificate_is_trusted_only_for_its_name(trusting: FhirClient, tls_server: RunningServer) -> None:
    """The address is checked beforehand, but the name stays the one that the certificate must have."""
    assert ask(trusting, FhirServer(f"https://127.0.0.1:{tls_server.port}/good", TOKEN)) is Problem.UNREACHABLE


@pytest.mark.parametrize("behaviour", ["silent", "dripped-headers", "dripped-body"])
def test_tls_does_not_stretch_the_deadline(behaviour: str, trusting: FhirClient, tls_server: RunningServer) -> None:
    begun = time.monotonic()

    answer = ask(trusting, FhirServer(f"https://localhost:{tls_server.port}/{behaviour}", TOKEN), seconds=0.3)

    assert answer is Problem.TOO_LATE
    assert 0.25 < time.monotonic() - begun < LONG_BEFORE


def test_a_tls_handshake_ends_at_the_deadline(client: FhirClient) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        begun = time.monotonic()

        assert (
            ask(client, FhirServer(f"https://127.0.0.1:{mute.getsockname()[1]}", TOKEN), seconds=0.2)
            is Problem.TOO_LATE
        )
        assert time.monotonic() - begun < LONG_BEFORE


def test_every_problem_but_a_missing_record_is_technical() -> None:
    assert [problem for problem in Problem if not problem.is_technical] == [Problem.NOT_THERE]
