"""Asking a payer's own service: within its time, left alone while it fails, and never believed about others."""

import subprocess  # noqa: F401 - a test here starts a process (tests/conftest.py)
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cards import LookUp, Member, MemberHint
from cds_hooks.errors import StartError
from cds_hooks.members import service_client
from cds_hooks.members.service_client import FAILURES, MemberService, read_token
from cds_hooks.rules.loading import Rules
from tests.free_ports import free_port
from tests.member_service import SYSTEM, MemberServiceProcess


@pytest.fixture(scope="module", name="payer")
def _payer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemberServiceProcess]:
    process = MemberServiceProcess(tmp_path_factory.mktemp("payer"))
    yield process
    process.stop()


@pytest.fixture(name="open_client")
def _open_client(payer: MemberServiceProcess) -> Iterator[Callable[..., MemberService]]:
    """Return what makes clients of the service, which does well at the start."""
    payer.do("well")
    opened = []

    def open_client(base: str = payer.base, token: str | None = None) -> MemberService:
        opened.append(MemberService(base, token, private=True, threads=8))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


Open = Callable[..., MemberService]


def hint(subscriber: str | None) -> MemberHint:
    numbers = ((SYSTEM, "C-1"),)
    return MemberHint("example-health-plan", frozenset(), subscriber, "1971-04-02", is_self=True, sent=numbers)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def look_up(client: MemberService, subscriber: str | None = "EX-4711", seconds: float = 5.0) -> LookUp:
    return client.find_member(hint(subscriber), soon(seconds)).look_up


def member_of(client: MemberService) -> Member:
    found = client.find_member(hint("EX-4711"), soon()).member
    assert found
    return found


def test_a_member_is_asked_for_by_ids_and_birth_date_and_nothing_in_the_url(
    open_client: Open, payer: MemberServiceProcess
) -> None:
    member = member_of(open_client(token="t0ken"))  # noqa: S106 (of this test alone)

    assert (member.id.value, member.plans, member.key) == ("EX-4711", {"example-health-plan"}, "k-4711")
    assert payer.asked[-1] == [
        "/payer/find-member",
        {
            "payer": "example-health-plan",
            "identifiers": [{"system": SYSTEM, "value": "C-1"}],
            "subscriberId": "EX-4711",
            "birthDate": "1971-04-02",
            "isSubscriber": True,
        },
        "Bearer t0ken",
    ]


@pytest.mark.parametrize(("subscriber", "expected"), [("EX-0", LookUp.NONE), ("EX-TWINS", LookUp.SEVERAL)])
def test_nobody_and_several_are_told_apart(subscriber: str, expected: LookUp, open_client: Open) -> None:
    assert look_up(open_client(), subscriber) is expected


def test_without_an_id_the_service_is_not_asked(open_client: Open, payer: MemberServiceProcess) -> None:
    before = len(payer.asked)

    assert look_up(open_client(), None) is LookUp.NO_ID
    assert len(payer.asked) == before


def test_authorizations_of_another_member_are_none_of_ours(open_client: Open, rules: Rules) -> None:
    """The service sends them all the same."""
    client = open_client()
    member = member_of(client)

    held = client.find_authorizations(member, rules.vocabulary.code_systems, soon())

    assert held is not None
    assert [(one.number, one.member) for one in held] == [("PA-77", member.id)]


@pytest.mark.parametrize("what", ["500", "garbage", "redirect", "slow"])
def test_however_the_service_fails_nobody_can_tell(
    what: str, open_client: Open, payer: MemberServiceProcess, rules: Rules
) -> None:
    client = open_client()
    member = member_of(client)
    payer.do(what)
    started = time.monotonic()

    assert look_up(client, seconds=0.5) is LookUp.FAILED
    assert client.find_authorizations(member, rules.vocabulary.code_systems, soon(0.5)) is None
    assert time.monotonic() - started < 4  # and not the five seconds that the service takes


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        ("member", '{"members": null}'),
        ("member", '{"members": [{"key": "k-1", "coverages": []}]}'),
        ("member", '{"members": [{"key": "k-1", "id": {"value": ""}, "coverages": []}]}'),
        ("member", '{"members": [{"key": "k-1", "id": {"value": "A"}, "coverages": [{"plan": "p", "coveredTo": "2027-02-29"}]}]}'),
        ("authorizations", '{"members": []}'),
        ("authorizations", '{"authorizations": [{"number": "", "member": "k-4711", "codes": []}]}'),
        ("authorizations", '{"authorizations": [{"number": "P", "member": "k-4711", "codes": [], "used": -5}]}'),
        ("authorizations", '{"authorizations": [{"number": "P", "member": "k-4711", "codes": [], "side": "Left"}]}'),
    ],
)  # fmt: skip
def test_json_that_is_no_answer_is_a_failure(
    function: str, answer: str, open_client: Open, payer: MemberServiceProcess, rules: Rules
) -> None:
    """An amount below nothing would leave more of an authorization than there is."""
    client = open_client()
    member = member_of(client)
    payer.do(answer)

    if function == "member":
        assert look_up(client) is LookUp.FAILED
    else:
        assert client.find_authorizations(member, rules.vocabulary.code_systems, soon()) is None


def test_a_service_that_fails_is_left_alone_and_asked_again_later(
    open_client: Open, payer: MemberServiceProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_client, "SECONDS_OPEN", 1)
    client = open_client()
    payer.do("500")
    for _ in range(FAILURES):
        assert look_up(client) is LookUp.FAILED
    asked = len(payer.asked)

    assert look_up(client) is LookUp.FAILED
    assert len(payer.asked) == asked

    payer.do("well")
    ends = soon(20)
    while look_up(client) is LookUp.FAILED and time.monotonic() < ends:
        time.sleep(0.05)
    assert look_up(client) is LookUp.FOUND


def test_time_that_is_over_is_no_failure_of_the_service(open_client: Open, payer: MemberServiceProcess) -> None:
    client = open_client()
    asked = len(payer.asked)
    for _ in range(FAILURES + 1):
        assert look_up(client, seconds=-1) is LookUp.FAILED

    assert len(payer.asked) == asked
    assert look_up(client) is LookUp.FOUND


def test_a_service_that_is_not_there_is_a_failure(open_client: Open) -> None:
    assert look_up(open_client(f"http://127.0.0.1:{free_port()}/payer")) is LookUp.FAILED


@pytest.mark.parametrize("base", ["http://payer.example", "https://payer.example/?x", "https://u:p@payer.example"])
def test_a_service_that_may_not_be_called_stops_the_start(base: str) -> None:
    """Plain http is for services inside, which a setting opens."""
    with pytest.raises(StartError, match="CRD_MEMBERS"):
        MemberService(base, None, private=False, threads=8)


def test_an_address_inside_is_not_called_unless_the_setting_opens_it() -> None:
    client = MemberService(f"https://127.0.0.1:{free_port()}", None, private=False, threads=8)

    assert look_up(client) is LookUp.FAILED
    client.close()


@pytest.mark.parametrize("text", ["", "two words", "line\nbreak", "\u00e9"])
def test_a_file_without_a_token_stops_the_start_and_is_not_repeated(text: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(StartError) as refused:
        read_token(path)

    assert not text or text not in str(refused.value)
