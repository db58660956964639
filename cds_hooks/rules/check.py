"""What is wrong with a folder of policies: files that break their rules, cases that are missing or fail."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cards import Policy
from cds_hooks.errors import StartError
from cds_hooks.rules.cases import NOTHING, Case, answer_order, edge_days, expectation, is_as_expected, read_cases
from cds_hooks.rules.loading import Rules

#: How the loaders say what is wrong inside a file: the file, the JSON path, the reason.
_INSIDE_A_FILE: Final = re.compile(r"(?P<file>.+?\.json): (?P<path>\$.*?): (?P<problem>.+)")

#: How long after the last version's start a case must ask, to see that nothing ends a policy silently.
_LONG: Final = timedelta(days=365)


class Flaw(NamedTuple):
    """Something to put right: where, what, and for a case that fails its name, what it expects and what it got."""

    file: str
    path: str | None
    problem: str
    case: str | None = None
    expected: str | None = None
    got: str | None = None


class Checked(NamedTuple):
    """The outcome of a check: how many policies and cases were looked at, and what was found."""

    policies: int
    cases: int
    flaws: tuple[Flaw, ...]


def read_flaws(error: StartError) -> tuple[Flaw, ...]:
    """Return what a loader found inside files; an error about anything else is raised again: nothing was read."""
    found = [_INSIDE_A_FILE.fullmatch(line) for line in str(error).splitlines()]
    flaws = tuple(Flaw(match["file"], match["path"], match["problem"]) for match in found if match)
    if len(flaws) != len(found):
        raise error
    return flaws


def check_policies(rules: Rules, cases_folder: Path) -> Checked:
    """Check that every policy has cases, that they reach its edges, and that all pass."""
    flaws: list[Flaw] = []
    count = 0
    for policy in rules.index.policies.values():
        path = cases_folder / f"{policy.id}.json"
        try:
            cases = _read_present(path)
        except StartError as error:
            flaws += read_flaws(error)
            continue
        count += len(cases)
        flaws += [*_missing(policy, cases, path), *_failing(policy, cases, path, rules)]
    return Checked(len(rules.index.policies), count, tuple(flaws))


def _read_present(path: Path) -> tuple[Case, ...]:
    return read_cases(path) if path.exists() else ()


def _missing(policy: Policy, cases: Sequence[Case], path: Path) -> Iterator[Flaw]:
    """Yield what no case asks: each outcome, and the days on which the policy changes."""
    if not cases:
        yield Flaw(str(path), None, f"no cases: the policy {policy.id} needs this file")
        return
    expected = {case.expect for case in cases}
    if NOTHING not in expected:
        yield Flaw(str(path), "$.cases", "no case expects nothing: add an order that is none of the policy's business")
    if not expected & {"covered", "not-covered"}:
        yield Flaw(str(path), "$.cases", "no case expects covered or not-covered")
    yield from _missing_days(policy, cases, path)


def _missing_days(policy: Policy, cases: Sequence[Case], path: Path) -> Iterator[Flaw]:
    asked = {case.on for case in cases}
    days = edge_days(policy)
    for start in days:
        before = start - timedelta(days=1)
        if before not in asked:
            yield Flaw(str(path), "$.cases", f"no case on {before}, the day before the version of {start}")
        if start not in asked:
            yield Flaw(str(path), "$.cases", f"no case on {start}, the first day of its version")
    if days and max(asked) <= days[-1] + _LONG:
        yield Flaw(str(path), "$.cases", f"no case more than a year after {days[-1]}, the start of the last version")


def _failing(policy: Policy, cases: Sequence[Case], path: Path, rules: Rules) -> Iterator[Flaw]:
    for case in cases:
        answer = answer_order(case.order, policy.id, case.on, rules)
        if not is_as_expected(case, answer):
            yield Flaw(str(path), case.path, "the case fails", case.name, expectation(case), answer.as_written)
