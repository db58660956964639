"""`crd audit`: finds, shows, exports and deletes what was asked and answered. Every reading is on the record."""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from cds_hooks.commands.audit_texts import describe_call, read_bodies, show_whole, tell_call
from cds_hooks.commands.store_access import cipher_of, failing_clearly, settings_of_store
from cds_hooks.errors import StartError
from cds_hooks.settings import Settings
from cds_hooks.store.access_log import system_user
from cds_hooks.store.audit_event import to_audit_event, to_instant
from cds_hooks.store.calls import Bodies
from cds_hooks.store.database import connect
from cds_hooks.store.encryption import make_key
from cds_hooks.store.retention import days_ago, delete_before, re_encrypt
from cds_hooks.store.search import Archive, Wanted


@click.group()
def audit() -> None:
    """What was asked and answered, kept in CRD_DATABASE_URL."""


def _to_time(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a day or a time, in UTC where it names no zone, in microseconds since 1970."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("no day or time such as 2026-11-23 or 2026-11-23T14:05:00Z", ctx, param) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)


_SINCE = click.option("--since", callback=_to_time, help="From this day or time on (UTC).")
_UNTIL = click.option("--until", callback=_to_time, help="Before this day or time (UTC).")
_CLIENT = click.option("--client", help="Of this client, by the id of its registration.")
_REASON = click.option("--reason", help="Why; it is kept with the record of this access.")


@audit.command()
@click.option("--assertion-id", "assertion", help="The coverage-assertion-id written onto an order.")
@click.option("--card", help="The uuid of a card.")
@click.option("--order", help="The order, as Type/id: ServiceRequest/prolo-1.")
@click.option(
    "--hook-instance",
    help="The hookInstance; calls that are kept from before it had an index are found with --since or --client.",
)
@_CLIENT
@_SINCE
@_UNTIL
@click.option("--most", default=50, show_default=True, help="As many calls, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def find(most: int, as_json: bool, **wanted: Any) -> None:
    """Find calls that match all criteria."""
    if not any(wanted.values()):
        raise click.UsageError("say what to look for: --assertion-id, --card, --order, --client or --since")
    with _archive(read_only=True) as (archive, _):
        calls = archive.find(Wanted(**wanted), most)
    for call in calls:
        click.echo(orjson.dumps(describe_call(call)) if as_json else tell_call(call))
    if not calls:
        order = wanted["order"]
        hint = (
            f": an order is named with its type, such as ServiceRequest/{order}" if order and "/" not in order else ""
        )
        click.echo(f"nothing found{hint}", err=True)
        sys.exit(1)


@audit.command()
@click.argument("call", type=click.UUID)
@_REASON
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--body", type=click.Choice(["request", "response"]), help="Only this, byte for byte as it is kept.")
def show(call: uuid.UUID, reason: str | None, as_json: bool, body: str | None) -> None:
    """Show one call whole: what was asked, answered and decided, and what users did with its cards."""
    if body and as_json:
        raise click.UsageError("--body prints what was sent, --json all that is kept: say one of them")
    with _archive() as (archive, _):
        found = archive.show(call.bytes, system_user(), reason)
        if found is None:
            raise StartError(f"there is no call {call}")
        cards = [card.id for card in found[0].summary.cards] if found[0].summary else []
        reports = [{"received": to_instant(row.at), **entry} for row, entry in archive.feedback_on(cards)]
    if body:
        _write_body(found[1], body)
        return
    whole = {**describe_call(found[0]), **read_bodies(found[1]), "feedback": reports}
    if as_json:
        click.echo(orjson.dumps(whole))
        return
    click.echo(tell_call(found[0]))
    for part in show_whole(whole):
        click.echo(part)


def _write_body(bodies: Bodies, name: str) -> None:
    written = bodies.request if name == "request" else bodies.response
    if written is None:
        raise StartError("the request is not kept: it was not JSON")
    click.echo(written, nl=False)


@audit.command()
@click.option("--format", "form", type=click.Choice(["audit-event", "raw"]), default="audit-event", show_default=True)
@_CLIENT
@_SINCE
@_UNTIL
@_REASON
def export(form: str, client: str | None, since: int | None, until: int | None, reason: str | None) -> None:
    """Write calls as NDJSON, the oldest first: FHIR R4 AuditEvents, or what was asked and answered."""
    with _archive() as (archive, settings):
        base = settings.public_base_url
        for call, bodies in archive.export(
            Wanted(client=client, since=since, until=until), system_user(), reason, form
        ):
            line = (
                to_audit_event(call, base) if form == "audit-event" else {**describe_call(call), **read_bodies(bodies)}
            )
            click.echo(orjson.dumps(line))


@audit.command()
@click.option("--before", callback=_to_time, help="Before this day or time (UTC); else as CRD_AUDIT_DAYS says.")
@_REASON
@click.confirmation_option(prompt="What is deleted cannot be had again. Delete?")
def delete(before: int | None, reason: str | None) -> None:
    """Delete calls and feedback that are older than a day."""
    settings = settings_of_store()
    if before is None and not settings.audit_days:
        raise click.UsageError("say --before, or set CRD_AUDIT_DAYS")
    with failing_clearly():
        engine = connect(settings.database_url)
        deleted = delete_before(engine, before or days_ago(settings.audit_days), system_user(), reason)
        engine.dispose()
    click.echo(f"{deleted} calls deleted")


@audit.command()
@click.option("--call", type=click.UUID, help="Of this call only.")
@click.option("--most", default=100, show_default=True, help="As many, the newest first.")
def accesses(call: uuid.UUID | None, most: int) -> None:
    """List who read, exported or deleted what, and why; one JSON object a line."""
    with _archive(read_only=True) as (archive, _):
        for row in archive.accesses(call.bytes if call else None, most):
            click.echo(orjson.dumps(_plain(row)))


@audit.command("new-key")
@click.option("--out", type=click.Path(path_type=Path), help="A new file for it, which only its owner may read.")
def new_key(out: Path | None) -> None:
    """Print a new key: a line for the file CRD_AUDIT_KEYS. The first key there encrypts, all of them decrypt."""
    if out is None:
        click.echo(make_key())
        return
    try:
        with open(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400), "w") as file:
            file.write(f"{make_key()}\n")
    except FileExistsError:
        raise StartError(f"{out}: is there already; without its keys nothing that they encrypted can be read") from None
    except OSError as error:
        raise StartError(f"{out}: {error.strerror or type(error).__name__}") from None


@audit.command("encrypt")
@_REASON
def encrypt(reason: str | None) -> None:
    """Encrypt all that is kept with the first key of CRD_AUDIT_KEYS, so that older keys can be given up."""
    # Only here: the other commands start a fifth sooner without it.
    from cds_hooks.members.database_directory import AUTHORIZATIONS, MEMBERS
    from cds_hooks.members.loaded import has_older_key

    settings = settings_of_store()
    with failing_clearly():
        engine = connect(settings.database_url)
        changed = sum(re_encrypt(engine, cipher_of(settings), system_user(), reason))
        left = [name for name in (MEMBERS, AUTHORIZATIONS) if has_older_key(engine, name, cipher_of(settings).key_name)]
        engine.dispose()
    click.echo(f"{changed} records re-encrypted")
    for name in left:
        click.echo(f"the {name} have an older key still: load them again before it goes (crd {name} load)", err=True)


@contextmanager
def _archive(read_only: bool = False) -> Iterator[tuple[Archive, Settings]]:
    """Open the store, for reading only where no access is to be noted in it."""
    settings = settings_of_store()
    with failing_clearly():
        url = settings.database_url
        reading = connect(url, each_alone=True, read_only=True)
        archive = Archive(reading if read_only else connect(url), reading, cipher_of(settings))
        try:
            yield archive, settings
        finally:
            archive.close()


def _plain(row: Any) -> dict[str, Any]:
    """Return a row with its ids as UUIDs, its times as instants and its digests as hexadecimal."""
    named = {"id", "exchange"}
    plain: dict[str, Any] = {}
    for column, value in row._mapping.items():
        name = str(column)
        if isinstance(value, bytes):
            plain[name] = str(uuid.UUID(bytes=value)) if name in named else value.hex()
        elif name == "at":
            plain["time"] = to_instant(value)
        elif name == "detail":
            plain[name] = orjson.loads(value)
        else:
            plain[name] = value
    return plain
