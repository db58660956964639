"""The page on which a new or changed policy is tried before it is live."""

from typing import Final

from flask import Blueprint, render_template, request

from cds_hooks.console.parts import parts
from cds_hooks.console.policies.draft_files import DraftError, read_files
from cds_hooks.console.policies.drafts import try_drafts
from cds_hooks.console.try_it.examples import bound_payers

pages: Final = Blueprint("drafts", __name__, url_prefix="/console/drafts")


@pages.get("")
def form() -> str:
    """Show where to drop policies."""
    return render_template("drafts.html", effect=None, fault=None)


@pages.post("")
def check() -> str:
    """Show what dropped policies would change."""
    found = parts()
    dropped = [(file.filename or "", file.read()) for file in request.files.getlist("files") if file.filename]
    orders = request.files.get("orders")
    try:
        files = read_files(dropped)
    except DraftError as error:
        return render_template("drafts.html", effect=None, fault=str(error))
    effect = try_drafts(files, orders.read() if orders else b"", found.settings, found.today)
    bound = bound_payers(found.rules)
    unbound = [id_ for id_ in effect.ids if id_ not in bound] if effect.is_asked else []
    known = set(found.rules.index.policies)
    return render_template(
        "drafts.html", effect=effect, fault=None, folder=found.settings.policies, unbound=unbound, known=known
    )
