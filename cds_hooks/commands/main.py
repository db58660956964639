"""The command `crd`: serve, and show the settings."""

import sys

import click
import orjson

from cds_hooks.app import check_start
from cds_hooks.commands.audit import audit
from cds_hooks.commands.explain import explain_command
from cds_hooks.commands.export import export
from cds_hooks.commands.policies import policies
from cds_hooks.errors import StartError
from cds_hooks.server.process import check_free, create_server
from cds_hooks.settings import describe_settings, read_settings


class _Command(click.Group):
    """Ends with one clear message, exit code 2, where the service is configured wrongly."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except StartError as error:
            click.echo(f"crd: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crd-server")
def main() -> None:
    """Coverage requirements discovery over CDS Hooks.

    Every setting is an environment variable; `crd settings` lists them.
    """


@main.command()
@click.option("--host", help="Address to listen on (CRD_HOST).")
@click.option("--port", type=int, help="Port to listen on (CRD_PORT).")
@click.option("--workers", type=int, help="Worker processes (CRD_WORKERS).")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Answer hook calls until stopped."""
    given = {"host": host, "port": port, "workers": workers}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    check_free(settings)
    check_start(settings)  # what is wrong is said here, once, before any worker starts
    create_server(settings).serve()


@main.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show_settings(as_json: bool) -> None:
    """Print every setting, its value, and where that came from."""
    rows = describe_settings(read_settings())
    if as_json:
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    for row in rows:
        click.echo(f"{row['name']}={row['value']}  ({row['from']}; default {row['default']})")
        click.echo(f"    {row['meaning']}")


main.add_command(audit)
main.add_command(explain_command)
main.add_command(export)
main.add_command(policies)


if __name__ == "__main__":
    main()
