"""The pages that send an order to the service, show what comes back, and let one do with it what a clinician does."""

from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Any, Final

from flask import Blueprint, abort, render_template, request

from cds_hooks.console.parts import parts
from cds_hooks.console.try_it.answers import issues_of, read_answer
from cds_hooks.console.try_it.asked_orders import (
    call_of,
    carried_form,
    case_form,
    form_context,
    linked_form,
    posted_form,
)
from cds_hooks.console.try_it.order_form import HOOKS, FormError, OrderForm
from cds_hooks.console.try_it.suggestions import apply_suggestion
from cds_hooks.console.try_it.tries import Try, carried_try, curl_line, send, send_feedback, send_text
from cds_hooks.console.wording import Told, reply_error
from cds_hooks.strict_json import indent, parse_json

pages: Final = Blueprint("try", __name__)


@pages.get("/")
def form() -> str:
    """Show the form, filled with what the link says."""
    return render_template("try.html", **form_context(linked_form()))


@pages.post("/")
def send_order() -> str:
    """Send the order that was described, and show what the service answers."""
    filled = posted_form()
    try:
        call = call_of(filled)
    except FormError as error:
        return render_template("try.html", **form_context(filled, error.faults))
    return _show(send(filled.hook, call, parts().service), filled)


@pages.post("/console/form")
def edit_order() -> str:
    """Show the form as it was sent: posted, since words of an order are in no URL."""
    return render_template("try.html", **form_context(posted_form()))


@pages.post("/console/fire")
def fire() -> str:
    """Send a case of a policy as a whole call."""
    filled = case_form(request.form.get("policy", ""), request.form.get("case", ""))
    if filled is None:
        abort(404)
    return _show(send(filled.hook, call_of(filled), parts().service), filled)


@pages.post("/console/again")
def send_again() -> str:
    """Send a call that was changed by hand."""
    hook, text = request.form.get("hook", ""), request.form.get("request", "")
    if hook not in HOOKS:
        abort(400)
    try:
        parse_json(text)
    except (ValueError, RecursionError) as error:
        return render_template("raw.html", text=text, hook=hook, told=_not_json(error))
    return _show(send_text(hook, text.encode(), parts().service))


def _not_json(error: Exception) -> Told:
    place = f"Look at line {error.lineno}, column {error.colno}." if isinstance(error, JSONDecodeError) else str(error)
    return Told("This is not JSON", place)


@pages.post("/console/feedback")
def feedback() -> str:
    """Tell the service what was done with a card, as an EHR does."""
    tried = carried_try(request.form)
    outcome, _, card = request.form.get("feedback", "").partition(" ")
    more = _override_reason(tried, card) if outcome == "overridden" else {}
    return _show(_tell(tried, card, outcome, more), carried_form())


@pages.post("/console/apply")
def apply() -> str:
    """Take a suggestion: tell the service, change the orders as it says, and ask again."""
    tried = carried_try(request.form)
    try:
        card, number = (int(part) for part in request.form.get("suggestion", "").split())
        changed = apply_suggestion(tried.sent, tried.answered, card, number)
        shown = read_answer(tried.answered).cards[card]
        suggestion = shown.suggestions[number]
    except (ValueError, LookupError, TypeError):
        abort(400)
    _tell(tried, shown.uuid, "accepted", {"acceptedSuggestions": [{"id": suggestion.uuid}]})
    return _show(send(tried.hook, changed, parts().service), carried_form(), applied=suggestion.label)


def _tell(tried: Try, card: str, outcome: str, more: dict[str, Any]) -> Try:
    """Send feedback, and return the try with what came of that."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reply = send_feedback(tried, {"card": card, "outcome": outcome, "outcomeTimestamp": at, **more}, parts().service)
    is_taken = reply.status == 200 and not issues_of(reply.document)
    said = outcome if is_taken else f"not taken by the service ({reply.status or 'no answer'})"
    return tried._replace(told=tried.told | {card: said})


def _override_reason(tried: Try, card: str) -> dict[str, Any]:
    """Return the reason that was chosen for a card, and what was written beside it, as feedback has them."""
    offered = next((one.reasons for one in read_answer(tried.answered).cards if one.uuid == card), ())
    chosen = request.form.get(f"reason-{card}", "")
    reason = next((one for one in offered if f"{one.system}|{one.code}" == chosen), None)
    said = request.form.get(f"comment-{card}", "").strip()
    told: dict[str, Any] = {"reason": reason._asdict()} if reason else {}
    told |= {"userComment": said} if said else {}
    return {"overrideReason": told} if told else {}


def _show(tried: Try, filled: OrderForm | None = None, applied: str | None = None) -> str:
    return render_template(
        "answer.html",
        tried=tried,
        shown=read_answer(tried.answered),
        told=reply_error(tried.status),
        issues=issues_of(tried.answered),
        request_text=indent(tried.request),
        response_text=indent(tried.response),
        curl=curl_line(tried, parts().service),
        applied=applied,
        **form_context(filled),
    )
