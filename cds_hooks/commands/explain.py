"""`crd explain`: how an order would be decided, with every step: for analysts and for disputes."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
import orjson

from cards import (
    PLACE_OF_SERVICE,
    PLACES,
    Circumstances,
    CodeSystems,
    DocumentError,
    Payer,
    PayerChoice,
    explain,
    is_npi,
    read_order,
)
from cds_hooks.answering.answer import explain_hook
from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.look_up_notes import note_look_up
from cds_hooks.answering.trace import Explanation, explain_order, tell_basis
from cds_hooks.app import create_deployment
from cds_hooks.commands.days import DAY
from cds_hooks.errors import CallError, StartError
from cds_hooks.hooks.services import SERVICES
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.reload import read_rules
from cds_hooks.rules.short_orders import identify_provider, read_code
from cds_hooks.settings import read_settings

#: Steps by which one policy is looked at; `in force` names it.
_OF_A_POLICY: Final = ("words", "second reading", "ruled out", "match", "deciding words", "no match")

_SERVICES: Final = {service.hook: service for service in SERVICES}


@click.command("explain")
@click.argument("request", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", multiple=True, help="A code of the order: M0076, or SYSTEM|CODE such as CPT|20999.")
@click.option("--text", help="The order's name, such as: Prolotherapy, right knee.")
@click.option("--note", multiple=True, help="A note of the order.")
@click.option("--place", help="The place of service, a CMS code such as 22.")
@click.option("--ordered-by", help="Who orders it, by NPI.")
@click.option("--performed-by", help="Who performs it, by NPI.")
@click.option("--payer", "payer_id", help="The payer by the id of its file; without it the default payer.")
@click.option("--on", "on", type=DAY, help="The day, such as 2024-06-01; without it today.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def explain_command(
    request: Path | None,
    code: tuple[str, ...],
    text: str | None,
    note: tuple[str, ...],
    place: str | None,
    ordered_by: str | None,
    performed_by: str | None,
    payer_id: str | None,
    on: date | None,
    as_json: bool,
) -> None:
    """Say how an order would be decided, and why.

    REQUEST is a hook call in a file; without it, describe one order by options:

    \b
      crd explain fhir_examples/evicore-cmm-204/m0076-order-select/request.json
      crd explain --code M0076 --text "Prolotherapy" --payer medicare --on 2024-06-01
      crd explain --code 63650 --place 22 --payer medicare
    """
    settings = read_settings()
    deployment, rules = create_deployment(settings), read_rules(settings)
    if request:
        explanations = _of_request(request, deployment, rules, on)
    elif code or text or note:
        payer = _find_payer(payer_id, rules)
        order = {
            **_describe_order(code, text, note, place, rules.vocabulary.code_systems),
            **_describe_providers(ordered_by, performed_by),
        }
        explanations = [_explain_alone(order, payer, on or deployment.today(), rules)]
    else:
        raise click.UsageError("give a REQUEST file, or describe an order with --code, --text or --note")
    rows = [_row(explanation) for explanation in explanations]
    click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2) if as_json else "\n\n".join(map(_readable, rows)))


def _of_request(path: Path, deployment: Deployment, rules: Rules, on: date | None) -> list[Explanation]:
    body = path.read_bytes()
    try:
        hook = orjson.loads(body).get("hook")
    except (orjson.JSONDecodeError, AttributeError):
        raise StartError(f"{path}: not a hook call in JSON") from None
    if hook not in _SERVICES:
        raise StartError(f"{path}: $.hook: {hook} is not one of {', '.join(_SERVICES)}")
    note_look_up(deployment, "crd explain")
    try:
        return explain_hook(_SERVICES[hook], body, deployment, rules, on)
    except CallError as error:
        raise StartError("\n".join(f"{path}: {issue.diagnostics}" for issue in error.issues)) from None


def _describe_order(
    codes: tuple[str, ...], text: str | None, notes: tuple[str, ...], place: str | None, code_systems: CodeSystems
) -> dict[str, Any]:
    """Return the order that options describe, as a FHIR resource."""
    if place and place not in PLACES:
        raise StartError(f"--place: {place} is no assigned place-of-service code of CMS, such as 11 or 22")
    coding = [_coding(code, code_systems) for code in codes]
    concept = {"coding": coding, **({"text": text} if text else {})}
    where = [{"coding": [{"system": PLACE_OF_SERVICE, "code": place}]}] if place else []
    notes_written = [{"text": note} for note in notes]
    return {"resourceType": "ServiceRequest", "code": concept, "note": notes_written, "locationCode": where}


def _describe_providers(ordered_by: str | None, performed_by: str | None) -> dict[str, Any]:
    """Return the elements of an order that name its providers."""
    for name, npi in (("--ordered-by", ordered_by), ("--performed-by", performed_by)):
        if npi is not None and not is_npi(npi):
            raise StartError(f"{name}: {npi} is no NPI: ten digits, of which the last checks the others")
    requester = {"requester": identify_provider(ordered_by)} if ordered_by else {}
    return requester | ({"performer": [identify_provider(performed_by)]} if performed_by else {})


def _find_payer(payer_id: str | None, rules: Rules) -> Payer:
    payers = {payer.id: payer for payer in rules.payers.payers}
    if payer_id and payer_id not in payers:
        raise StartError(f"no payer {payer_id} (known: {', '.join(sorted(payers))})")
    return payers[payer_id] if payer_id else rules.payers.default


def _explain_alone(resource: dict[str, Any], payer: Payer, on: date, rules: Rules) -> Explanation:
    code_systems = rules.vocabulary.code_systems
    circumstances = Circumstances((resource,), code_systems, lambda _: None, on, on)
    paying = PayerChoice(None, payer, payer_is_known=True)
    return explain_order(read_order(resource, code_systems), paying, rules, on, circumstances=circumstances)


def _coding(code: str, code_systems: CodeSystems) -> dict[str, str]:
    """Return a FHIR Coding for `SYSTEM|CODE`, or for a bare code: five digits are CPT, a letter and digits HCPCS.

    The system is a name that the vocabulary has, or any URI; StartError for what is neither, which may be misspelt.
    """
    system, bar, value = code.rpartition("|")
    if bar and ":" in system:
        return {"system": system, "code": value}
    try:
        return read_code(code, "--code", code_systems)
    except DocumentError as error:
        raise StartError(f"--code {code}: {error.reason}") from None


def _row(explanation: Explanation) -> dict[str, Any]:
    decision, member = explanation.decision, explanation.paying.member
    on_file = decision.authorization if decision else None
    return {
        "order": explanation.order.title or f"{explanation.order.resource_type} without a name",
        "payer": explanation.paying.payer.name,
        "covered": decision.covered if decision else None,
        "pa-needed": decision.pa_needed if decision and decision.is_sure else None,
        "basis": tell_basis(decision) or decision.basis.value if decision else "an order that asks for nothing",
        "reasons": [*explain(decision), *(on_file.looked_at if on_file else ())] if decision else [],
        "member": member.id.value if member else None,
        "authorization": on_file.satisfied_by.number if on_file and on_file.satisfied_by else None,
        "findings": [
            {
                "policy": finding.version.key,
                "strength": finding.match.strength.value,
                "path": finding.path,
                "deciding": [span._asdict() for span in finding.deciding],
                "guideline": finding.version.guideline.url,
            }
            for finding in (decision.findings if decision else ())
        ],
        "trace": [{"step": rule, "found": found} for rule, found in explanation.steps],
    }


def _readable(row: dict[str, Any]) -> str:
    said = ", ".join(part for part in (row["covered"], row["pa-needed"]) if part) or "no answer"
    lines = [f"{row['order']}: {said} ({row['basis']}), {row['payer']}"]
    lines += [f"  {reason}" for reason in row["reasons"]]
    return "\n".join([*lines, *_list_steps(row["trace"])])


def _list_steps(trace: list[dict[str, str]]) -> Iterator[str]:
    """Yield a line for each step, those of a policy below it."""
    for step in trace:
        yield f"  {'  ' if step['step'] in _OF_A_POLICY else ''}- {step['step']}: {step['found']}"
