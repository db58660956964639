"""`crd store`: makes, changes and checks the tables, as a step of its own before services start."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings
from cds_hooks.store.database import PATIENCE_AT_START, StoreError, check_exists, prepare


@click.group()
def store() -> None:
    """Make, change and check the tables of CRD_DATABASE_URL."""


@store.command()
@click.option(
    "--wait",
    type=click.FloatRange(min=1),
    default=PATIENCE_AT_START,
    show_default=True,
    help="Seconds to wait for another process that changes them.",
)
def migrate(wait: float) -> None:
    """Make the tables, or bring them to what this version wants, whatever CRD_MIGRATIONS says.

    Running services go on meanwhile: what changes only adds. Several at once take turns, and all but the first find
    nothing to do.
    """
    with _failing_clearly():
        state = prepare(read_settings().database_url, patience=wait)
    click.echo(f"the store is as of {state}")


@store.command()
def check() -> None:
    """Say which migration the tables are as of; exit with code 2 where this version cannot run with them."""
    with _failing_clearly():
        state = check_exists(read_settings().database_url)
    click.echo(f"the store is as of {state}")


@contextmanager
def _failing_clearly() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StartError(f"CRD_DATABASE_URL: {error}") from None
