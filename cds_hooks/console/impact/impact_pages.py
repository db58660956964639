"""The pages that report what policies would have said of dropped orders."""

from typing import Final

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from cds_hooks.console.impact.impact_runs import ImpactError, Outcome, find_run, is_installed, read_report, start_run
from cds_hooks.console.parts import parts
from cds_hooks.impact.charts import VERDICTS, largest, order_verdicts, write_share

pages: Final = Blueprint("impact", __name__, url_prefix="/console/impact")

#: Rows of a table; the report has more.
_ROWS: Final = 15

#: Seconds after which a browser looks again whether a report is there.
_LOOK_AGAIN: Final = "2"


@pages.get("")
def form() -> str:
    """Show where to drop orders."""
    return _show()


@pages.post("")
def begin() -> str | Response:
    """Begin to report on dropped orders, and lead to where the report will be."""
    orders = [(file.filename or "", file.read()) for file in request.files.getlist("orders") if file.filename]
    policy = request.files.get("policy")
    if not orders:
        return _show(Outcome(fault="No orders here: drop NDJSON files of orders with their coverages."))
    try:
        run = start_run(orders, policy.read() if policy else b"", parts().settings)
    except ImpactError as error:
        return _show(Outcome(fault=str(error)))
    return make_response(redirect(url_for("impact.show", run=run), 303))


@pages.get("/<run>")
def show(run: str) -> Response:
    """Show a report, or that it is being made."""
    outcome = find_run(run) or abort(404)
    page = make_response(_show(outcome, run))
    if outcome == Outcome():
        page.headers["Refresh"] = _LOOK_AGAIN
    return page


@pages.get("/<run>/report.html")
def download(run: str) -> Response:
    """Send the whole report as a file."""
    page = make_response(read_report(run) or abort(404))
    page.headers["Content-Disposition"] = "attachment; filename=report.html"
    return page


def _show(outcome: Outcome | None = None, run: str | None = None) -> str:
    figures = (outcome.figures if outcome else None) or {}
    return render_template(
        "impact.html",
        is_installed=is_installed(),
        is_running=outcome == Outcome(),
        fault=outcome.fault if outcome else None,
        run=run,
        figures=figures,
        verdicts=VERDICTS,
        answers=order_verdicts(figures.get("verdicts", {})),
        policies=largest(figures.get("by", {}).get("policy", {}), _ROWS),
        rows=_ROWS,
        write_share=write_share,
    )
