"""The pages by which operators log in and out: with a password, or at an OpenID Connect provider."""

import math
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request, session, url_for

from cds_hooks.console.login import oidc
from cds_hooks.console.login.login import begin_login, end_login, find_login, safe_next
from cds_hooks.console.mount import PREFIX
from cds_hooks.console.parts import parts
from cds_hooks.settings import read_networks
from cds_hooks.telemetry.logs import record
from cds_hooks.web.client_address import peer_finder

pages: Final = Blueprint("login", __name__, url_prefix=f"{PREFIX}/login")

_WRONG: Final = "This name and password do not belong together."


@pages.get("")
def form() -> Any:
    """Show the form; who is logged in goes on."""
    where = safe_next(request.args.get("next"))
    return redirect(where) if find_login() else _show(where)


@pages.post("")
def log_in() -> Any:
    """Let in whose name and password belong together."""
    where, name = safe_next(request.form.get("next")), request.form.get("name", "").strip()[:64]
    found = parts()
    wait = found.attempts.count(_peer(), name)
    if wait:
        record("warning", "login-throttled")
        fault = f"Too many attempts. Wait {_in_words(wait)}, and try again."
        return _show(where, fault, 429, {"Retry-After": str(wait)})
    file = found.records.operators
    operator = file.verify(name, request.form.get("password", "")) if file else None
    if operator is None:
        record("warning", "login-refused", by="password")
        return _show(where, _WRONG, 403)
    begin_login(operator.name, operator.role, "password")
    return redirect(where, 303)


@pages.get("/provider")
def go_to_provider() -> Any:
    """Send the browser to the provider."""
    provider = oidc.provider()
    if provider is None:
        abort(404)
    where = safe_next(request.args.get("next"))
    session.clear()
    session["next"] = where
    try:
        return provider.send(_callback())
    except oidc.ProviderError as error:
        return _refuse(where, error)


@pages.get("/callback")
def come_back() -> Any:
    """Let in who comes back from the provider with a role here."""
    provider = oidc.provider()
    if provider is None:
        abort(404)
    where = session.get("next", "")
    try:
        operator = provider.receive()
    except oidc.ProviderError as error:
        return _refuse(safe_next(where), error)
    begin_login(operator.name, operator.role, "oidc")
    return redirect(safe_next(where), 303)


@pages.post("/end")
def log_out() -> Any:
    """Log out."""
    end_login()
    return redirect(url_for("login.form"), 303)


def _refuse(where: str, error: oidc.ProviderError) -> Any:
    record("warning", "login-refused", by="oidc", reason=error.reason)
    return _show(where, error.text, 403)


def _callback() -> str:
    base = parts().settings.public_base_url
    return f"{base}{PREFIX}/login/callback" if base else url_for("login.come_back", _external=True)


def _peer() -> str:
    find = peer_finder(read_networks(parts().settings.trusted_proxies))
    return find(request.environ.get("REMOTE_ADDR", ""), request.environ.get("HTTP_X_FORWARDED_FOR"))


def _show(where: str, fault: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return render_template("login.html", next=where, fault=fault), status, headers or {}


def _in_words(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
