"""What each payer answers for each code on a day: asked of the rules themselves, as an order with that code alone."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from cards import Payer, PayerChoice, Policy, decide, read_order
from cards.coding import Coding
from cards.policy import PolicyVersion
from cds_hooks.rules.loading import Rules


class CodeRow(NamedTuple):
    """A code that some policy in force names: under which name, and in which policies."""

    coding: Coding
    display: str
    policies: tuple[str, ...]


class Cell(NamedTuple):
    """What a payer answers: `covered` is empty where no policy speaks of the code alone."""

    covered: str
    pa_needed: str
    policy: str
    version: str
    verdict: str


_SILENT: Final = Cell("", "", "", "", "")

#: The columns of the table that can be downloaded.
COLUMNS: Final = ("day", "system", "code", "display", "payer", "covered", "prior authorization", "policy", "version")


def codes_in_force(rules: Rules, on: date, words: Sequence[str] = ()) -> list[CodeRow]:
    """Return the codes of all policies in force on a day, or those with some words in code, name, policy or publisher.

    Codes that name a service by themselves come first.
    """
    names: dict[Coding, str] = {}
    policies: dict[Coding, list[str]] = {}
    for policy, version in _in_force(rules, on):
        for coding, display in _codes(version):
            names[coding] = names.get(coding) or display
            if policy.id not in policies.setdefault(coding, []):
                policies[coding].append(policy.id)
    rows = [CodeRow(coding, names[coding], tuple(ids)) for coding, ids in policies.items()]
    rows.sort(key=lambda row: (not row.display, row.coding))
    return [row for row in rows if all(word in _searched(row, rules) for word in words)]


def _searched(row: CodeRow, rules: Rules) -> str:
    policies = [rules.index.policies[policy] for policy in row.policies]
    named = [f"{policy.id} {policy.name} {policy.publisher}" for policy in policies]
    return " ".join((*row.coding, row.display, *named)).casefold()


def _in_force(rules: Rules, on: date) -> Iterator[tuple[Policy, PolicyVersion]]:
    for policy in rules.index.policies.values():
        if version := policy.in_force(on):
            yield policy, version


def _codes(version: PolicyVersion) -> Iterator[tuple[Coding, str]]:
    """Yield the codes as the policy spells them; other spellings mean the same."""
    yield from ((named.coding, named.display) for named in version.definitive.values())
    yield from ((coding, "") for coding in version.nonspecific)


def ask(row: CodeRow, payer: Payer, on: date, rules: Rules) -> Cell:
    """Return what a payer answers about an order that has one code and not a word."""
    systems = rules.vocabulary.code_systems
    coding = {"system": systems.uri(row.coding.system), "code": row.coding.code}
    order = read_order({"resourceType": "ServiceRequest", "id": "o", "code": {"coding": [coding]}}, systems)
    decision = decide(order, PayerChoice(None, payer, payer_is_known=True), rules.index, on)
    if decision is None or not decision.findings:
        return _SILENT
    found = decision.findings[0]
    needed = found.version.pa_needed or "" if decision.is_sure else ""
    return Cell(decision.covered.value, needed, found.policy.id, found.version.key, found.version.verdict)


def write_csv(rows: Iterable[CodeRow], on: date, rules: Rules) -> Iterator[str]:
    """Yield the table as CSV, a line for each code and each payer that answers something about it."""
    yield _line(COLUMNS)
    for row in rows:
        for payer in rules.payers.payers:
            if (cell := ask(row, payer, on, rules)) != _SILENT:
                named = (on.isoformat(), *row.coding, row.display, payer.id)
                yield _line((*named, cell.covered, cell.pa_needed, cell.policy, cell.version))


def _line(values: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(map(_as_text, values))
    return buffer.getvalue()


def _as_text(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
