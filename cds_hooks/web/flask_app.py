"""Flask without what this service never uses on a call: sessions, binding to hosts, iterators that close.

Each of these is one of Flask's own ways to be adapted. Together they are a fifth of what Flask costs a call.
"""

from collections.abc import Iterable
from typing import Any, Final

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

from cds_hooks.web.call_context import Environ, StartResponse

_NO_SESSION: Final = NullSession()


class _NoSessions(SessionInterface):
    """No caller has a session: there are no cookies."""

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - Flask's interface
        """Return the session of nobody, which is the same for all and refuses to be written to."""
        return _NO_SESSION


class FlaskApp(Flask):
    """The Flask application: URLs are the same on every host, and there are no sessions."""

    session_interface = _NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches a request's URL. SecurityError (400) for a host that is none."""
        if request is None:
            return None
        request.host = get_host(request.environ)
        return MapAdapter(self.url_map, request.host, "/", "", request.scheme, request.path, request.method)


class JsonResponse(Response):
    """A body of JSON that is there as a whole: a list, which WSGI servers send at once."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        super().__init__([body], status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Send the response."""
        start_response(self.status, self.headers.to_wsgi_list())
        body: Any = self.response
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body
