"""`crd jwks`: the keys that a client proves itself with."""

from pathlib import Path

import click

from cds_hooks.client.keys import MAKERS, make_key, public_set, write_new


@click.group()
def jwks() -> None:
    """Make keys for a client that signs its calls."""


@jwks.command("new")
@click.option("--alg", type=click.Choice(list(MAKERS)), default="ES384", show_default=True, help="What it signs with.")
@click.option("--kid", help="The key's id; without it its thumbprint.")
@click.option(
    "--in",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Folder to write to. [here]",
)
def new(alg: str, kid: str | None, folder: Path) -> None:
    """Make a key: private-key.json to sign with, which only its owner may read, and jwks.json to publish.

    Neither is ever written over.
    """
    private, published = folder / "private-key.json", folder / "jwks.json"
    key = make_key(alg, kid)
    write_new(private, key, 0o600)
    write_new(published, public_set(key), 0o644)
    click.echo(f"{private}  the private key {key['kid']}: it stays with the client, and signs (crd send --sign)")
    click.echo(f"{published}  the public key: publish it at the jku, or register it as jwks-file")
