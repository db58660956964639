"""The URLs. A view reads, calls one function and writes the reply; errors become OperationOutcomes."""

from functools import partial
from typing import Final

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from cds_hooks.answering.feedback import receive_feedback
from cds_hooks.answering.recording import Recorder
from cds_hooks.auth.access import AccessControl
from cds_hooks.errors import (
    CallError,
    Issue,
    MediaTypeError,
    MethodError,
    UnknownServiceError,
    UnreadableBodyError,
    operation_outcome,
)
from cds_hooks.hooks.services import SERVICES, Service
from cds_hooks.rules.reload import RuleReloader
from cds_hooks.settings import Settings
from cds_hooks.web.call_context import current_call
from cds_hooks.web.documentation import PREFIX
from cds_hooks.web.flask_app import JsonResponse
from cds_hooks.web.hook_calls import HookCalls
from cds_hooks.web.openapi import build_document
from cds_hooks.web.questionnaires import add_questionnaires
from cds_hooks.web.replies import Reply, reply_to_error
from cds_hooks.web.request_body import read_body


def add_routes(
    app: Flask, settings: Settings, watch: RuleReloader, access: AccessControl, recorder: Recorder, calls: HookCalls
) -> None:
    """Add the routes of one deployment. Calls of hooks hardly come here: `calls` are answered in front of Flask."""
    app.before_request(recorder.start)  # under any server, whose processes may be forked when this is done
    _add_discovery(app, settings, access)
    add_questionnaires(app, watch, access)
    _add_hooks(app, calls)
    _add_feedback(app, settings, access, recorder)
    _add_probes(app, watch, recorder)
    _add_errors(app)


def _add_discovery(app: Flask, settings: Settings, access: AccessControl) -> None:
    version, asks_members = settings.default_version, settings.members != "off"
    services = orjson.dumps({"services": [service.to_json(version, asks_members=asks_members) for service in SERVICES]})
    document = build_document(settings)

    def admit() -> None:
        call = current_call(request.environ)
        call.admit(access.admit_to_discovery(request.headers.get("Authorization"), call.peer))

    @app.get("/cds-services")
    def discovery() -> Response:
        """Return the services (CDS Hooks 2.0, Discovery)."""
        admit()
        return JsonResponse(services)

    @app.get("/openapi.json")
    def openapi() -> Response:
        """Return the OpenAPI document: it tells what discovery tells, so it is as open as discovery."""
        admit()
        return JsonResponse(document)

    @app.post("/cds-services/<service_id>")
    @app.post("/cds-services/<service_id>/feedback")
    def unknown(service_id: str) -> Response:  # noqa: ARG001 - the URL is not repeated in the answer
        """Say which services there are, to those who may know."""
        admit()
        known = ", ".join(service.id for service in SERVICES)
        raise UnknownServiceError(Issue("not-found", f"no such CDS service here; there are: {known}"))


def _add_hooks(app: Flask, calls: HookCalls) -> None:
    """Make the URLs of hooks known: what is no POST is told that they take one; other spellings are answered, too."""

    def hook(service: Service) -> Response:
        return _to_response(calls.reply(service, request.environ))

    for service in SERVICES:
        app.post(f"/cds-services/{service.id}", endpoint=service.hook)(partial(hook, service))


def _add_feedback(app: Flask, settings: Settings, access: AccessControl, recorder: Recorder) -> None:
    def feedback(service: Service) -> Response:
        """Take what users did with cards (CDS Hooks 2.0, Feedback).

        The standard has no body for the answer; an OperationOutcome names the reports of a batch that are not kept.
        """
        asked = request._get_current_object()  # type: ignore[attr-defined]
        call = current_call(asked.environ)
        caller = access.admit_to_feedback(asked.environ.get("HTTP_AUTHORIZATION"), service.id, call.peer)
        call.admit(caller)
        body = read_body(asked.environ, settings.max_body_bytes)
        received = receive_feedback(service.id, body, settings.max_nesting, caller, recorder)
        call.add(received.facts)
        return JsonResponse(orjson.dumps(operation_outcome(received.issues))) if received.issues else _empty(200)

    for service in SERVICES:
        path = f"/cds-services/{service.id}/feedback"
        app.post(path, endpoint=f"{service.hook}-feedback")(partial(feedback, service))


def _add_probes(app: Flask, watch: RuleReloader, recorder: Recorder) -> None:
    @app.get("/health")
    def health() -> Response:
        """Say that the process answers."""
        return JsonResponse(b'{"status":"ok"}')

    @app.get("/ready")
    def ready() -> Response:
        """Say that policies and payers are loaded, how many and which, so that calls can be sent here.

        Where their files were changed to something invalid, it goes on with those it has, and says so. While the store
        fails no call is answered, so none should be sent here.
        """
        rules, store = watch.current(), recorder.state()
        status = "failed" if store == "failed" else "ok"
        loaded = {"status": status, "policies": len(rules.index.policies), "payers": len(rules.payers.payers)}
        state = {"rules": rules.digest, "reload": "failed" if watch.fault else "ok", "store": store}
        return JsonResponse(orjson.dumps(loaded | state), 503 if store == "failed" else 200)


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        """Return Flask's own errors (no such URL, wrong method) in the same form."""
        response = failed(_as_call_error(error))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """Return what ended the call as an OperationOutcome."""
        return _to_response(reply_to_error(error, current_call(request.environ)))


_NOTHING: Final = "there is nothing at this URL; services are at /cds-services"
_NO_SITE: Final = "no documentation is shown here: `make docs` builds it, before the service starts (CRD_DOCS)"


def _as_call_error(error: HTTPException) -> CallError:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return MethodError(Issue("not-supported", f"this URL takes {allowed}"))
    if error.code == 404:
        return UnknownServiceError(Issue("not-found", _NO_SITE if request.path.rstrip("/") == PREFIX else _NOTHING))
    kind = MediaTypeError if error.code == 415 else UnreadableBodyError
    return kind(Issue("invalid", f"the request cannot be read: {error.name}"))


def _to_response(reply: Reply) -> Response:
    response = JsonResponse(reply.body, reply.status) if reply.body else _empty(reply.status)
    response.headers.extend(reply.headers)
    return response


def _empty(status: int) -> Response:
    """Return a response without a body, and without the type that Flask gives to none."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
