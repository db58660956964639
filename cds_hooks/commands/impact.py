"""`crd impact`: what policies would have said of a year of orders, before they go live."""

import secrets
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cds_hooks.commands.days import DAY
from cds_hooks.commands.processors import count_processors
from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings

if TYPE_CHECKING:
    from cds_hooks.impact.work import Work

_FOLDER: Final = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)
_FILE_OR_FOLDER: Final = click.Path(exists=True, resolve_path=True, path_type=Path)

#: What a command that was stopped by Ctrl-C ends with, as shells have it.
_STOPPED: Final = 130


@click.command("impact")
@click.argument("orders", nargs=-1, required=True, metavar="ORDERS...")
@click.option("--policies", type=_FILE_OR_FOLDER, help="Folder of policies, or one policy that stands in for its like.")
@click.option("--payers", type=_FOLDER, help="Folder of payers, where new policies bind them otherwise.")
@click.option("--baseline", type=_FILE_OR_FOLDER, help="Policies to compare with, given as --policies are.")
@click.option("--members", multiple=True, help="Files, folders or URLs with coverages and payers beside ORDERS.")
@click.option("--on", type=DAY, help="Ask the policies of this day, not of each order's own.")
@click.option("--out", required=True, type=click.Path(file_okay=False, resolve_path=True, path_type=Path))
@click.option("--engine", default="local", show_default=True, help="local, or a Spark master.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes of the local engine. [default: all cores]")
@click.option("--apart", is_flag=True, help="Each folder is an export of its own: its ids say nothing in another.")
@click.option("--with-ids", is_flag=True, help="Write ids of orders and clinicians as they are, not as hashes.")
@click.option("--with-texts", is_flag=True, help="Show names of orders that few patients have, too.")
def impact(
    orders: tuple[str, ...], out: Path, engine: str, workers: int | None, with_texts: bool, **planned: Any
) -> None:
    """Report what policies would have said of many orders.

    ORDERS are files, folders or URLs (s3://, gs://, abfs://) of FHIR bulk data: NDJSON, perhaps as .gz or .zst, of
    ServiceRequest, DeviceRequest and MedicationRequest, with Coverage and the Organizations that pay. The folder --out
    gets report.html, figures.json, answers.parquet, figures.parquet and set-aside.csv.

    Stopped with Ctrl-C, the same command goes on where it was.

    \b
    Example: crd impact exports/2026 --policies drafts/evicore-cmm-204 --baseline cards/policies --out report
    Example: crd impact s3://lake/orders --members s3://lake/coverage --on 2027-01-01 --out report
    Example: crd impact exports/2026 --engine spark://cluster:7077 --out report
    """
    _check_extra("duckdb", "impact")
    _run(_plan(orders, **planned), out, engine, workers or count_processors(), all_texts=with_texts)


def _plan(
    orders: tuple[str, ...],
    members: tuple[str, ...],
    policies: Path | None,
    payers: Path | None,
    baseline: Path | None,
    on: date | None,
    apart: bool,
    with_ids: bool,
) -> "Work":
    """Return what is to be done; StartError where files or rules cannot be read."""
    from cds_hooks.impact.judging import read_terms
    from cds_hooks.impact.rules_package import pack_rules
    from cds_hooks.impact.sources import cut, find_files
    from cds_hooks.impact.work import Work

    settings = read_settings()
    files, others = find_files(orders), find_files(members) if members else []
    ranges = cut([*files, *(file for file in others if file not in files)])
    asked = {file.url for file in files}
    return Work(
        orders=tuple(part for part in ranges if part.url in asked),
        records=tuple(part for part in ranges if part.url not in asked),
        rules=pack_rules(settings, policies, payers),
        baseline=pack_rules(settings, baseline) if baseline else None,
        terms=read_terms(settings, on),
        today=settings.today(),
        key=None if with_ids else secrets.token_bytes(32),
        apart=apart,
    )


def _check_extra(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise StartError(f"crd impact needs more packages: pip install 'crd-server[{extra}]'")


def _run(work: "Work", out: Path, engine: str, workers: int, *, all_texts: bool) -> None:
    """Answer, count and tell; exit 130 where it was stopped, with what is done kept."""
    from rich.console import Console

    from cds_hooks.impact.progress import Progress
    from cds_hooks.impact.run import REPORT, begin, finish
    from cds_hooks.impact.summary import print_summary

    told, shown = Console(stderr=True), Console()
    run = begin(out, work)
    if run.goes_on:
        told.print("Going on where the last run was stopped")
    try:
        with Progress(run.work, told) as progress:
            if engine == "local":
                from cds_hooks.impact.local_engine import answer_locally

                answer_locally(run.work, run.folder, workers, progress.advance)
            else:
                _check_extra("pyspark", "spark")
                from cds_hooks.impact.spark_engine import answer_on_spark

                answer_on_spark(run.work, run.folder, engine, progress.advance)
            progress.count()
            figures = finish(run, all_texts=all_texts)
    except KeyboardInterrupt:
        told.print("Stopped. The same command goes on from here")
        raise SystemExit(_STOPPED) from None
    print_summary(figures, shown)
    told.print(f"Written: {out / REPORT}")
