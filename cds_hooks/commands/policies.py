"""The commands `crd policies`: list, show, check, begin and compare policies, for people who write no Python."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
import orjson

from cards.policy_document import outline_version
from cds_hooks.commands.days import DAY
from cds_hooks.rules.cases import read_orders
from cds_hooks.rules.check import Checked, Flaw, check_policies
from cds_hooks.rules.code_lists import CodeList, read_code_list
from cds_hooks.rules.data_diff import compare_documents
from cds_hooks.rules.diff import Asked, ask_cases, ask_orders, compare, difference_json, difference_lines
from cds_hooks.rules.loading import load_policies, load_vocabulary
from cds_hooks.rules.sources import PolicySet, find_source, load_policy_set, write_new
from cds_hooks.rules.templates import Beginning, next_steps, start_cases, start_policy
from cds_hooks.rules.text import count, describe_policy, list_lines, show_lines, version_key
from cds_hooks.settings import read_settings

_FOLDER: Final = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE_OR_FOLDER: Final = click.Path(exists=True, resolve_path=True, path_type=Path)
_NEW_FOLDER: Final = click.Path(file_okay=False, resolve_path=True, path_type=Path)

_json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print as JSON, for programs.")
_on_option: Final = click.option("--on", type=DAY, help="Day to ask for, as 2026-01-31. [default: today]")
_cases_option: Final = click.option(
    "--cases",
    type=_FOLDER,
    help="Folder of cases kept apart, as ID/cases.json or ID.json. [default: beside each policy]",
)


@click.group()
def policies() -> None:
    """Read, check, begin and compare policies.

    The policies are those of CRD_POLICIES, unless a command is given another folder.
    """


@policies.command("list")
@_json_option
def list_policies(as_json: bool) -> None:
    """List every policy with what it says today.

    \b
    One line each: id, publisher, number, title, what it says today, first day in force.
    Example: crd policies list
    """
    settings = read_settings()
    loaded = load_policies(settings.policies, load_vocabulary(settings.vocabulary))
    rows = [describe_policy(policy, settings.today()) for _, policy in sorted(loaded.items())]
    if as_json:
        _echo_json(rows)
    else:
        click.echo("\n".join(list_lines(rows)))


@policies.command("show")
@click.argument("policy", metavar="ID")
@_on_option
@_json_option
def show_policy(policy: str, on: date | None, as_json: bool) -> None:
    """Show everything the policy ID says on a day.

    \b
    With --json: the version in force as its file has it, null if none is.
    Example: crd policies show evicore-cmm-204 --on 2024-01-31
    """
    settings = read_settings()
    source = find_source(policy, settings)
    day = on or settings.today()
    if as_json:
        key = version_key(source.policy, day)
        _echo_json(outline_version(source.document, key) if key else None)
    else:
        click.echo("\n".join(show_lines(source.policy, source.document, day, source.words)))


@policies.command("check")
@click.argument("folder", metavar="[DIR]", type=_FOLDER, required=False)
@_cases_option
@_json_option
def check_folder(folder: Path | None, cases: Path | None, as_json: bool) -> None:
    """Check the policies of DIR (default: CRD_POLICIES) and run their cases.

    DIR holds a folder for each policy, or is the folder of one. Looks at the form of every file, its dates and links;
    that every policy has cases of each outcome, on the day before and the first day of each version, and long after
    the last; and that all cases pass. Of the policies of CRD_POLICIES it notes those that no payer names, and those of
    a payer that contradict each other; that is no finding.

    \b
    Ends with 0 if all is good, 1 with findings, 2 if there is nothing to check.
    Example: crd policies check policies
    """
    settings = read_settings()
    looked_at = folder or settings.policies
    checked = check_policies(looked_at, cases, settings)
    if as_json:
        _echo_json(_checked_json(checked))
    else:
        click.echo("\n".join(_check_lines(checked, looked_at)))
    sys.exit(1 if checked.flaws else 0)


def _checked_json(checked: Checked) -> dict[str, Any]:
    findings = [flaw._asdict() for flaw in checked.flaws]
    counts = {"policies": checked.policies, "cases": checked.cases}
    return {**counts, "findings": findings, "move": checked.move, "gaps": list(checked.gaps)}


def _check_lines(checked: Checked, folder: Path) -> Iterator[str]:
    yield from (_flaw_line(flaw) for flaw in checked.flaws)
    if checked.move:
        yield f"Warning: each policy is to have a folder of its own, with its cases. To move them:\n{checked.move}"
    yield from (f"Note: {gap}" for gap in checked.gaps)
    policies = count(checked.policies, "policy", "policies")
    if checked.flaws:
        files = len({flaw.file for flaw in checked.flaws})
        yield f"{count(len(checked.flaws), 'finding', 'findings')} in {count(files, 'file', 'files')}"
    else:
        yield f"{policies}, {count(checked.cases, 'case', 'cases')} of {folder}: all good"


def _flaw_line(flaw: Flaw) -> str:
    where = ": ".join(part for part in (flaw.file, flaw.path) if part)
    if flaw.case is None:
        return f"{where}: {flaw.problem}"
    return f"{where}: {flaw.case}: expected {flaw.expected}, got {flaw.got}"


@policies.command("new")
@click.argument("policy", metavar="ID")
@click.option("--title", help="The policy's own title. [default: the ID in words]")
@click.option("--service", help="The service it speaks of, as a card's summary begins with it. [default: the title]")
@click.option("--publisher", default="Publisher to be named", show_default=True, help="Who publishes it.")
@click.option(
    "--from-codes", "codes", type=_FILE, help="CSV with a line for each code: code, and perhaps to, group, service."
)
@click.option("--in", "folder", type=_NEW_FOLDER, default="policies", show_default=True, help="Folder of policies.")
def begin_policy(
    policy: str, title: str | None, service: str | None, publisher: str, codes: Path | None, folder: Path
) -> None:
    """Write the folder that a new policy starts from: ID/policy.json, and ID/cases.json, which says what it answers.

    They answer "conditional" until you write what the source says. Nothing is ever overwritten.

    With --from-codes, the codes of a CSV file become groups, each of which can have an answer of its own. Its first
    line names the columns: code (such as HCPCS E0747, or E0747 alone), to (the last code, of a range), group (a short
    name), service (what the codes of the group are called on cards).

    \b
    Example: crd policies new acme-12 --title "Knee braces" --service "Knee brace" --publisher Acme
    Example: crd policies new acme-pa --publisher Acme --from-codes codes.csv
    """
    settings = read_settings()
    title = policy.replace("-", " ").capitalize() if title is None else title
    service = title if service is None else service
    systems = load_vocabulary(settings.vocabulary).code_systems
    listed = read_code_list(codes, systems, service) if codes else CodeList(())
    beginning = Beginning(policy, title, service, publisher, settings.today(), listed.groups)
    written = write_new(folder, start_policy(beginning), start_cases(beginning))
    click.echo("\n".join(f"Written: {path}" for path in written))
    if listed.unread:
        click.echo(f"Note: of {codes} the columns {', '.join(listed.unread)} are not read", err=True)
    click.echo("\n".join(next_steps(policy, folder, settings)))


@policies.command("diff")
@click.argument("old", type=_FILE_OR_FOLDER)
@click.argument("new", type=_FILE_OR_FOLDER)
@click.option("--orders", type=_FILE, help="Orders to ask besides: NDJSON, one FHIR request resource on each line.")
@_on_option
@_cases_option
@_json_option
def diff_policies(
    old: Path, new: Path, orders: Path | None, on: date | None, cases: Path | None, as_json: bool
) -> None:
    """Say which cases and orders NEW answers otherwise than OLD, and what the policies differ in.

    OLD and NEW are folders of policies. A single policy, as a file or as its folder, stands in for the one with the
    same id in CRD_POLICIES. Each case is asked on its own day, each order on the day --on, under every policy by
    itself. The cases of a policy are those of NEW, or of OLD where NEW has none. Changes of codes, conditions, dates
    and words are told whether or not a case shows them, each with the days from which and to which it holds.

    \b
    Ends with 0 if nothing differs, 1 if something does, 2 if something cannot be read.
    Example: crd policies diff cards/policies drafts/evicore-cmm-204 --orders last-week.ndjson
    """
    settings = read_settings()
    both = (load_policy_set(old, cases, settings), load_policy_set(new, cases, settings))
    asked_cases = list(ask_cases(*both))
    asked_orders = list(_ask_orders(orders, on or settings.today(), both)) if orders else []
    data = compare_documents(both[0].documents, both[1].documents, both[1].rules.vocabulary.code_systems)
    difference = compare([*asked_cases, *asked_orders], data)
    counts = {"cases": len(asked_cases), "orders": len({asked.path for asked in asked_orders})}
    if as_json:
        _echo_json(difference_json(difference, counts))
    else:
        click.echo("\n".join(difference_lines(difference, counts)))
    if not asked_cases and orders is None:
        click.echo(f"Note: {new} has no cases; name their folder with --cases, or orders with --orders", err=True)
    sys.exit(1 if any(difference) else 0)


def _ask_orders(file: Path, on: date, both: tuple[PolicySet, PolicySet]) -> Iterator[Asked]:
    named = ((f"line {number}", order) for number, order in read_orders(file))
    return ask_orders(named, str(file), on, *both)


def _echo_json(value: Any) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
