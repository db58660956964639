"""`crd audit verify` and `crd audit anchor`: whether what is kept is what was written."""

import gc
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from cds_hooks.commands.audit import audit
from cds_hooks.commands.processors import count_processors
from cds_hooks.commands.store_access import cipher_of, failing_clearly, settings_of_store
from cds_hooks.errors import StartError
from cds_hooks.store.database import connect
from cds_hooks.store.verification import Head, Verification, read_heads, verify


class _Anchor(msgspec.Struct):
    """What `crd audit anchor` prints."""

    at: str
    heads: tuple[Head, ...]


@audit.command("anchor")
def anchor() -> None:
    """Print the last link of each chain, as JSON: keep it where nobody who may write the database can change it."""
    settings = settings_of_store()
    with failing_clearly():
        engine = connect(settings.database_url, each_alone=True, read_only=True)
        heads = read_heads(engine)
        engine.dispose()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    click.echo(msgspec.json.encode(_Anchor(at, tuple(heads))))


@audit.command("verify")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file that `crd audit anchor` printed; as often as there are some.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def verify_store(anchors: tuple[Path, ...], as_json: bool) -> None:
    """Compare all that is kept with its chains; exit 1 where a record was changed, removed or put in."""
    settings, heads = settings_of_store(), [head for path in anchors for head in _read_anchor(path)]
    gc.freeze()  # rows come and go and leave no cycles: to look for these takes a tenth of the time
    gc.set_threshold(100_000, 50, 100)
    with failing_clearly():
        engine = connect(settings.database_url, read_only=True)
        found = verify(engine, cipher_of(settings), heads, processes=count_processors())
        engine.dispose()
    if as_json:
        click.echo(orjson.dumps(_describe(found)))
    else:
        for problem in found.problems:
            click.echo(f"{problem.kind}: {problem.about}: {problem.why}")
        click.echo(_sum_up(found, len(heads)))
    if found.problems:
        sys.exit(1)


def _read_anchor(path: Path) -> tuple[Head, ...]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Anchor).heads
    except msgspec.MsgspecError:
        raise StartError(f"{path}: is not what `crd audit anchor` prints") from None


def _describe(found: Verification) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("calls", "reports", "accesses", "links", "deleted", "unlinked")}
    return {**counts, "chains": len(found.heads), "problems": [problem._asdict() for problem in found.problems]}


def _sum_up(found: Verification, anchors: int) -> str:
    looked_at = f"{found.calls} calls, {found.reports} reports and {found.accesses} accesses"
    chains = f"{found.links} links of {len(found.heads)} chains" + (f" and {anchors} anchored links" if anchors else "")
    beside = [
        f"{found.deleted} records were deleted since, as accesses tell" if found.deleted else "",
        f"{found.unlinked} calls are from before there were links" if found.unlinked else "",
    ]
    verdict = f"{len(found.problems)} problems" if found.problems else "all as it was written"
    return "; ".join([f"{looked_at}, {chains}: {verdict}", *(text for text in beside if text)])
