"""`crd send`: plays a client from the terminal: a hook call with its token and prefetch, and the answer to read."""

import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson
from rich.text import Text

from cds_hooks.client.call_files import read_call, write_call
from cds_hooks.client.display import Paragraph, open_terminal, show, show_refusal, write
from cds_hooks.client.keys import read_key
from cds_hooks.client.prefetch import FhirSource, fill_template
from cds_hooks.client.sending import Reply, connect
from cds_hooks.client.tokens import Signer

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("request", type=FILE)
@click.option("--to", "url", required=True, help="The service: its base URL, its discovery, or one of its services.")
@click.option("--sign", "key", type=FILE, help="The private key (crd jwks new) to sign a token with.")
@click.option("--issuer", help="With --sign: who calls, as the service has it registered (iss).")
@click.option("--jku", help="With --sign: where the public key is published.")
@click.option("--fhir", help="Base URL of the FHIR server to prefetch from, and to name in the call.")
@click.option("--fhir-token", envvar="FHIR_TOKEN", show_envvar=True, help="Access token of that server, for both.")
@click.option("--version", "version", help="The version of CRD to request, such as 2.2.")
@click.option("--timeout", type=click.FloatRange(0.1, 60), default=10.0, show_default=True, help="Seconds to wait.")
@click.option("--json", "as_json", is_flag=True, help="Print the response as it came.")
def send(
    request: Path,
    url: str,
    key: Path | None,
    issuer: str | None,
    jku: str | None,
    fhir: str | None,
    fhir_token: str | None,
    version: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Send the hook call in REQUEST as a client does, and show the answer.

    \b
      crd send fhir_examples/evicore-cmm-204/m0076-order-sign/request.json --to http://127.0.0.1:8000
      crd send call.json --to https://payer.example.com/crd --sign private-key.json --issuer https://ehr.example.com

    What the service asks for in its prefetch templates, and the call does not hold, is read with --fhir. The file is
    sent byte for byte but for what --version and --fhir put in, and a hookInstance where it has none.
    """
    if key and not issuer:
        raise click.UsageError("--sign needs --issuer: whom the service has registered")
    signer = Signer(read_key(key), issuer or "", jku) if key else None
    connection = connect(url, signer, timeout)
    body, call = read_call(request)
    call.setdefault("hookInstance", str(uuid.uuid4()))  # noqa: TID251 - a client's own id, to be unguessable
    if version:
        call["extension"] = {**(call.get("extension") or {}), "davinci-crd.requestedVersion": version}
    service: Mapping[str, Any] = {"id": connection.service_id}
    if connection.service_id is None or fhir:
        service = connection.discover(call["hook"])
    if fhir:
        _prefetch(call, service.get("prefetch") or {}, FhirSource(fhir.rstrip("/"), fhir_token, timeout))
    reply = connection.send(service["id"], write_call(body, call))
    _tell(reply, connection.url_of(service["id"]), as_json=as_json)


def _prefetch(call: dict[str, Any], templates: Mapping[str, str], source: FhirSource) -> None:
    """Add what the service asks for and the call does not hold; what cannot be had is left out, and said."""
    held = call.setdefault("prefetch", {})
    for name, template in templates.items():
        query = None if name in held else fill_template(template, call.get("context") or {})
        if query is None:
            continue
        found, fault = source.read(query)
        if fault:
            click.echo(f"prefetch {name} is left out: {fault}", err=True)
        else:
            held[name] = found
    call["fhirServer"] = source.base
    if source.token:
        call["fhirAuthorization"] = {
            "access_token": source.token,
            "token_type": "Bearer",
            "expires_in": 30,
            "scope": "user/*.read",
            "subject": "crd-send",
        }


def _tell(reply: Reply, url: str, *, as_json: bool) -> None:
    """Print an answer, or why there is none, which ends with code 1."""
    is_answer = reply.status == 200 and isinstance(reply.document, dict)
    click.echo(f"{reply.status} in {reply.milliseconds:.0f} ms from {url}\n", err=as_json)
    if as_json:
        click.echo(orjson.dumps(reply.document, option=orjson.OPT_INDENT_2))
    else:
        write(open_terminal(), _read(reply, is_answer=is_answer))
    if not is_answer:
        sys.exit(1)


def _read(reply: Reply, *, is_answer: bool) -> list[Paragraph]:
    try:
        return list(show(reply.document) if is_answer else show_refusal(reply.document, reply.status))
    except (AttributeError, TypeError):
        return [Paragraph(Text("What came is not what CDS Hooks has; --json prints it."), indent=0)]
