"""The page that says why an order is answered as it is: the same rules as on a call, and nothing is sent.

Nothing is recorded but that a member was looked up, where members are asked.
"""

from typing import Final

import orjson
from flask import Blueprint, g, render_template, request

from cds_hooks.answering.answer import explain_hook
from cds_hooks.answering.look_up_notes import note_look_up
from cds_hooks.console.parts import parts
from cds_hooks.console.try_it.asked_orders import (
    call_of,
    carried_form,
    empty_form,
    form_context,
    linked_form,
    posted_form,
)
from cds_hooks.console.try_it.hook_calls import service_of
from cds_hooks.console.try_it.order_form import FormError, OrderForm
from cds_hooks.console.try_it.tries import carried_try
from cds_hooks.console.why.reasoning import tell_why
from cds_hooks.errors import CallError

pages: Final = Blueprint("why", __name__, url_prefix="/console/why")


@pages.get("")
def form() -> str:
    """Show the form that asks why."""
    return render_template("why.html", **form_context(linked_form()))


@pages.post("")
def tell() -> str:
    """Say how the order that was described, or the call that was sent, is decided."""
    if "call" in request.form:
        tried = carried_try(request.form)
        return _show(tried.hook, tried.request.encode(), carried_form() or empty_form())
    filled = posted_form()
    try:
        call = call_of(filled)
    except FormError as error:
        return render_template("why.html", **form_context(filled, error.faults))
    return _show(filled.hook, orjson.dumps(call), filled)


def _show(hook: str, body: bytes, filled: OrderForm) -> str:
    found = parts()
    note_look_up(found.deployment, "console", g.login.operator if g.login else None)
    issues: tuple[str, ...] = ()
    try:
        whys = [
            tell_why(one, found.today) for one in explain_hook(service_of(hook), body, found.deployment, found.rules)
        ]
    except CallError as error:
        whys, issues = [], tuple(issue.diagnostics for issue in error.issues)
    return render_template("why.html", whys=whys, issues=issues, is_told=True, **form_context(filled))
