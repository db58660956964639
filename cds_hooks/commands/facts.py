"""`crd facts`: counts anew, from the calls and feedback that are kept, what Insights shows."""

from datetime import date, datetime, timedelta
from typing import Any

import click

from cds_hooks.commands.days import DAY
from cds_hooks.commands.store_access import cipher_of, failing_clearly
from cds_hooks.hooks.services import SERVICES
from cds_hooks.settings import Settings, read_settings
from cds_hooks.store.database import check_exists, connect
from cds_hooks.store.recount import Recount


@click.group()
def facts() -> None:
    """Count anew what Insights shows."""


@facts.command()
@click.option("--since", type=DAY, help="From this day on; else where a run was broken off, or the oldest day.")
@click.option("--until", type=DAY, help="To this day, included; yesterday unless given.")
@click.option("--with-today", is_flag=True, help="Today too: only while no service runs on this store.")
def recount(since: date | None, until: date | None, with_today: bool) -> None:
    """Count days anew from what is kept: those from before facts were, or after a process was killed.

    It runs beside a service, and may be broken off: the next run goes on. Refused tokens are not kept, so their counts
    stay; so do those of days of which calls were deleted.
    """
    settings = read_settings()
    today = settings.today(datetime.now)
    last = until or (today if with_today else today - timedelta(days=1))
    if last >= today and not with_today:
        raise click.UsageError("today is not over: say --with-today, while no service runs on this store")
    calls = days = 0
    for counted in _run(settings, since, last):
        days, calls = days + 1, calls + counted.calls
        said = ", fewer than were counted: left as it was" if counted.is_kept else ""
        click.echo(f"{counted.day}  {counted.calls} calls{said}")
    click.echo(f"{days} days, {calls} calls")


def _run(settings: Settings, since: date | None, last: date) -> Any:
    announced = {one.hook: tuple(one.templates(settings.default_version)) for one in SERVICES}
    url = settings.database_url
    engines = connect(url), connect(url, each_alone=True, read_only=True)
    try:
        with failing_clearly():
            check_exists(url)
            yield from Recount(*engines, cipher_of(settings), settings.time_zone, announced).run(since, last)
    finally:
        for engine in engines:
            engine.dispose()
