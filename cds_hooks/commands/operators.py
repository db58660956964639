"""`crd operators`: who may log in to the console with a password."""

import sys

import click

from cds_hooks.auth.operators import READER, ROLES, SHORTEST, OperatorFile
from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings


@click.group()
def operators() -> None:
    """Say who may log in to the console."""


@operators.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=READER, show_default=True, help="Operators may open calls.")
def add(name: str, role: str) -> None:
    """Add an operator to CRD_OPERATORS, or give one another role and password.

    The password is asked for, or read from a pipe.
    """
    if sys.stdin.isatty():
        password = click.prompt(f"Password, {SHORTEST} characters or more", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    _file().set(name, role, password)
    click.echo(f"{name} may log in as {role}")


@operators.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take an operator out of CRD_OPERATORS; whoever is logged in by this name is not from now on."""
    _file().remove(name)
    click.echo(f"{name} may not log in any more")


@operators.command("list")
def list_operators() -> None:
    """List the operators in CRD_OPERATORS with their roles."""
    for one in _file().all():
        click.echo(f"{one.name}  {one.role}")


def _file() -> OperatorFile:
    path = read_settings().operators
    if path is None:
        raise StartError("CRD_OPERATORS: say in which file the operators are to be, such as /etc/crd/operators.json")
    return OperatorFile(path)
