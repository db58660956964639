"""`crd synth`: an invented population of orders with known truth, to check reports and machines by."""

from importlib.util import find_spec
from pathlib import Path

import click

from cds_hooks.errors import StartError


@click.command("synth")
@click.option("--orders", type=click.IntRange(1), default=10_000, show_default=True, help="How many orders.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same population.")
@click.option("--out", required=True, type=click.Path(resolve_path=True, path_type=Path), help="A new folder.")
def synth(orders: int, seed: int, out: Path) -> None:
    """Write invented orders whose report is known beforehand.

    They are FHIR bulk data: three clinics' exports with coverages, plain and compressed, the payers, and faulty lines.
    truth.json has the figures that `crd impact` must come to under the policies of this package.

    \b
    Example: crd synth --orders 1000000 --seed 1 --out population
    """
    if out.exists():
        raise StartError(f"{out}: is there already")
    if find_spec("rich") is None:
        raise StartError("crd synth needs more packages: pip install 'crd-server[impact]'")
    from rich.progress import track

    from cds_hooks.impact.population.writing import write_population

    steps = iter(track(range(orders), "Writing orders", total=orders))
    truth = write_population(out, orders, seed, lambda: next(steps, None))
    click.echo(f"Written: {out}, with {truth.name}")
