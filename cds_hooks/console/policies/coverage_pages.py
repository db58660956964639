"""The pages that say what each payer answers for each code on a day, and the same as a file."""

from typing import Final

from flask import Blueprint, Response, render_template, request

from cds_hooks.console.parts import parts
from cds_hooks.console.policies.coverage_matrix import ask, codes_in_force, write_csv

pages: Final = Blueprint("coverage", __name__, url_prefix="/console/coverage")

#: So many codes are on a page.
_PAGE: Final = 100


@pages.get("")
def matrix() -> str:
    """Show codes by payer, on a day."""
    found, on = parts(), parts().read_day(request.args.get("on", ""))
    rules, payers = found.rules, found.rules.payers.payers
    rows = codes_in_force(rules, on, _words())
    page = max(request.args.get("page", 1, type=int), 1)
    shown = rows[(page - 1) * _PAGE : page * _PAGE]
    table = [(row, [ask(row, payer, on, rules) for payer in payers]) for row in shown]
    more = page + 1 if page * _PAGE < len(rows) else None
    return render_template(
        "coverage_matrix.html", table=table, payers=payers, on=on, total=len(rows), page=page, more=more
    )


@pages.get("/table.csv")
def download() -> Response:
    """Return the same as CSV, all pages of it."""
    found, on = parts(), parts().read_day(request.args.get("on", ""))
    lines = write_csv(codes_in_force(found.rules, on, _words()), on, found.rules)
    named = {"Content-Disposition": f"attachment; filename=coverage-{on}.csv"}
    return Response(lines, mimetype="text/csv", headers=named)


def _words() -> list[str]:
    return request.args.get("q", "").casefold().split()
