"""The model behind docs/capacity.md, against what theory knows; the page is what the command writes. Nothing is timed."""

import math
from typing import Any

import pytest

from benchmarks.capacity import PAGE, stored
from benchmarks.capacity_page import put, table, write
from benchmarks.capacity_plan import AFTER, BUSY, RECORD, Costs, limits, plan, read_costs, spread_of
from benchmarks.queueing import Work, simulate_closed, simulate_open

COSTS = Costs(Work(2.0, 0.3, 0.25), database=0.2, peak=120, record=RECORD)


@pytest.mark.parametrize(("busy", "spread"), [(0.3, 0.6), (0.6, 0.3), (0.8, 0.0)])
def test_a_queue_is_as_long_as_pollaczek_and_khinchine_say(busy: float, spread: float) -> None:
    """Wait = rate x E[S^2] / (2 (1 - busy)), where all that a call needs is processor time."""
    work = Work(2.0, spread, commit=0.0)
    square = work.processor**2 * math.exp(spread**2)
    expected = work.processor + busy / work.processor * square / (2 * (1 - busy))

    assert simulate_open(1000 * busy / work.processor, work, calls=120_000).mean == pytest.approx(expected, rel=0.06)


def test_calls_that_come_one_after_the_other_wait_for_nobody() -> None:
    found = simulate_closed(1, 5.0, Work(2.0, 0.0, 0.25), calls=2_000)

    assert found.times[0] == pytest.approx(2.25)
    assert found.times[-1] == pytest.approx(2.25)


def test_connections_that_do_not_pause_keep_a_worker_busy_and_share_it() -> None:
    """No more than it can do; and each waits for all the others (Little's law)."""
    found = simulate_closed(8, 0.0, Work(2.0, 0.0, 0.5), calls=4_000)

    assert found.rate == pytest.approx(500, rel=0.01)
    assert found.mean == pytest.approx(16, rel=0.02)


def test_calls_share_commits() -> None:
    """A commit that takes ten times as long as a call delays it by two at the most, and not by one for each call."""
    work = Work(1.0, 0.0, commit=10.0)
    found = simulate_open(500, work, calls=5_000)

    assert found.rate == pytest.approx(500, rel=0.05)
    assert found.share(0.5) < 3 * work.commit


def test_after_its_commit_a_call_waits_for_the_interpreter_once_more() -> None:
    """With nobody else it takes as long as before; with others it gets behind those that came meanwhile."""
    work = Work(2.0, 0.0, 0.5)
    divided = work._replace(after=0.15)

    assert simulate_closed(1, 5.0, divided, calls=2_000).times[-1] == pytest.approx(2.5)
    assert simulate_open(300, divided).share(0.95) > 1.1 * simulate_open(300, work).share(0.95)


def test_calls_that_come_by_themselves_take_longer_and_no_more_workers() -> None:
    usual, cold = plan(1_000, COSTS), plan(1_000, COSTS._replace(cold=1.3))

    assert cold.workers == usual.workers
    assert cold.p95 > 1.3 * usual.p95


def test_a_spread_is_found_again_from_two_percentiles() -> None:
    found = simulate_open(1, Work(2.0, 0.4, 0.0), calls=40_000)

    assert spread_of(found.share(0.5), found.share(0.95)) == pytest.approx(0.4, rel=0.05)


def test_more_calls_need_more_workers_and_never_fewer_than_two_replicas() -> None:
    few, many = plan(10, COSTS), plan(1_000, COSTS)

    assert (few.workers, few.replicas, few.is_least) == (4, 2, True)
    assert many.workers == 4  # 1,000 calls of 2 ms keep 2 workers busy, and 3.3 for 60 % of the time
    assert plan(5_000, COSTS).workers == 18
    assert many.database == pytest.approx(1_000 * 0.2 / 1000 / BUSY)
    assert many.in_flight == pytest.approx(1_000 * simulate_open(250, COSTS.work).mean / 1000)


def test_limits_are_told_from_the_nearest_to_the_farthest() -> None:
    found = limits(COSTS)

    assert list(found) == [
        "2 replicas of 2 workers",
        "1 TB of records a day",
        "500 connections to PostgreSQL",
        "16 cores of PostgreSQL",
    ]
    assert list(found.values()) == pytest.approx([1_200, 1e12 / 86_400 / RECORD, 18_750, 48_000])
    last = table(COSTS).splitlines()[-1]
    assert last.endswith("| 1 TB of records a day |")


def test_what_a_call_costs_is_read_from_the_results() -> None:
    def row(part: str, name: str, connections: int, cost: float, **more: Any) -> dict[str, Any]:
        return {"part": part, "name": name, "connections": connections, "cost": cost, "peak": 100.0, **more}

    rows = [
        row("parts", "PostgreSQL", 8, 1800, processor={"database": 200.0}),
        row("parts", "as shipped", 8, 1500),
        row("parts", "as shipped, JWT ES384", 8, 2000),
        row("connections", "as shipped", 1, 1300, p50=1.6, p95=1.6 * math.exp(0.5 * 1.645)),
        row("connections", "+ logs", 1, 900, p50=0.9, p95=1.0),
    ]

    costs = read_costs({"rows": rows})

    assert costs.work == pytest.approx((2.1, 0.5, 0.3, AFTER))
    assert costs.database == pytest.approx(0.2)


def test_only_what_is_written_is_replaced() -> None:
    page = "before\n<!-- written: a -->\nold\n<!-- end of a -->\nafter\n"

    assert put(page, "a", "new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="no place for b"):
        put(page, "b", "new")


def test_the_page_is_what_the_command_writes() -> None:
    page = PAGE.read_text()

    assert write(page, *stored()) == page
    assert "| 10,000 |" in page
