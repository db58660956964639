"""The reference of the site: what the code and the data say of themselves, as tables."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click

from cds_hooks.commands.main import main
from cds_hooks.errors import HTTP_STATUS
from cds_hooks.settings import PREFIX, Settings, fields_by_group
from cds_hooks.telemetry.metrics import METRICS
from cds_hooks.web.openapi import ROUTES, build_document
from documentation.schemas import describe

#: What all generated pages say first.
_GENERATED: Final = "*Written by `make docs` from the code: it says what this version does.*"

#: The schemas of the files that people write: their page, and where they are.
_SCHEMAS: Final[Mapping[str, tuple[str, str]]] = {
    "policy-schema": ("Policy files", "cards/policies/policy.schema.json"),
    "cases-schema": ("Case files", "cards/policies/policy-cases.schema.json"),
    "payer-schema": ("Payer files", "cards/payers/payer.schema.json"),
    "clients-schema": ("Registrations of clients", "cds_hooks/schemas/clients.schema.json"),
}


def write_reference(root: Path, out: Path) -> list[tuple[str, str]]:
    """Write the pages of the reference into a folder; return the title and file name of each."""
    texts = {name: page() for name, page in _PAGES.items()}
    texts |= {name: _schema_page(title, root / file) for name, (title, file) in _SCHEMAS.items()}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / f"{name}.md").write_text(text)
    (out / "openapi.json").write_bytes(build_document(Settings.model_construct()))
    return [(text.partition("\n")[0].removeprefix("# "), f"{name}.md") for name, text in texts.items()]


def table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ("---",) * len(heads), *(tuple(_cell(text) for text in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", _GENERATED, *parts)) + "\n"


def settings() -> str:
    """Return the page of settings."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for group, name, field in fields_by_group():
        default = _default(field.get_default(call_default_factory=True))
        groups.setdefault(group, []).append((f"`{PREFIX}{name.upper()}`", f"`{default}`", field.description or ""))
    said = "Each is an environment variable, read once at the start. `crd settings` prints them with their values."
    heads = ("setting", "default", "what it means")
    return _page("Settings", said, *(f"## {group}\n\n{table(heads, iter(rows))}" for group, rows in groups.items()))


def _default(value: Any) -> str:
    """Return a default without the folder that this machine has the package in."""
    if isinstance(value, Path):
        return f"cards/{value.name}"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return {True: "1", False: "0", None: " ", "": " "}.get(value, str(value)) if not _is_number(value) else f"{value:g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def commands() -> str:
    """Return the page of the command line."""
    return _page("Commands", *_command("crd", main, 2))


def _command(name: str, command: click.Command, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    help_text = "\n\n".join(" ".join(part.split()) for part in (command.help or "").replace("\b", "").split("\n\n"))
    yield f"{'#' * min(depth, 4)} {name}"
    yield help_text
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{name} {usage}\n```"
    records = [one.get_help_record(context) for one in command.get_params(context) if one.name != "help"]
    options = [found for found in records if found]
    if options:
        yield table(("option", ""), ((f"`{option}`", text) for option, text in options))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            if found := command.get_command(context, inner):
                yield from _command(f"{name} {inner}", found, depth + 1)


def routes() -> str:
    """Return the page of the routes."""
    rows = ((route.method.upper(), f"`{route.path}`", route.summary, _DOORS[route.door]) for route in ROUTES)
    said = "The whole document, with every schema: [openapi.json](openapi.json), and `GET /openapi.json` of a service."
    return _page("HTTP API (OpenAPI)", said, table(("method", "path", "what it is", "open to"), rows))


_DOORS: Final = {
    "anybody": "anybody",
    "discovery": "anybody, or clients alone (`CRD_DISCOVERY`)",
    "service": "clients (`CRD_AUTH`)",
}


def errors() -> str:
    """Return the page of errors."""
    by_status = sorted(HTTP_STATUS.items(), key=lambda item: (item[1], item[0].__name__))
    rows = (
        (f"{status} {HTTPStatus(status).phrase}", (inspect.getdoc(error) or "").partition("\n")[0])
        for error, status in by_status
    )
    said = (
        "Every error but 401 is an OperationOutcome that says what is wrong and where, without values of the request."
    )
    more = "What a client should do about each: [Connect an EHR](../connect.md#8-when-there-is-no-answer)."
    return _page("Errors", f"{said} {more}", table(("status", "when"), rows))


def metrics() -> str:
    """Return the page of metrics."""
    rows = (
        (f"`{_exposed(name, kind)}`", kind, ", ".join(f"`{label}`" for label in labels), text)
        for name, (text, labels, buckets, gauge) in METRICS.items()
        for kind in ("histogram" if buckets else "gauge" if gauge else "counter",)
    )
    said = "Served on `CRD_METRICS_PORT`. Alerts to begin with: [operations](../operations.md)."
    return _page("Metrics", said, table(("metric", "kind", "labels", "what it counts"), rows))


def _exposed(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


def _schema_page(title: str, file: Path) -> str:
    return _page(title, *describe(json.loads(file.read_text())))


_PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings,
    "commands": commands,
    "http": routes,
    "errors": errors,
    "metrics": metrics,
}
