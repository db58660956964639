"""`crd authorizations`: what the payers have authorized, loaded from a payer's file."""

from contextlib import closing
from functools import partial
from pathlib import Path

import click
import msgspec
import orjson

from cards import CodeSystems, identifier
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
from cds_hooks.members.database_directory import AUTHORIZATIONS, DatabaseDirectory
from cds_hooks.members.files import AUTHORIZATION_FILE
from cds_hooks.members.loaded import read_rows
from cds_hooks.members.rows import AuthorizationRow, Row, decode_authorization
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import Settings, read_settings
from cds_hooks.store.encryption import read_keys


@click.group()
def authorizations() -> None:
    """What the payers have authorized, kept in CRD_DATABASE_URL."""


def _systems(settings: Settings) -> CodeSystems:
    return read_rules(settings).vocabulary.code_systems


@authorizations.command()
@click.argument("file", type=FILE)
@REJECTED
@MOST_WRONG
def load(file: Path, rejected: Path | None, most_wrong: float) -> None:
    """Load FILE (.csv or .ndjson) in place of the authorizations loaded before; docs/members.md has its columns."""
    settings = read_settings()
    load_file(settings, AUTHORIZATIONS, AUTHORIZATION_FILE, _systems(settings), file, rejected, most_wrong)


@authorizations.command()
@click.argument("file", type=FILE, required=False)
@REJECTED
def check(file: Path | None, rejected: Path | None) -> None:
    """Check FILE without loading it, its members among those that are loaded; without one, tell what is loaded."""
    settings = read_settings()
    if file:
        with closing(DatabaseDirectory(settings.database_url, read_keys(settings.audit_keys))) as directory:
            doubt = partial(_doubt_member, directory)
            check_file(AUTHORIZATION_FILE, _systems(settings), file, rejected, doubt)
    else:
        describe(settings, AUTHORIZATIONS)


def _doubt_member(directory: DatabaseDirectory, row: Row) -> str | None:
    """Say where no member that is loaded has the id of an authorization: nobody's order is covered by it."""
    is_known = not isinstance(row, AuthorizationRow) or directory.has_member(identifier(row.system, row.value))
    return "member_id: no member that is loaded has this id in this member_system" if is_known is False else None


@authorizations.command()
@click.argument("member_id")
@REASON
def find(member_id: str, reason: str | None) -> None:
    """Show the authorizations of the member with MEMBER_ID, one JSON object a line; the look-up is on the record."""
    with open_store(read_settings()) as store:
        note_look_up(store, "find-authorizations", member_id, reason)
        rows = [decode_authorization(t) for t in read_rows(store.engine, AUTHORIZATIONS, member_id, store.keys)]
    for row in rows:
        click.echo(orjson.dumps(_shown(row)))
    if not rows:
        raise click.ClickException("no authorization is for a member with this id")


def _shown(row: AuthorizationRow) -> dict[str, object]:
    names = {"system": "member_system", "value": "member_id", "start": "valid_from", "end": "valid_to"}
    fields = msgspec.structs.asdict(row)
    return {names.get(name, name): value for name, value in fields.items() if value not in (None, False)}
