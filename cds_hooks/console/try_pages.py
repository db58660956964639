"""The pages that send an order to the service, show what comes back, and say why."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from flask import Blueprint, abort, render_template, request
from werkzeug.exceptions import BadRequest

from cds_hooks.answering.answer import explain_hook
from cds_hooks.console.answers import issues_of, read_answer
from cds_hooks.console.examples import cases_of, examples, payer_of
from cds_hooks.console.hook_calls import SITUATIONS, service_of, write_call
from cds_hooks.console.order_form import (
    HOOKS,
    KINDS,
    PLACES,
    SHARED,
    VERSIONS,
    FormError,
    OrderForm,
    fill_form,
    read_form,
    write_order,
)
from cds_hooks.console.parts import Parts, parts
from cds_hooks.console.reasoning import Why, tell_why
from cds_hooks.console.suggestions import apply_suggestion
from cds_hooks.console.tries import Try, curl_line, indent, send, send_feedback, unpack
from cds_hooks.console.wording import Told, reply_error
from cds_hooks.errors import CallError
from cds_hooks.rules.cases import Case
from cds_hooks.strict_json import parse_json

pages: Final = Blueprint("try", __name__)

_WHY: Final = "/console/why"


@pages.get("/")
def form() -> str:
    """Show the form, filled with what the link says: an example, a policy, or the fields that a link may carry."""
    return _show_form("try.html", _asked())


@pages.post("/")
def send_order() -> str:
    """Send the order that was described, and show what the service answers."""
    found, filled = parts(), read_form(request.form, _defaults())
    try:
        call = _write_call(filled, found)
    except FormError as error:
        return _show_form("try.html", filled, faults=error.faults)
    return _show_try(send(filled.hook, call, found.service), filled)


@pages.get(_WHY)
def why() -> str:
    """Show the form that asks why."""
    return _show_form("why.html", _asked())


@pages.post(_WHY)
def tell() -> str:
    """Say how the order that was described, or the call that was sent, is decided."""
    if "call" in request.form:
        tried = _carried()
        return _show_why(tried.hook, tried.request.encode(), None)
    filled = read_form(request.form, _defaults())
    try:
        call = _write_call(filled, parts())
    except FormError as error:
        return _show_form("why.html", filled, faults=error.faults)
    return _show_why(filled.hook, orjson.dumps(call), filled)


@pages.post("/console/fire")
def fire() -> str:
    """Send a case of a policy as a whole call."""
    filled = _of_case(request.form.get("policy", ""), request.form.get("case", ""))
    if filled is None:
        abort(404)
    found = parts()
    return _show_try(send(filled.hook, _write_call(filled, found), found.service), filled)


@pages.post("/console/again")
def send_again() -> str:
    """Send a call that was changed by hand."""
    found, hook = parts(), request.form.get("hook", "")
    if hook not in HOOKS:
        abort(400)
    text = request.form.get("request", "")
    try:
        call = parse_json(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        told = Told(
            "This is not JSON", f"Look at line {line}, column {getattr(error, 'colno', 0)}." if line else str(error)
        )
        return render_template("raw.html", text=text, hook=hook, hooks=HOOKS, told=told)
    return _show_try(send(hook, call, found.service))


@pages.post("/console/feedback")
def feedback() -> str:
    """Tell the service what was done with a card, as an EHR does."""
    found, tried = parts(), _carried()
    what, _, uuid = request.form.get("feedback", "").partition(" ")
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    report: dict[str, Any] = {"card": uuid, "outcome": what, "outcomeTimestamp": at}
    if what == "overridden" and (reason := _override_reason(tried, uuid)):
        report["overrideReason"] = reason
    reply = send_feedback(tried, report, found.service)
    outcome = what if reply.status == 200 else f"not taken by the service ({reply.status or 'no answer'})"
    return _show_try(tried._replace(told=tried.told | {uuid: outcome}))


@pages.post("/console/apply")
def apply() -> str:
    """Take a suggestion: tell the service, change the orders as it says, and ask again."""
    found, tried = parts(), _carried()
    try:
        card, number = (int(part) for part in request.form.get("suggestion", "").split())
        changed = apply_suggestion(tried.sent, tried.answered, card, number)
        taken = tried.answered["cards"][card]
        suggestion = taken["suggestions"][number]
    except (ValueError, LookupError, TypeError):
        abort(400)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    accepted = [{"id": suggestion.get("uuid")}]
    report = {"card": taken["uuid"], "outcome": "accepted", "acceptedSuggestions": accepted, "outcomeTimestamp": at}
    send_feedback(tried, report, found.service)
    return _show_try(send(tried.hook, changed, found.service), applied=str(suggestion.get("label", "")))


def _override_reason(tried: Try, uuid: str) -> dict[str, Any]:
    """Return the reason that was chosen for a card, and what was written beside it."""
    cards = read_answer(tried.answered).cards
    offered = next((card.reasons for card in cards if card.uuid == uuid), ())
    chosen = request.form.get(f"reason-{uuid}", "")
    reason = next((one for one in offered if f"{one.system}|{one.code}" == chosen), None)
    said = request.form.get(f"comment-{uuid}", "").strip()
    coded = {"reason": {"code": reason.code, "system": reason.system, "display": reason.display}} if reason else {}
    return coded | ({"userComment": said} if said else {})


def _carried() -> Try:
    """Return the try that the form carries."""
    try:
        return unpack(request.form.get("call", ""))
    except (ValueError, LookupError, TypeError):
        raise BadRequest from None


def _defaults() -> OrderForm:
    found = parts()
    return OrderForm(coverage=found.rules.payers.default.id, on=found.today.isoformat())


def _asked() -> OrderForm:
    """Return the form as a link asks for it."""
    asked, filled = request.args, _defaults()
    policy, _, number = asked.get("example", "").partition(" ")
    policy, number = asked.get("policy", policy), asked.get("case", number)
    if number:
        filled = _of_case(policy, number) or filled
    elif policy in parts().rules.index.policies:
        filled = filled._replace(coverage=payer_of(policy, parts().rules), code=_code_of(policy))
    return read_form({name: asked[name] for name in SHARED if name in asked}, filled)


def _code_of(policy: str) -> str:
    """Return the first code that names a policy's service."""
    versions = [version for version in parts().rules.index.policies[policy].versions if version]
    codes = [code.coding for version in reversed(versions) for code in version.definitive.values()]
    return f"{codes[0].system} {codes[0].code}" if codes else ""


