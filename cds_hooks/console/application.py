"""The console's own Flask application: apart from the service's, so that no hook call passes through any of it."""

import hashlib
import secrets
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from flask import Blueprint, Flask, Response, current_app, g, render_template, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, InternalServerError, Unauthorized

from cds_hooks.answering.deployment import Deployment
from cds_hooks.console import wording
from cds_hooks.console.impact import impact_pages
from cds_hooks.console.insights import insights_pages
from cds_hooks.console.login import login_pages
from cds_hooks.console.login.login import ask_who, say_logged_out
from cds_hooks.console.markdown import render
from cds_hooks.console.mount import PREFIX, is_secure
from cds_hooks.console.parts import Parts, keep_parts, parts
from cds_hooks.console.policies import coverage_pages, draft_pages, policy_pages
from cds_hooks.console.service_client import own_service
from cds_hooks.console.try_it import try_pages
from cds_hooks.console.why import why_pages
from cds_hooks.rules.reload import RuleReloader
from cds_hooks.settings import Settings
from cds_hooks.telemetry.logs import record, where
from cds_hooks.web.body_buffering import with_whole_bodies
from cds_hooks.web.call_context import Application

HERE: Final = Path(__file__).resolve().parent

#: The largest form in bytes: a call with 500 orders and its answer travel in one.
_MOST_BYTES: Final = 16 * 1024 * 1024

#: Everything comes from here and nothing runs but files: no inline script or style, no eval. Pico's signs are `data:`.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


#: Parts whose forms are answered with a page that people go back to.
_ANSWERING: Final = frozenset({"try", "why", "drafts"})


class Section(NamedTuple):
    """A part of the console: its pages, and how the navigation names it. A new part is a line in SECTIONS."""

    pages: Blueprint
    links: tuple[tuple[str, str], ...]


SECTIONS: Final = (
    Section(try_pages.pages, (("Try it", "try.form"),)),
    Section(why_pages.pages, (("Why", "why.form"),)),
    Section(policy_pages.pages, (("Policies", "policies.index"),)),
    Section(coverage_pages.pages, (("Coverage", "coverage.matrix"),)),
    Section(draft_pages.pages, (("Drafts", "drafts.form"),)),
    Section(impact_pages.pages, (("Impact", "impact.form"),)),
    Section(insights_pages.pages, (("Insights", "insights.show"),)),
)


def create_console(deployment: Deployment, watch: RuleReloader) -> Application:
    """Return the console of a running service, as a WSGI application."""
    settings = deployment.settings
    app = create_pages(Parts(deployment, watch, own_service(settings)))
    # Calls wait for their own permits (CRD_THREADS): a page that calls the service must hold none of them.
    return with_whole_bodies(app.wsgi_app, settings.model_copy(update={"max_body_bytes": _MOST_BYTES}))


def create_pages(found: Parts) -> Flask:
    """Return the Flask application of the pages."""
    app = Flask("cds_hooks.console", static_folder="static", static_url_path=f"{PREFIX}/static")
    app.config.update(_configuration(found.settings))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=_asset, navigation=_navigation, **wording.GLOBALS)
    app.jinja_env.filters.update(markdown=render, **wording.FILTERS)
    CSRFProtect(app)
    keep_parts(app, found)
    for section in SECTIONS:
        app.register_blueprint(section.pages)
    app.register_blueprint(login_pages.pages)
    app.context_processor(lambda: _context(found))
    app.before_request(_begin)
    app.before_request(ask_who)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _say_error)
    app.register_error_handler(Unauthorized, lambda _: say_logged_out())
    app.register_error_handler(Exception, _say_failure)
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    name = f"crd-console-{settings.port}"  # cookies of one host are shared by all its ports
    return {
        "SECRET_KEY": settings.console_key.get_secret_value() or secrets.token_urlsafe(32),
        "SESSION_COOKIE_NAME": f"__Host-{name}" if is_secure(settings) else name,
        # Who comes back from a provider comes from another site.
        "SESSION_COOKIE_SAMESITE": "Lax" if settings.oidc_issuer else "Strict",
        "SESSION_COOKIE_SECURE": is_secure(settings),
        "SESSION_COOKIE_HTTPONLY": True,
        "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as its session
        "MAX_CONTENT_LENGTH": _MOST_BYTES,
        "MAX_FORM_MEMORY_SIZE": _MOST_BYTES,
        "MAX_FORM_PARTS": 2000,
    }


def _context(found: Parts) -> dict[str, Any]:
    """Return what the frame of every page shows."""
    return {
        "rules_fault": found.watch.fault,
        "today": found.today,
        "login": g.get("login"),
        "shown_to": found.settings.console,
        "settings_facts": found.settings.facts if found.settings.audit != "off" else "off",
        "ways": {"password": found.settings.operators is not None, "provider": bool(found.settings.oidc_issuer)},
    }


@cache
def _version(name: str) -> str:
    return hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]


def _asset(name: str) -> str:
    """Return the URL of a file of this console, which changes when its content does."""
    return url_for("static", filename=name, v=_version(name))


def _navigation() -> list[tuple[str, str, bool]]:
    """Return the links of the navigation: name, URL, and whether it is the page shown."""
    links = [link for section in SECTIONS for link in section.links]
    shown = request.endpoint or ""
    here = next((end for _, end in links if end == shown), "")
    here = here or next((end for _, end in links if end.partition(".")[0] == shown.partition(".")[0]), "")
    return [(name, url_for(endpoint), endpoint == here) for name, endpoint in links]


def _begin() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    """Add what every response of the console has, and write its log record; no URL, which people write."""
    response.headers.update(_HEADERS)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["Cache-Control"] = _caching(response.status_code)
    taken = time.perf_counter() - g.get("started", time.perf_counter())
    if request.endpoint != "static":
        record("info", "page", page=request.endpoint, status=response.status_code, ms=round(taken * 1000, 2))
    return response


def _caching(status: int) -> str:
    """Return what a browser may keep: no page, but files of ours, and answers that it alone goes back to.

    Without a copy the button Back leads to an error where a form was sent. Behind a login nothing is kept: what was
    answered there may be about a patient, and the next at that desk is somebody else.
    """
    if request.endpoint == "static" and "v" in request.args and status in (200, 304):
        return "public, max-age=31536000, immutable"
    is_answer = request.method == "POST" and request.blueprint in _ANSWERING
    return "private, no-cache" if is_answer and parts().settings.console != "login" else "no-store"


def _say_error(error: HTTPException) -> tuple[str, int]:
    told = wording.page_error(error.code or 500, is_stale=isinstance(error, CSRFError))
    return render_template("error.html", told=told, code=error.code), error.code or 500


def _say_failure(error: Exception) -> tuple[str, int]:
    """Say that something failed in here; the log has the kind of error and where, no values."""
    record("error", "page-failed", page=request.endpoint, error=type(error).__name__, where=where(error))
    return _say_error(InternalServerError())
