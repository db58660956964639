"""The threads that wait for servers: a slow one leaves some for the others."""

from contextlib import ExitStack

import pytest

from cds_hooks.outbound.places import Place, read_place
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.outbound.thread_shares import ThreadShares


def server(name: str) -> Place:
    place = read_place(f"https://{name}/fhir")
    assert place is not None
    return place


def fill(shares: ThreadShares, name: str, stack: ExitStack) -> int:
    """Hold threads for a server until it gets no more, and return how many it got."""
    held = 0
    while is_held(shares, name, stack):
        held += 1
    return held


def is_held(shares: ThreadShares, name: str, stack: ExitStack) -> bool:
    try:
        stack.enter_context(shares.hold(server(name)))
    except FetchError as error:
        return error.problem is not Problem.BUSY
    return True


@pytest.mark.parametrize(
    ("threads", "alone"), [(1, 1), (2, 1), (4, 2), (8, 4), (16, 9), (48, 28), (64, 37), (256, 149)]
)
def test_a_server_alone_has_most_of_the_threads_but_never_all(threads: int, alone: int) -> None:
    with ExitStack() as stack:
        assert fill(ThreadShares(threads), "slow.example", stack) == alone


@pytest.mark.parametrize("slow", [1, 2, 3])
def test_whatever_waits_for_slow_servers_another_server_finds_a_thread(slow: int) -> None:
    shares = ThreadShares(16)
    with ExitStack() as stack:
        for number in range(slow):
            assert fill(shares, f"slow-{number}.example", stack) >= 1

        with shares.hold(server("other.example")):
            pass


def test_all_servers_of_one_domain_leave_threads_for_another() -> None:
    """Whoever has a domain can name any number of servers in it."""
    shares = ThreadShares(16)
    with ExitStack() as stack:
        held = [fill(shares, f"slow-{number}.evil.example", stack) for number in range(100)]

        assert (held[0], sum(held)) == (9, 11)
        with shares.hold(server("ehr.example.org")):
            pass


def test_two_servers_of_one_domain_are_two_servers() -> None:
    """Many clients have their FHIR servers at one vendor."""
    shares = ThreadShares(16)
    with ExitStack() as stack:
        fill(shares, "one.vendor.example", stack)

        with shares.hold(server("two.vendor.example")):
            pass


@pytest.mark.parametrize("hosts", [("127.0.0.1:1", "127.0.0.1:2"), ("10.0.0.1", "10.1.0.1"), ("[::1]:1", "[::1]:2")])
def test_two_addresses_are_of_no_one_domain(hosts: tuple[str, str]) -> None:
    shares = ThreadShares(4)
    with shares.hold(server(hosts[0])), shares.hold(server(hosts[0])), shares.hold(server(hosts[1])):
        assert len(shares) == 3


def test_calls_that_read_nothing_find_threads_whatever_waits() -> None:
    shares = ThreadShares(16)
    with ExitStack() as stack:
        for number in range(100):
            fill(shares, f"slow-{number}.example", stack)

        assert len(shares) == 14


def test_a_thread_that_waited_is_free_again() -> None:
    shares = ThreadShares(16)
    for _ in range(3):
        with ExitStack() as stack:
            assert fill(shares, "slow.example", stack) == 9
        assert len(shares) == 0

    with pytest.raises(ZeroDivisionError), shares.hold(server("slow.example")):
        1 / 0  # noqa: B018 (whatever goes wrong inside)
    assert len(shares) == 0
