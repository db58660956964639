"""`crd members`: whom the payers insure, loaded from a payer's file. Every look-up of a person is on the record."""

from pathlib import Path

import click
import msgspec
import orjson

from cds_hooks.commands.directory_files import (
    FILE,
    MOST_WRONG,
    REASON,
    REJECTED,
    check_file,
    describe,
    load_file,
    note_look_up,
    open_store,
)
from cds_hooks.members.database_directory import MEMBERS
from cds_hooks.members.files import MEMBER_FILE
from cds_hooks.members.loaded import read_rows
from cds_hooks.members.rows import MemberRow, decode_member
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import Settings, read_settings


@click.group()
def members() -> None:
    """Whom the payers insure, kept in CRD_DATABASE_URL."""


def _plans(settings: Settings) -> frozenset[str]:
    return frozenset(payer.id for payer in read_rules(settings).payers.payers)


@members.command()
@click.argument("file", type=FILE)
@REJECTED
@MOST_WRONG
def load(file: Path, rejected: Path | None, most_wrong: float) -> None:
    """Load FILE (.csv or .ndjson) in place of the members that were loaded before; docs/members.md has its columns."""
    settings = read_settings()
    load_file(settings, MEMBERS, MEMBER_FILE, _plans(settings), file, rejected, most_wrong)


@members.command()
@click.argument("file", type=FILE, required=False)
@REJECTED
def check(file: Path | None, rejected: Path | None) -> None:
    """Check FILE without loading it; without one, tell what is loaded."""
    settings = read_settings()
    if file:
        check_file(MEMBER_FILE, _plans(settings), file, rejected)
        return
    loaded = describe(settings, MEMBERS)
    gone = sorted(set(loaded.about.get("plans", {})) - _plans(settings))
    if gone:
        raise click.ClickException(f"no payer file has these plans any more: {', '.join(gone)}")


@members.command()
@click.argument("member_id")
@REASON
def find(member_id: str, reason: str | None) -> None:
    """Show what is loaded of the members with MEMBER_ID, one JSON object a line; no birth date is kept.

    The look-up is on the record before anything is shown: `crd audit accesses`.
    """
    with open_store(read_settings()) as store:
        note_look_up(store, "find-member", member_id, reason)
        rows = [decode_member(text) for text in read_rows(store.engine, MEMBERS, member_id, store.keys)]
    for row in rows:
        click.echo(orjson.dumps(_shown(row)))
    if not rows:
        raise click.ClickException("no member has this id")


def _shown(row: MemberRow) -> dict[str, object]:
    fields = msgspec.structs.asdict(row)
    fields["other_ids"] = [f"{system}|{value}" for system, value in fields.pop("others")]
    names = {"system": "member_system", "value": "member_id", "line": "line_of_business", "start": "covered_from"}
    names |= {"end": "covered_to"}
    return {
        names.get(name, name): value for name, value in fields.items() if name != "born" and value not in (None, False)
    }
