"""The pages: patients, a chart, and how this EHR is registered. All of them work without script."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, send_file, url_for
from markdown_it import MarkdownIt
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Redirect

from examples.demo_ehr.actions import read_coverage_information
from examples.demo_ehr.catalogue import Catalogue
from examples.demo_ehr.chart import Chart, Desk
from examples.demo_ehr.fhir_server import FhirServer, create_blueprint
from examples.demo_ehr.orders import PLACES, FormError, OrderForm, fill_form, title_of, write_order
from examples.demo_ehr.patients import PEOPLE, make_records
from examples.demo_ehr.service import Service
from examples.demo_ehr.signing import Signer

#: The stylesheet that the service's console is drawn with, too; it is read as a file.
_PICO: Final = Path(__file__).parents[2] / "cds_hooks" / "console" / "static" / "vendor" / "pico.min.css"

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

#: Markdown of cards (CDS Hooks 2.0, Card.detail): what looks like HTML stays text, and no picture is loaded.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")

#: Where a chart stands when a visit may begin: the order is signed, and there was none.
_MAY_START: Final = ("signed", "not begun")

_STATES: Final = ("normal", "slow", "closed")
_VERSIONS: Final = ("2.0", "2.1", "2.2")


def create_app(base: str, service: str, catalogue: Catalogue) -> Flask:
    """Return the EHR at a base URL, which asks the service at another."""
    app = Flask(__name__)
    fhir, signer = FhirServer(make_records()), Signer(base)
    desk = Desk(fhir, f"{base}/fhir", Service(service, signer), signer)
    charts = {person.id: Chart(person.id, desk) for person in PEOPLE}
    app.register_blueprint(create_blueprint(fhir))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {"markdown": _render, "json": _indent, "safe_url": _safe_url}
    app.jinja_env.globals |= {"desk": desk, "service_url": service, "versions": _VERSIONS, "states": _STATES}
    app.before_request(_refuse_other_sites)
    app.after_request(_protect)
    app.register_error_handler(404, _lead_back)
    app.register_error_handler(405, _lead_back)
    _add_start(app, signer, desk)
    _add_chart(app, charts, catalogue)
    _add_moves(app, charts)
    return app


def _lead_back(error: HTTPException) -> Any:
    """Show a person the way back from where no page is; a program gets what it would have got."""
    if "text/html" not in request.headers.get("Accept", ""):
        return error
    return render_template("missing.html"), error.code


def _add_start(app: Flask, signer: Signer, desk: Desk) -> None:
    @app.get("/")
    def patients() -> str:
        return render_template("patients.html", people=PEOPLE)

    @app.get("/.well-known/jwks.json")
    def keys() -> Response:
        return jsonify(signer.key_set())

    @app.get("/registration")
    def registration() -> str:
        return render_template("registration.html", registration=signer.registration(desk.fhir_base))

    @app.get("/pico.css")
    def pico() -> Response:
        return send_file(_PICO, max_age=3600)

    @app.post("/settings")
    def settings() -> Redirect:
        form = request.form
        desk.version = form["version"] if form.get("version") in _VERSIONS else desk.version
        desk.fhir.state = form["fhir"] if form.get("fhir") in _STATES else desk.fhir.state
        desk.sends_prefetch = "prefetch" in form
        back = form.get("back", "")
        return redirect(back if re.fullmatch(r"/(patients/\w+)?", back) else "/", 303)


def _add_chart(app: Flask, charts: Mapping[str, Chart], catalogue: Catalogue) -> None:
    def show(chart: Chart, form: OrderForm, fault: str = "") -> str:
        person = next(one for one in PEOPLE if one.id == chart.patient)
        written = {reference: read_coverage_information(one) for reference, one in chart.records.items()}
        return render_template(
            "chart.html",
            chart=chart,
            person=person,
            form=form,
            fault=fault,
            written=written,
            title=title_of(chart.order) if chart.order else "",
            orderables=catalogue.orderables,
            places=PLACES,
        )

    @app.get("/patients/<patient>")
    def chart(patient: str) -> str:
        found = charts.get(patient) or abort(404)
        with found.lock:
            form = fill_form(found.order, catalogue) if found.order else OrderForm(day=_today())
            return show(found, form)

    @app.post("/patients/<patient>/order")
    def write(patient: str) -> str | Redirect:
        """Take the form, and call: `order-select` while it is written, `order-sign` when it is signed."""
        found = charts.get(patient) or abort(404)
        form = OrderForm(*(request.form.get(name, "").strip() for name in OrderForm._fields))
        with found.lock:
            if found.stage == "signed":
                return redirect(url_for("chart", patient=patient), 303)
            try:
                found.write(write_order(form, catalogue, patient, found.order_id, found.order))
            except FormError as error:
                return show(found, form, str(error))
            (found.sign if request.form.get("hook") == "order-sign" else found.select)()
        return redirect(url_for("chart", patient=patient), 303)


def _add_moves(app: Flask, charts: Mapping[str, Chart]) -> None:
    """Add what is done with a chart by one click."""

    def accept(chart: Chart) -> None:
        chart.accept(request.form.get("card", ""), request.form.get("suggestion", ""))

    def override(chart: Chart) -> None:
        system, _, code = request.form.get("reason", "").rpartition("|")
        reason = {"system": system, "code": code} if system and code else None
        chart.override(request.form.get("card", ""), reason, request.form.get("comment", "").strip()[:500])

    moves: Final = {
        "new": Chart.begin,
        "sign-anyway": lambda chart: chart.put_on_file() if chart.stage == "asked" else None,
        "dispatch": lambda chart: chart.dispatch() if chart.stage == "signed" else None,
        "book": lambda chart: chart.book(_today()) if chart.stage == "signed" else None,
        "start-visit": lambda chart: chart.start_visit() if (chart.stage, chart.visit) == _MAY_START else None,
        "discharge": lambda chart: chart.discharge() if chart.visit == "begun" else None,
        "accept": accept,
        "override": override,
    }

    @app.post("/patients/<patient>/<move>")
    def make_move(patient: str, move: str) -> Redirect:
        found = charts.get(patient) or abort(404)
        make = moves.get(move) or abort(404)
        with found.lock:
            make(found)
        return redirect(url_for("chart", patient=patient), 303)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _render(markdown: str) -> Markup:
    return Markup(_MARKDOWN.render(markdown))  # noqa: S704 - made without HTML of the text's own


def _indent(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _safe_url(url: str) -> str:
    """Return a link's address where it is one of the web."""
    return url if url.startswith(("https://", "http://")) else "#"


def _refuse_other_sites() -> None:
    """Refuse what another site's page sends here, and what comes by another name than this machine's."""
    host = request.host.rpartition(":")[0] or request.host
    if host not in ("127.0.0.1", "localhost", "[::1]"):
        abort(403)
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        abort(403)


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
