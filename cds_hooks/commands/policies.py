"""The commands `crd policies`: list, show, check, begin and compare policies, for people who write no Python."""

import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
import orjson

from cds_hooks.errors import StartError
from cds_hooks.rules.cases import answer_order, list_cases_files, read_cases, read_orders
from cds_hooks.rules.check import Checked, Flaw, check_policies, read_flaws
from cds_hooks.rules.diff import Asked, Difference, TextChange, compare
from cds_hooks.rules.loading import Rules, load_policies, load_vocabulary
from cds_hooks.rules.sources import find_cases_folder, find_source, load_source, write_new
from cds_hooks.rules.templates import Beginning, start_cases, start_policy
from cds_hooks.rules.text import describe_policy, list_lines, show_lines, version_key
from cds_hooks.settings import Settings, read_settings

_FOLDER: Final = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE_OR_FOLDER: Final = click.Path(exists=True, resolve_path=True, path_type=Path)
_NEW_FOLDER: Final = click.Path(file_okay=False, resolve_path=True, path_type=Path)

_json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print as JSON, for programs.")
_on_option: Final = click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="Day to ask for, as 2026-01-31. [default: today]"
)
_cases_option: Final = click.option(
    "--cases",
    type=_FOLDER,
    help="Folder of the cases. [default: tests/policies of the current directory, else cases in the policies' folder]",
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
def show_policy(policy: str, on: datetime | None, as_json: bool) -> None:
    """Show everything the policy ID says on a day.

    \b
    With --json: the version in force as its file has it, null if none is.
    Example: crd policies show evicore-cmm-204 --on 2024-01-31
    """
    settings = read_settings()
    source = find_source(policy, settings)
    day = on.date() if on else settings.today()
    if as_json:
        key = version_key(source.policy, day)
        _echo_json(source.document["versions"][key] if key else None)
    else:
        click.echo("\n".join(show_lines(source.policy, source.document, day, source.words)))


@policies.command("check")
@click.argument("folder", metavar="[DIR]", type=_FOLDER, required=False)
@_cases_option
@_json_option
def check_folder(folder: Path | None, cases: Path | None, as_json: bool) -> None:
    """Check the policies of DIR (default: CRD_POLICIES) and run their cases.

    Looks at the form of every file, its dates and links; that every policy has cases of each outcome, on the day
    before and the first day of each version, and long after the last; and that all cases pass.

    \b
    Ends with 0 if all is good, 1 with findings, 2 if something cannot be read.
    Example: crd policies check drafts --cases drafts/cases
    """
    settings = read_settings()
    folder = folder or settings.policies
    checked = _check(folder, cases or find_cases_folder(folder), settings)
    if as_json:
        _echo_json(_checked_json(checked))
    else:
        click.echo("\n".join(_check_lines(checked)))
    sys.exit(1 if checked.flaws else 0)


def _check(folder: Path, cases: Path, settings: Settings) -> Checked:
    vocabulary = load_vocabulary(settings.vocabulary)
    try:
        load_policies(folder, vocabulary)
    except StartError as error:
        return Checked(0, 0, read_flaws(error))
    return check_policies(load_source(folder, settings), cases)


def _checked_json(checked: Checked) -> dict[str, Any]:
    findings = [flaw._asdict() for flaw in checked.flaws]
    return {"policies": checked.policies, "cases": checked.cases, "findings": findings}


def _check_lines(checked: Checked) -> Iterator[str]:
    yield from (_flaw_line(flaw) for flaw in checked.flaws)
    if not checked.flaws:
        yield f"{_count(checked.policies, 'policy', 'policies')}, {_count(checked.cases, 'case', 'cases')}: all good"
    elif checked.policies:
        yield f"{_count(len(checked.flaws), 'finding', 'findings')} in {_count(checked.policies, 'policy', 'policies')}"
    else:
        yield f"{_count(len(checked.flaws), 'finding', 'findings')}; no cases were run, correct this file first"


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
@click.option("--into", type=_NEW_FOLDER, help="Folder for the policy file. [default: CRD_POLICIES]")
@click.option("--cases", type=_NEW_FOLDER, help="Folder for the cases file. [default: as for `crd policies check`]")
def begin_policy(
    policy: str, title: str | None, service: str | None, publisher: str, into: Path | None, cases: Path | None
) -> None:
    """Write the files that a new policy starts from, ID.json twice: the policy and its cases.

    They answer "conditional" until you write what the source says. Nothing is ever overwritten.

    \b
    Example: crd policies new acme-12 --title "Knee braces" --service "Knee brace" --publisher Acme
    """
    settings = read_settings()
    folder = into or settings.policies
    cases_folder = cases or find_cases_folder(folder)
    title = policy.replace("-", " ").capitalize() if title is None else title
    beginning = Beginning(policy, title, title if service is None else service, publisher, settings.today())
    written = write_new(folder, start_policy(beginning), cases_folder, start_cases(beginning))
    click.echo("\n".join(f"Written: {path}" for path in written))
    click.echo(_NEXT_STEPS.format(policy=policy, folder=folder, cases=cases_folder, payers=settings.payers))


_NEXT_STEPS: Final = """Next:
  1. In the policy file, follow its note: the start date, what is covered, the codes, the sources.
  2. In the cases file, follow its note: one case for each code, wording and exception.
  3. crd policies check "{folder}" --cases "{cases}"    until it finds nothing
  4. Name {policy} under "policies" of a payer in {payers}: until then it binds nobody."""


@policies.command("diff")
@click.argument("old", type=_FILE_OR_FOLDER)
@click.argument("new", type=_FILE_OR_FOLDER)
@click.option("--orders", type=_FILE, help="Orders to ask besides: NDJSON, one FHIR request resource on each line.")
@_on_option
@_cases_option
@_json_option
def diff_policies(
    old: Path, new: Path, orders: Path | None, on: datetime | None, cases: Path | None, as_json: bool
) -> None:
    """Say which cases and orders NEW answers otherwise than OLD.

    OLD and NEW are folders of policies. A single policy file stands in for the one with the same id in CRD_POLICIES.
    Each case is asked on its own day, each order on the day --on, under every policy by itself.

    \b
    Ends with 0 if nothing differs, 1 if something does, 2 if something cannot be read.
    Example: crd policies diff cards/policies drafts/evicore-cmm-204.json --orders last-week.ndjson
    """
    settings = read_settings()
    both = (load_source(old, settings), load_source(new, settings))
    folder = cases or find_cases_folder(new)
    if not folder.is_dir() and orders is None:
        raise StartError(f"{folder}: no such folder; name the cases with --cases, or orders with --orders")
    asked_cases = list(_ask_cases(folder, *both))
    asked_orders = list(_ask_orders(orders, on.date() if on else settings.today(), *both)) if orders else []
    difference = compare([*asked_cases, *asked_orders])
    counts = {"cases": len(asked_cases), "orders": len({asked.path for asked in asked_orders})}
    if as_json:
        _echo_json(_difference_json(difference, counts))
    else:
        click.echo("\n".join(_difference_lines(difference, counts)))
    sys.exit(1 if difference.answers or difference.texts else 0)


def _ask_cases(folder: Path, old: Rules, new: Rules) -> Iterator[Asked]:
    known = {*old.index.policies, *new.index.policies}
    for file in list_cases_files(folder):
        for case in read_cases(file) if file.stem in known else ():
            answers = [answer_order(case.order, file.stem, case.on, rules) for rules in (old, new)]
            yield Asked(file.stem, str(file), case.path, case.name, *answers)


def _ask_orders(file: Path, on: date, old: Rules, new: Rules) -> Iterator[Asked]:
    for number, order in read_orders(file):
        for policy in sorted({*old.index.policies, *new.index.policies}):
            answers = [answer_order(order, policy, on, rules) for rules in (old, new)]
            yield Asked(policy, str(file), f"line {number}", None, *answers)


def _difference_lines(difference: Difference, counts: dict[str, int]) -> Iterator[str]:
    """Orders are named by their line only: what they hold is about patients."""
    yield from (_answer_line(asked) for asked in difference.answers)
    yield from (_text_line(change) for change in difference.texts)
    asked = f"{_count(counts['cases'], 'case', 'cases')} and {_count(counts['orders'], 'order', 'orders')} asked"
    if not difference.answers and not difference.texts:
        yield f"No difference: {asked}"
    else:
        answers = _count(len(difference.answers), "answer differs", "answers differ")
        yield f"{answers}, {_count(len(difference.texts), 'text differs', 'texts differ')}: {asked}"


def _answer_line(asked: Asked) -> str:
    named = f"{asked.name}: " if asked.name else ""
    change = f"{asked.old.as_written} -> {asked.new.as_written}"
    return f"{asked.file}: {asked.path}: {asked.policy}: {named}{change}"


def _text_line(change: TextChange) -> str:
    shown = _count(len(change.asked), "answer", "answers")
    return f'{change.policy}: the {change.text} of {shown}: "{change.old}" -> "{change.new}"'


def _difference_json(difference: Difference, counts: dict[str, int]) -> dict[str, Any]:
    return {
        **counts,
        "answers": [_asked_json(asked) for asked in difference.answers],
        "texts": [_text_json(change) for change in difference.texts],
    }


def _asked_json(asked: Asked) -> dict[str, Any]:
    old, new = ({"answer": one.covered, "strength": one.strength} for one in (asked.old, asked.new))
    return {**_place_json(asked), "name": asked.name, "old": old, "new": new}


def _text_json(change: TextChange) -> dict[str, Any]:
    return {**change._asdict(), "asked": [_place_json(asked) for asked in change.asked]}


def _place_json(asked: Asked) -> dict[str, Any]:
    return {"policy": asked.policy, "file": asked.file, "path": asked.path}


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _echo_json(value: Any) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
