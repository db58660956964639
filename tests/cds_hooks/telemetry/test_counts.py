"""What is counted is passed on once, whole, by whichever thread it was counted."""

from math import inf
from threading import Thread

from cds_hooks.telemetry.counts import Counts

SECONDS = "seconds"


def test_a_bucket_has_what_is_not_above_its_bound() -> None:
    """As Prometheus has it: `le`, less than or equal."""
    counts = Counts({SECONDS: (0.1, 1.0, inf)})
    for value in (0.05, 0.1, 0.5, 1.0, 7.0):
        counts.observe((SECONDS, ("order-sign",)), value)

    assert counts.take().observed == {(SECONDS, ("order-sign",)): ([2, 2, 1], 8.65)}


def test_what_was_taken_is_not_taken_again() -> None:
    counts = Counts({SECONDS: (inf,)})
    counts.add(("calls", ()), 1)
    counts.observe((SECONDS, ()), 2.0)

    first = counts.take()
    counts.add(("calls", ()), 5)

    assert first.sums == {("calls", ()): 1}
    assert counts.take() == ({("calls", ()): 5}, {})


def test_no_count_of_many_threads_is_lost() -> None:
    counts, taken = Counts({SECONDS: (inf,)}), []

    def count() -> None:
        for _ in range(2000):
            counts.add(("calls", ()), 1)
            counts.observe((SECONDS, ()), 1.0)

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken.append(counts.take())
    taken.append(counts.take())

    assert sum(one.sums.get(("calls", ()), 0) for one in taken) == 8000
    assert sum(sum(buckets) for one in taken for buckets, _ in one.observed.values()) == 8000
