"""The commands `crd export`: the rules in formats that other engines read."""

from datetime import date
from typing import Any, BinaryIO

import click
import orjson

from cards import Vocabulary
from cds_hooks.commands.days import DAY
from cds_hooks.rules.fhir_export import export_bundle
from cds_hooks.rules.folders import find_policies
from cds_hooks.rules.loading import load_policies, load_vocabulary, read_policy_document
from cds_hooks.settings import Settings, read_base_url, read_settings


def _base_url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return read_base_url(value)
    except ValueError:
        raise click.BadParameter("must be an http(s) URL without query and fragment") from None


@click.group()
def export() -> None:
    """Write the policies in a format that other engines read."""


@export.command("fhir")
@click.option("--out", type=click.File("wb", lazy=True), default="-", help="File to write; standard output if none.")
@click.option("--json-lines", is_flag=True, help="One resource on each line (NDJSON) instead of one Bundle.")
@click.option(
    "--base-url",
    default="http://example.org/crd",
    show_default=True,
    callback=_base_url,
    help="What every canonical URL begins with.",
)
@click.option("--on", type=DAY, help="Day of publication; ended versions are retired. [today]")
def export_fhir(out: BinaryIO, json_lines: bool, base_url: str, on: date | None) -> None:
    """Write a FHIR R4 Bundle: PlanDefinition, Library and ValueSets of every policy version.

    Reads the folders that CRD_POLICIES and CRD_VOCABULARY name. The same files and day give the same bytes.
    """
    settings = read_settings()
    documents, vocabulary = _read_policies(settings)
    bundle = export_bundle(documents, vocabulary, on or settings.today(), base_url)
    out.write(_lines(bundle) if json_lines else _document(bundle))


def _read_policies(settings: Settings) -> tuple[list[Any], Vocabulary]:
    """Return the policies' own JSON once the loader has passed all of them; StartError says what is wrong where."""
    vocabulary = load_vocabulary(settings.vocabulary)
    load_policies(settings.policies, vocabulary)
    documents = [read_policy_document(files.policy) for files in find_policies(settings.policies).values()]
    return documents, vocabulary


def _document(bundle: dict[str, Any]) -> bytes:
    return orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _lines(bundle: dict[str, Any]) -> bytes:
    """Return the Bundle's resources as FHIR's bulk data has them (application/fhir+ndjson)."""
    return b"".join(orjson.dumps(e["resource"], option=orjson.OPT_APPEND_NEWLINE) for e in bundle["entry"])
