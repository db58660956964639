"""The figures of docs/capacity.md, as `python -m benchmarks.capacity --write` puts them there."""

from collections.abc import Iterable
from typing import Any, Final

from benchmarks.capacity_plan import BUSY, CONNECTIONS, WORKERS, Costs, limits, plan

RATES: Final = (10, 100, 1_000, 10_000)

#: A worker's peak is measured with one kind of call, others are larger; and a replica needs so many MiB besides.
_MEMORY_FACTOR, _MEMORY_BASE = 2.0, 150


def write(page: str, costs: Costs, checked: dict[str, Any]) -> str:
    """Return the page with these figures."""
    page = put(page, "costs", described(costs))
    page = put(page, "needs", table(costs))
    page = put(page, "limits", limits_table(costs))
    return put(page, "check", checked_table(checked)) if checked else page


def put(page: str, name: str, text: str) -> str:
    """Return a page with a part that is written by this command replaced."""
    begin, end = f"<!-- written: {name} -->\n", f"\n<!-- end of {name} -->"
    if begin not in page or end not in page:
        raise ValueError(f"the page has no place for {name}")
    before, _, rest = page.partition(begin)
    return before + begin + text + end + rest.partition(end)[2]


def described(costs: Costs) -> str:
    """Return what the table rests on, in two sentences."""
    memory = WORKERS * costs.peak * _MEMORY_FACTOR + _MEMORY_BASE
    return "\n".join(
        (
            f"A call takes {costs.work.processor:.2f} ms of the service's processor time, with the check of its token,",
            f"{costs.database:.2f} ms of PostgreSQL's, and {costs.record:,.0f} bytes in the store; its commit takes",
            f"{costs.work.commit:.2f} ms beside. A worker had {costs.peak:.0f} MiB at its peak: give a replica of",
            f"{WORKERS} workers {memory:.0f} MiB.",
        )
    )


def table(costs: Costs) -> str:
    """Return the table of needs."""
    heads = ("calls/s", "cores", "replicas", "95 % within", "in flight", "cores of PostgreSQL", "connections to it")
    lines = [_row((*heads, "kept a day", "next limit")), _row(["---"] * 9)]
    borne = limits(costs)
    for need in (plan(rate, costs) for rate in RATES):
        next_one = next((name for name, rate in borne.items() if rate >= need.rate), "none of these")
        cells = (
            f"{need.rate:,}",
            _rounded(need.rate * costs.work.processor / 1000 / BUSY),
            f"{need.replicas}",
            f"{need.p95:.1f} ms",
            _rounded(need.in_flight),
            _rounded(need.database),
            f"{need.workers * CONNECTIONS}",
            f"{_rounded(need.stored / 1e9)} GB",
            next_one,
        )
        lines.append(_row(cells))
    return "\n".join(lines)


def limits_table(costs: Costs) -> str:
    """Return the table of limits."""
    rows = (_row((name, _rounded(rate))) for name, rate in limits(costs).items())
    return "\n".join([_row(("what bears so much", "calls/s")), _row(["---"] * 2), *rows])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rounded(number: float) -> str:
    """Return a number with two figures that mean something."""
    return f"{float(f'{number:.2g}'):,.10g}"


def checked_table(checked: dict[str, Any]) -> str:
    """Return what a check found."""
    heads = ("connections", "worker busy", "calls/s predicted, measured", "p50 (ms)", "p95 (ms)")
    lines = [_row(heads), _row(["---"] * 5)]
    for row in checked["rows"]:
        told, found = row["predicted"], row["measured"]
        digits = (("rate", 0), ("p50", 1), ("p95", 1))
        pairs = [f"{told[name]:.{most}f}, {found[name]:.{most}f}" for name, most in digits]
        lines.append(_row((str(row["connections"]), f"{row['busy']:.0%}", *pairs)))
    machine = checked["machine"]
    where = f"{machine['processor']}, {machine['commit']}, {machine['when']}, load {machine['load at the start']}"
    lines += ["", f"On {where}."]
    if float(machine["load at the start"].split()[0]) > int(machine["processor"].split()[0]):
        lines.append("Other programs wanted more than all of its processor then: run it again on a quiet machine.")
    return "\n".join(lines)
