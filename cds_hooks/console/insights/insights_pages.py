"""The pages of Insights: figures of some days, and one call opened by who may, for a reason that is kept."""

import uuid
from typing import Any, Final

from flask import Blueprint, abort, render_template, request

from cds_hooks.console.insights.call_page import describe_call
from cds_hooks.console.insights.insights import (
    AUTHORIZATIONS,
    GOAL,
    GOAL_SHARE,
    HEEDED,
    OUTCOMES,
    VERDICTS,
    days_before,
    read_figures,
)
from cds_hooks.console.login.login import require_operator
from cds_hooks.console.mount import PREFIX
from cds_hooks.console.parts import Parts, parts
from cds_hooks.store.encryption import SealError
from cds_hooks.store.fact_queries import FactReader
from cds_hooks.store.fact_queries import Wanted as WantedFacts
from cds_hooks.store.search import Found, Wanted

pages: Final = Blueprint("insights", __name__, url_prefix=f"{PREFIX}/insights")

#: How many days may be chosen, and how the form calls them.
PERIODS: Final = ((1, "Today"), (7, "7 days"), (28, "28 days"), (91, "13 weeks"), (364, "52 weeks"))
_USUAL: Final = 28

#: As many calls are listed of an id.
_MOST_CALLS: Final = 20

#: A reason has so many characters at the least, and is kept up to so many.
_REASON: Final = (4, 500)

_NOT_FOUND: Final = "No call is kept with this number. It may be of another service, or deleted since."


@pages.get("")
def show() -> str:
    """Show the figures of the days that are asked for."""
    found = parts()
    wanted, days = _wanted(found)
    reader = FactReader(found.records.reading, wanted, found.records.month_sums.prepare(wanted.first, wanted.last))
    figures = read_figures(reader, wanted, found.rules)
    return render_template(
        "insights.html",
        figures=figures,
        wanted=wanted,
        days=days,
        periods=PERIODS,
        known=set(found.rules.index.policies),
        last_day=reader.last_day() if figures.is_empty else None,
        series={"calls": OUTCOMES, "answers": VERDICTS, "feedback": HEEDED, "authorizations": AUTHORIZATIONS},
        goal=(GOAL // 1000, round(GOAL_SHARE * 100)),
    )


def _wanted(found: Parts) -> tuple[WantedFacts, int]:
    asked = request.args.get("days", _USUAL, type=int)
    days = asked if asked in dict(PERIODS) else _USUAL
    chosen = [request.args.get(name) or None for name in ("policy", "payer", "client")]
    return WantedFacts(*days_before(found.today, days), *chosen), days


@pages.get("/call")
def ask_call() -> str:
    """Ask which call is to be opened, and why."""
    require_operator()
    return render_template("call_form.html", number="", reason="", fault="", calls=())


@pages.post("/call")
def open_call() -> Any:
    """Open the call that an assertion, a card or its own id names, or list the calls where there are several."""
    operator = require_operator()
    number, reason = request.form.get("number", "").strip(), request.form.get("reason", "").strip()[: _REASON[1]]
    again = {"number": number, "reason": reason}
    if len(reason) < _REASON[0]:
        return render_template("call_form.html", fault="Say why: it is kept.", calls=(), **again), 400
    chosen = request.form.get("call")
    calls = [_uuid(chosen)] if chosen else [call.id for call in _find(number)]
    if not calls:
        return render_template("call_form.html", fault=_NOT_FOUND, calls=(), **again), 404
    if len(calls) > 1:
        return render_template("call_form.html", fault="", calls=_find(number), **again)
    return _show_call(calls[0], operator.operator, reason)


def _find(number: str) -> list[Found]:
    """Return the calls that an assertion, a card or a call's own id names, the newest first."""
    archive = parts().records.archive
    found: dict[bytes, Found] = {}
    for wanted in (Wanted(assertion=number), Wanted(card=number)):
        found |= {call.id: call for call in archive.find(wanted, _MOST_CALLS)} if number else {}
    own = _read_uuid(number)
    if own and (call := archive.look_up(own)):
        found[call.id] = call
    return sorted(found.values(), key=lambda call: call.id, reverse=True)[:_MOST_CALLS]


def _uuid(text: str) -> bytes:
    return _read_uuid(text) or abort(400)


def _read_uuid(text: str) -> bytes | None:
    """Return the bytes of a UUID as anybody may write it; None where it is none."""
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        return None


def _show_call(identity: bytes, operator: str, reason: str) -> Any:
    """Show a call whole, after it is written down who opens it, and why."""
    archive = parts().records.archive
    try:
        found = archive.show(identity, operator, reason)
    except SealError as error:
        return render_template("call_form.html", fault=f"The record {error}.", calls=(), number="", reason=reason), 409
    if found is None:
        abort(404)
    call, bodies = found
    cards = [card.id for card in call.summary.cards] if call.summary else []
    return render_template("call.html", call=describe_call(call, bodies, archive.feedback_on(cards)), reason=reason)
