"""Who is there: asked before a page that needs to know, and kept for its view."""

from typing import Any, Final

from flask import abort, g, redirect, render_template, request, session, url_for
from werkzeug.exceptions import Unauthorized

from cds_hooks.auth.operators import OPERATOR
from cds_hooks.console.mount import PREFIX
from cds_hooks.console.parts import parts
from cds_hooks.store.logins import Login

#: What the session keeps of a login: the secret by which the store knows it.
KEY: Final = "login"

#: Pages that are always behind the login; the others only where others than this machine may come.
_PRIVATE: Final = frozenset({"insights"})

#: Those that must be there before anybody is logged in.
_OPEN: Final = frozenset({"login"})


#: Those that look a member up by an id, where members are asked.
_LOOKING_UP: Final = frozenset({"try", "why"})


def _looks_up_people() -> bool:
    """Tell whether orders are tried for real members, from elsewhere than this machine."""
    return parts().deployment.members is not None and parts().settings.console == "login"


def ask_who() -> Any:
    """Let a request through to its page, or lead to the login: what Flask does before each view."""
    g.login = None
    blueprint = request.blueprint or ""
    if request.endpoint == "static" or blueprint in _OPEN:
        return None
    g.login = find_login()
    if g.login and blueprint in _LOOKING_UP and _looks_up_people():
        require_operator()
    if g.login or (parts().settings.console != "login" and blueprint not in _PRIVATE):
        return None
    if request.method != "GET":
        raise Unauthorized
    return redirect(url_for("login.form", next=f"{request.script_root}{request.full_path}".rstrip("?")))


def find_login() -> Login | None:
    """Return who is logged in; of those with a password with the role that the file says now."""
    secret = session.get(KEY)
    if not secret:
        return None
    records = parts().records
    login = records.logins.find(secret)
    if login is None or is_of_provider(login.operator):
        return login
    operator = records.operators.find(login.operator) if records.operators else None
    return Login(operator.name, operator.role) if operator else None


def is_of_provider(operator: str) -> bool:
    """Tell whether somebody logged in at the provider: such a name has a blank, which one of the file never has."""
    return " " in operator


def begin_login(operator: str, role: str, how: str) -> None:
    """Log somebody in, in a new session: whatever was known of the one before counts no more."""
    end_login()
    session[KEY] = parts().records.logins.begin(operator, role)
    parts().records.note_login(operator, how, role)


def end_login() -> None:
    """Log out, and forget the session."""
    secret = session.get(KEY)
    if secret:
        parts().records.logins.end(secret)
    session.clear()


def require_operator() -> Login:
    """Return the operator who is logged in; 403 for anybody else."""
    login: Login | None = g.login
    if login is None or login.role != OPERATOR:
        abort(403)
    return login


def safe_next(path: str | None) -> str:
    """Return where to go after the login: a page of the console, whatever a link says."""
    root = request.script_root
    inner = (path or "").removeprefix(root) if (path or "").startswith(root) else ""
    is_ours = inner == "/" or inner.startswith((f"{PREFIX}/", "/?"))
    if is_ours and "\\" not in inner and "//" not in inner.partition("?")[0]:
        return f"{root}{inner}"
    return url_for("insights.show")


def say_logged_out() -> tuple[str, int]:
    """Say, where something was sent, that the login has ended."""
    page = render_template("login.html", next=url_for("insights.show"), fault="Your login has ended. Log in again.")
    return page, 401
