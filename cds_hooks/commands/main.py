"""The command `crd`: its sub-commands, each loaded when it is called."""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final, NamedTuple

import click

from cds_hooks.errors import StartError


class SubCommand(NamedTuple):
    """Where a sub-command is, and its help in a line, so that `crd --help` need not load it."""

    module: str
    attribute: str
    help: str


_HERE: Final = "cds_hooks.commands"

COMMANDS: Final[Mapping[str, SubCommand]] = {
    "audit": SubCommand(f"{_HERE}.audit_chain", "audit", "What was asked and answered, kept in CRD_DATABASE_URL."),
    "authorizations": SubCommand(
        f"{_HERE}.authorizations", "authorizations", "What the payers have authorized, kept in CRD_DATABASE_URL."
    ),
    "explain": SubCommand(f"{_HERE}.explain", "explain_command", "Say how an order would be decided, and why."),
    "export": SubCommand(f"{_HERE}.export", "export", "Write the policies in a format that other engines read."),
    "facts": SubCommand(f"{_HERE}.facts", "facts", "Count anew what Insights shows."),
    "impact": SubCommand(f"{_HERE}.impact", "impact", "Report what policies would have said of many orders."),
    "jwks": SubCommand(f"{_HERE}.jwks", "jwks", "Make keys for a client that signs its calls."),
    "members": SubCommand(f"{_HERE}.members", "members", "Whom the payers insure, kept in CRD_DATABASE_URL."),
    "operators": SubCommand(f"{_HERE}.operators", "operators", "Say who may log in to the console."),
    "policies": SubCommand(f"{_HERE}.policies", "policies", "Read, check, begin and compare policies."),
    "send": SubCommand(f"{_HERE}.send", "send", "Send the hook call in REQUEST as a client does, and show the answer."),
    "serve": SubCommand(f"{_HERE}.serve", "serve", "Answer hook calls until stopped."),
    "store": SubCommand(f"{_HERE}.store", "store", "Make, change and check the tables of CRD_DATABASE_URL."),
    "settings": SubCommand(f"{_HERE}.serve", "show_settings", "Print every setting, its value, and its source."),
    "synth": SubCommand(f"{_HERE}.synth", "synth", "Write invented orders whose report is known beforehand."),
}


class LazyGroup(click.Group):
    """Loads a sub-command when it is called. Where settings or files are wrong, it says so and exits with code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the sub-commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Return a sub-command, loaded; None where there is none of that name."""
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(found.module), found.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command that is called; of one that is not there, say which may have been meant."""
        try:
            found = super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None
        if found[0] != "serve":  # which says it in its log
            _warn_of_misspelt_settings()
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """Write the sub-commands with their help, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in sorted(COMMANDS.items())])

    def invoke(self, ctx: click.Context) -> object:
        """Run a sub-command."""
        try:
            return super().invoke(ctx)
        except StartError as error:
            click.echo(f"crd: {error}", err=True)
            sys.exit(2)


def _warn_of_misspelt_settings() -> None:
    """Say which variables look like a setting and are none: what they were to set is as it was before."""
    if not any(name.startswith("CRD_") for name in os.environ):
        return
    from cds_hooks.settings import nearest_setting, unknown_variables  # not needed where nothing is set

    for name in unknown_variables():
        if meant := nearest_setting(name):
            click.echo(f"warning: {name} is no setting; did you mean {meant['did_you_mean']}?", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crd-server")
def main() -> None:
    """Coverage requirements discovery over CDS Hooks.

    Every setting is an environment variable; `crd settings` lists them.
    """


if __name__ == "__main__":
    main()