def _of_case(policy: str, number: str) -> OrderForm | None:
    """Return the form of a policy's case; None where there is no such case."""
    found = parts()
    case = _find_case(policy, number, found)
    if case is None:
        return None
    around = OrderForm(coverage=payer_of(policy, found.rules), on=case.on.isoformat())
    return fill_form(case.order, found.rules.vocabulary.code_systems, around)


def _find_case(policy: str, number: str, found: Parts) -> Case | None:
    if policy not in found.rules.index.policies or not number.isdecimal():
        return None
    cases = cases_of(policy, found.rules, found.settings).found
    return cases[int(number)] if int(number) < len(cases) else None


def _write_call(filled: OrderForm, found: Parts) -> dict[str, Any]:
    order = write_order(filled, found.rules.vocabulary.code_systems)
    return write_call(order, filled.hook, filled.version, filled.coverage, filled.on, found.rules.payers)


def _choices(found: Parts) -> dict[str, Any]:
    payers = [(payer.id, payer.name) for payer in sorted(found.rules.payers.payers, key=lambda one: one.name)]
    return {
        "payers": payers,
        "situations": SITUATIONS,
        "hooks": HOOKS,
        "versions": VERSIONS,
        "kinds": KINDS,
        "places": PLACES,
        "examples": examples(found.rules, found.settings),
    }


def _show_form(template: str, filled: OrderForm, faults: Mapping[str, str] | None = None) -> str:
    link = {name: value for name, value in filled._asdict().items() if name in SHARED and value}
    return render_template(template, form=filled, faults=faults or {}, link=link, **_choices(parts()))


def _show_try(tried: Try, filled: OrderForm | None = None, applied: str | None = None) -> str:
    found = parts()
    link = {name: value for name, value in filled._asdict().items() if name in SHARED and value} if filled else None
    return render_template(
        "answer.html",
        tried=tried,
        shown=read_answer(tried.answered),
        told=reply_error(tried.status),
        issues=issues_of(tried.answered),
        request_text=indent(tried.request),
        response_text=indent(tried.response),
        curl=curl_line(tried, found.service.base),
        title=service_of(tried.hook).title,
        link=link,
        applied=applied,
        form=filled,
        faults={},
        **_choices(found),
    )


def _show_why(hook: str, body: bytes, filled: OrderForm | None) -> str:
    found = parts()
    try:
        explanations = explain_hook(service_of(hook), body, found.deployment, found.rules)
    except CallError as error:
        whys: list[Why] = []
        issues = tuple(issue.diagnostics for issue in error.issues)
    else:
        whys, issues = [tell_why(one, found.today) for one in explanations], ()
    shown = filled or _defaults()
    link = {name: value for name, value in shown._asdict().items() if name in SHARED and value}
    return render_template(
        "why.html", whys=whys, issues=issues, is_told=True, form=shown, link=link, faults={}, **_choices(found)
    )
