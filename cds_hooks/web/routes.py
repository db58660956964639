"""The URLs. A view reads, calls one function and writes the reply; errors become OperationOutcomes."""

import time
from functools import partial
from typing import Any, Final

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.feedback import receive_feedback
from cds_hooks.answering.recording import ReceivedCall, Recorder, answer_and_keep, internal_error
from cds_hooks.auth.access import AccessControl
from cds_hooks.errors import (
    HTTP_STATUS,
    AuthenticationError,
    BodyTooLargeError,
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
from cds_hooks.strict_json import replace_lone_surrogates
from cds_hooks.telemetry.logs import record, where
from cds_hooks.telemetry.traces import span
from cds_hooks.web.body_buffering import whole_body
from cds_hooks.web.call_context import current_call
from cds_hooks.web.flask_app import JsonResponse
from cds_hooks.web.openapi import build_document
from cds_hooks.web.questionnaires import add_questionnaires

#: What JSON has been called: by its own name, and as FHIR DSTU 2 and old clients call it.
_JSON_TYPES: Final = frozenset({"application/json", "application/json+fhir", "text/json"})

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def add_routes(
    app: Flask, deployment: Deployment, watch: RuleReloader, access: AccessControl, recorder: Recorder
) -> None:
    """Add the routes of one deployment: a call is admitted, answered under the rules of that moment, and recorded."""
    app.before_request(recorder.start)  # under any server, whose processes may be forked when this is done
    _add_discovery(app, deployment.settings, access)
    add_questionnaires(app, watch, access)
    _add_hooks(app, deployment, watch, access, recorder)
    _add_feedback(app, deployment.settings, access, recorder)
    _add_probes(app, watch, recorder)
    _add_errors(app)


def _add_discovery(app: Flask, settings: Settings, access: AccessControl) -> None:
    services = orjson.dumps({"services": [service.to_json(settings.default_version) for service in SERVICES]})
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


def _add_hooks(
    app: Flask, deployment: Deployment, watch: RuleReloader, access: AccessControl, recorder: Recorder
) -> None:
    def hook(service: Service) -> Response:
        """Answer one hook call (CDS Hooks 2.0, Calling a CDS Service)."""
        asked = request._get_current_object()  # type: ignore[attr-defined]  # one look-up instead of one a member
        call = current_call(asked.environ)
        with span("authenticate"):
            caller = access.admit(asked.environ.get("HTTP_AUTHORIZATION"), service.id, call.peer)
        call.admit(caller)
        rules = watch.current()
        at, started = time.time_ns() // 1000, time.perf_counter_ns()
        received = ReceivedCall(service, _try_body(asked), caller, call.request_id, at, started)
        answer = answer_and_keep(received, deployment, rules, recorder)
        call.add(answer.facts)
        return JsonResponse(answer.body)

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
        received = receive_feedback(service.id, _body(asked), settings.max_nesting, caller, recorder)
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
    @app.errorhandler(CallError)
    def call_error(error: CallError) -> Response:
        """Return what ended the call as an OperationOutcome."""
        current_call(request.environ).add(_facts_of(error))
        response = JsonResponse(orjson.dumps(operation_outcome(error.issues)), HTTP_STATUS[type(error)])
        if error.retry_after:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(AuthenticationError)
    def not_known(error: AuthenticationError) -> Response:
        """Return a bare 401, the same whatever the cause: only the log has it, so that nobody can try out tokens."""
        current_call(request.environ).add(_facts_of(error))
        response = _empty(HTTP_STATUS[AuthenticationError])
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        """Return Flask's own errors (no such URL, wrong method) in the same form."""
        response = call_error(_as_call_error(error))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        """Return 500 with the request id and nothing else; the log has the kind of error and where, no values."""
        request_id = current_call(request.environ).request_id
        record("error", "internal-error", error=type(error).__name__, where=where(error), id=request_id)
        return call_error(internal_error(request_id))


def _facts_of(error: CallError) -> dict[str, Any]:
    """Return what may be logged of an error: its kind and codes, of a token the cause and whose it says it is."""
    if isinstance(error, AuthenticationError):
        claimed = {"claimed": error.claimed} if error.claimed else {}
        return {"error": "AuthenticationError", "cause": error.cause.value, **claimed}
    codes = sorted({issue.code for issue in error.issues})
    return {"error": type(error).__name__, "issues": len(error.issues), "codes": codes}


def _as_call_error(error: HTTPException) -> CallError:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return MethodError(Issue("not-supported", f"this URL takes {allowed}"))
    if error.code == 404:
        return UnknownServiceError(Issue("not-found", "there is nothing at this URL; services are at /cds-services"))
    kind = MediaTypeError if error.code == 415 else UnreadableBodyError
    return kind(Issue("invalid", f"the request cannot be read: {error.name}"))


def _try_body(call: Any) -> bytes | Exception:
    """Return the body of a call, or why it cannot be read: such calls are recorded too."""
    try:
        return _body(call)
    except Exception as error:
        return error


def _body(call: Any) -> bytes:
    kind = call.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind and kind not in _JSON_TYPES and not kind.endswith("+json"):
        raise MediaTypeError(Issue("not-supported", "the body must be sent as application/json"))
    if call.environ.get("HTTP_CONTENT_ENCODING", "").lower() not in ("", "identity"):
        raise MediaTypeError(Issue("not-supported", "the body must be sent without a Content-Encoding"))
    body, limit = whole_body(call.environ), call.max_content_length
    if body is None or len(body) > limit:
        raise BodyTooLargeError(Issue("too-long", f"the body is larger than {limit} bytes"))
    return replace_lone_surrogates(body.removeprefix(_BYTE_ORDER_MARK))


def _empty(status: int) -> Response:
    """Return a response without a body, and without the type that Flask gives to none."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
