"""Examples of orders, taken from the policies' own cases: they are there for every policy that somebody writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cards import Policy
from cds_hooks.console.wording import verdict_of
from cds_hooks.errors import StartError
from cds_hooks.file_watch import State, states_of
from cds_hooks.rules.cases import NOTHING, Case, read_cases
from cds_hooks.rules.folders import find_policies
from cds_hooks.rules.loading import Rules
from cds_hooks.settings import Settings

#: So many policies are offered as examples; the page of any policy has all its cases.
_MOST: Final = 12


#: One of each is offered to somebody who is here for the first time.
_FIRST_TRIES: Final = ("not-covered", "covered", "auth-needed", "by-circumstances", "conditional")

#: The cases that were read, by their file, the rules, and the state of the file.
_KEPT: Final[dict[tuple[str, str, State], tuple[Case, ...]]] = {}
_MOST_KEPT: Final = 200


class Example(NamedTuple):
    """One case to try: of which policy, its place in the file, what it is called and should answer.

    `said` is that answer as pages name it: what is covered with authorization is told from what is covered without.
    `is_plain`: its order is no more than a code, and maybe words.
    """

    policy: str
    number: int
    name: str
    said: str
    is_plain: bool

    @property
    def key(self) -> str:
        """The example as a form names it."""
        return f"{self.policy} {self.number}"


class Cases(NamedTuple):
    """The cases of a policy; `fault` says why there are none to read."""

    found: tuple[Case, ...]
    fault: str | None = None


def cases_of(policy: str, rules: Rules, settings: Settings) -> Cases:
    """Return the cases that lie beside a policy."""
    try:
        files = find_policies(settings.policies).get(policy)
        path: Path | None = files.find_cases() if files else None
        if path is None or not path.exists():
            return Cases(())
        return Cases(_read(path, rules))
    except StartError as error:
        return Cases((), str(error))


def _read(path: Path, rules: Rules) -> tuple[Case, ...]:
    """Return the cases of a file, read again when it has changed, or the rules have."""
    key = str(path), rules.digest, states_of([str(path)])[str(path)]
    found = _KEPT.get(key)
    if found is None:
        found = read_cases(path, rules.vocabulary.code_systems)
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = found
    return found


def examples(rules: Rules, settings: Settings) -> dict[Policy, list[Example]]:
    """Return a few examples of each policy: one of every answer that its cases have; plain ones first."""
    found = {}
    for id_, policy in sorted(rules.index.policies.items())[:_MOST]:
        if chosen := _choose(id_, cases_of(id_, rules, settings).found):
            found[policy] = chosen
    return dict(sorted(found.items(), key=lambda one: _rank(one[1][0])))


def _rank(example: Example) -> int:
    """Return where a policy stands by its first example: plain answers come first."""
    return _FIRST_TRIES.index(example.said) if example.said in _FIRST_TRIES else len(_FIRST_TRIES)


def _choose(policy: str, cases: Sequence[Case]) -> list[Example]:
    first: dict[tuple[str, str | None], Example] = {}
    for number, case in enumerate(cases):
        key = (case.expect, case.strength or case.pa_needed if case.expect != NOTHING else None)
        if key not in first and not case.beside and (case.strength or case.expect in (NOTHING, "covered")):
            first[key] = _example(policy, number, case)
    found = list(first.values()) or [_example(policy, 0, case) for case in cases[:1]]
    return sorted(found, key=lambda one: one.said == NOTHING)


def _example(policy: str, number: int, case: Case) -> Example:
    codings = case.order.get("code", {}).get("coding", ()) if set(case.order) == {"code"} else ()
    is_plain = any("system" in coding for coding in codings)
    return Example(policy, number, case.name, verdict_of(case.expect, case.pa_needed), is_plain)


def first_tries(offered: Mapping[Policy, Sequence[Example]]) -> list[Example]:
    """Return what somebody may try who sees this for the first time: one of each kind of answer."""
    found = [one for policy in offered.values() for one in policy]
    firsts = (next((one for one in found if one.said == said and one.is_plain), None) for said in _FIRST_TRIES)
    return [one for one in firsts if one] or found[:2]


def payer_of(policy: str, rules: Rules) -> str:
    """Return the payer under whom a policy is best tried: one it binds, the first it binds alone if there is one."""
    bound = [payer for payer in rules.payers.payers if policy in payer.policies]
    alone = [payer for payer in bound if payer.policies == (policy,)]
    return next((payer.id for payer in (*alone, *bound)), rules.payers.default.id)


def bound_payers(rules: Rules) -> Mapping[str, list[str]]:
    """Return the names of the payers that each policy binds."""
    found: dict[str, list[str]] = {}
    for payer in rules.payers.payers:
        for policy in payer.policies:
            found.setdefault(policy, []).append(payer.name)
    return found
