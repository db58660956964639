"""`crd serve` and `crd settings`: run the service, and say what it would run with."""

import gc
import os
import secrets
from typing import Any

import click
import orjson

from cds_hooks.settings import PREFIX, describe_settings, read_settings


@click.command()
@click.option("--host", help="Address to listen on (CRD_HOST).")
@click.option("--port", type=int, help="Port to listen on (CRD_PORT).")
@click.option("--workers", type=int, help="Worker processes (CRD_WORKERS).")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Answer hook calls until stopped."""
    given = {"HOST": host, "PORT": port, "WORKERS": workers}
    # into the environment: workers read their settings anew
    os.environ.update({PREFIX + name: str(value) for name, value in given.items() if value is not None})
    gc.disable()  # what is loaded now stays; to look for garbage in it takes a tenth of the start
    try:
        server = _prepare()
        gc.collect()
        gc.freeze()  # workers are forked and share this memory, as long as the garbage collector does not write to it
    finally:
        gc.enable()
    server.serve()


def _prepare() -> Any:
    """Return the server process manager, with all that its workers will need; StartError where one could not start."""
    from cds_hooks.app import check_start  # not needed to show help or settings
    from cds_hooks.server.memory import keep_little
    from cds_hooks.server.process import check_free, create_server

    keep_little()
    settings = read_settings()
    check_free(settings)
    os.environ.setdefault("CRD_CONSOLE_KEY", secrets.token_urlsafe(32))  # one for all workers
    check_start(settings)  # what is wrong is said here, once, before any worker starts
    return create_server(settings)


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show_settings(as_json: bool) -> None:
    """Print every setting, its value, and its source."""
    rows = describe_settings(read_settings())
    if as_json:
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    group = None
    for row in rows:
        if row["group"] != group:
            click.secho(f"\n{row['group']}" if group else row["group"], bold=True)
            group = row["group"]
        source = "default" if row["from"] == "default" else f"{row['from']}; without it {row['default'] or 'empty'}"
        click.echo(f"{row['name']}={row['value']}  ({source})")
        click.echo(f"    {row['meaning']}")
