"""What is wrong with a folder of policies: files that break their rules, cases that are missing or fail."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from cards import PayerDirectory, Policy, PolicyIndex, Vocabulary
from cds_hooks.errors import StartError
from cds_hooks.rules.cases import (
    ANY_PAYER,
    NOTHING,
    Case,
    answer_order,
    edge_days,
    expectation,
    is_as_expected,
    read_cases,
)
from cds_hooks.rules.code_slips import find_code_slips
from cds_hooks.rules.folders import (
    POLICY,
    PolicyFiles,
    find_own_folder,
    find_policies,
    folders_without_policy,
    how_to_move,
    list_documents,
)
from cds_hooks.rules.gaps import find_gaps
from cds_hooks.rules.loading import (
    Rules,
    bind_payers,
    load_payers,
    load_vocabulary,
    read_policies,
    read_policy_document,
)
from cds_hooks.rules.own_links import find_dead_links, read_forms
from cds_hooks.rules.questionnaires import load_questionnaires
from cds_hooks.rules.templates import find_unwritten
from cds_hooks.settings import Settings

#: How the loaders say what is wrong in a file: the file, the JSON path where there is one, the reason.
_IN_A_FILE: Final = re.compile(r"(?P<file>.+?\.json): (?:(?P<path>\$.*?): )?(?P<problem>.+)")

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
    """The outcome of a check: how many policies and cases were looked at, and what was found.

    `move` is the command that gives policies in the flat form a folder each; None where there are none. `gaps` are
    what the payers' policies leave open together, and what a new policy's author has not written yet, a sentence each:
    nothing that is wrong by itself.
    """

    policies: int
    cases: int
    flaws: tuple[Flaw, ...]
    move: str | None = None
    gaps: tuple[str, ...] = ()


def check_policies(folder: Path, cases_folder: Path | None, settings: Settings) -> Checked:
    """Check every policy of a folder, or the one whose own folder it is, with its cases.

    What is wrong in one file keeps no other from being checked. The payers bind policies of the configured folder, so
    that they are checked with that one.
    """
    vocabulary = load_vocabulary(settings.vocabulary)
    systems = vocabulary.code_systems
    own = find_own_folder(folder)
    files = {own.id: own} if own else find_policies(folder)
    policies, faults = read_policies(files, vocabulary)
    flaws = [flaw for fault in faults for flaw in _read_flaws(fault)]
    flaws += [Flaw(str(path / POLICY), None, "no such file, but others") for path in folders_without_policy(folder)]
    written = {path: read_policy_document(path) for path in (files[one].policy for one in policies)}
    flaws += [Flaw(str(path), *slip) for path in written for slip in find_code_slips(written[path], systems)]
    flaws += _check_forms(folder, [one.policy for one in files.values()], settings)
    if folder == settings.policies:
        flaws += _check_payers(settings.payers, policies, vocabulary, is_complete=not faults)
    index = PolicyIndex((policies | _others(own, settings, vocabulary)).values(), vocabulary)
    rules = Rules(vocabulary, index, PayerDirectory((ANY_PAYER,)))
    checks = [_check_cases(one.id, one.find_cases(cases_folder), rules) for one in files.values()]
    flaws += [flaw for _, found in checks for flaw in found]
    move = None if own else how_to_move(folder)
    gaps = _find_gaps(settings, policies, vocabulary) if folder == settings.policies and not flaws else ()
    gaps += tuple(_tell_unwritten(written))
    return Checked(len(files), sum(count for count, _ in checks), tuple(flaws), move, gaps)


def _tell_unwritten(written: Mapping[Path, Any]) -> Iterator[str]:
    """Yield the policies that still say what `crd policies new` wrote, and where: cards would say it, too."""
    for path, document in written.items():
        if unwritten := list(find_unwritten(document)):
            yield f"{path}: still has what a new policy starts with: {', '.join(unwritten)}"


def _find_gaps(settings: Settings, policies: Mapping[str, Policy], vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(find_gaps(load_payers(settings.payers, vocabulary).values(), policies))


def _others(own: PolicyFiles | None, settings: Settings, vocabulary: Vocabulary) -> dict[str, Policy]:
    """Return the policies that a single one is asked among: another's terms in a text may name another service."""
    if own is None:
        return {}
    policies, _ = read_policies(find_policies(settings.policies), vocabulary)
    return {policy: policies[policy] for policy in policies if policy != own.id}


def _read_flaws(faults: str) -> Iterator[Flaw]:
    """Yield what a loader found in files; StartError is raised for anything else: nothing was read."""
    for line in faults.splitlines():
        match = _IN_A_FILE.fullmatch(line)
        if not match:
            raise StartError(faults)
        yield Flaw(match["file"], match["path"], match["problem"])


def _check_forms(folder: Path, policies: Sequence[Path], settings: Settings) -> list[Flaw]:
    """Return what is wrong with the forms, and which links lead to forms of this service that it does not have."""
    try:
        forms = load_questionnaires(folder) | load_questionnaires(settings.policies)
    except StartError as error:
        return list(_read_flaws(str(error)))
    payers = list_documents(settings.payers) if folder == settings.policies else []
    served = read_forms(forms, settings.public_base_url)
    return [Flaw(*link) for path in (*policies, *payers) for link in find_dead_links(path, served)]


def _check_payers(
    folder: Path, policies: Mapping[str, Policy], vocabulary: Vocabulary, *, is_complete: bool
) -> list[Flaw]:
    """Return what is wrong with the payers; those they bind can be told to be missing only if all could be read."""
    try:
        payers = load_payers(folder, vocabulary)
        if is_complete:
            bind_payers(payers, policies)
    except StartError as error:
        return list(_read_flaws(str(error)))
    return []


def _check_cases(policy_id: str, path: Path, rules: Rules) -> tuple[int, list[Flaw]]:
    """Return how many cases a policy has and what is wrong; those of a policy that cannot be read are read alone."""
    if not path.exists():
        return 0, [Flaw(str(path), None, f"no cases: the policy {policy_id} needs this file")]
    try:
        cases = read_cases(path, rules.vocabulary.code_systems)
    except StartError as error:
        return 0, list(_read_flaws(str(error)))
    policy = rules.index.policies.get(policy_id)
    if policy is None:
        return len(cases), []
    return len(cases), [*_missing(policy, cases, path), *_failing(policy, cases, path, rules)]


def _missing(policy: Policy, cases: Sequence[Case], path: Path) -> Iterator[Flaw]:
    """Yield what no case asks: each outcome, and the days on which the policy changes."""
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
        answer = answer_order(case.order, policy.id, case.on, rules, case.beside)
        if not is_as_expected(case, answer):
            yield Flaw(str(path), case.path, "the case fails", case.name, expectation(case), answer.as_written)
