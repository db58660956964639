"""The calls of hooks, which are nearly all that comes: answered here, in front of Flask, which has all other URLs.

What Flask does around a view (contexts, signals, URL rules, request and response objects) costs a fifth of a call, and
none of it is needed for a POST to a known URL whose body is there.
"""

import time
from collections.abc import Iterable

from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.recording import ReceivedCall, Recorder, answer_and_keep
from cds_hooks.auth.access import AccessControl
from cds_hooks.hooks.services import SERVICES, Service
from cds_hooks.rules.reload import RuleReloader
from cds_hooks.telemetry.traces import span
from cds_hooks.web.call_context import Application, CallContext, Environ, StartResponse, current_call
from cds_hooks.web.replies import Reply, reply_to_error
from cds_hooks.web.request_body import read_body


class HookCalls:
    """Answers hook calls (CDS Hooks 2.0, Calling a CDS Service).

    Each is admitted, answered by the rules of that moment, and recorded.
    """

    def __init__(self, deployment: Deployment, watch: RuleReloader, access: AccessControl, recorder: Recorder) -> None:
        self._deployment = deployment
        self._most_bytes = deployment.settings.max_body_bytes
        self._watch = watch
        self._access = access
        self._recorder = recorder

    def in_front_of(self, others: Application) -> Application:
        """Return a WSGI application that answers hook calls at their URLs, and leaves anything else to another one."""
        services = {f"/cds-services/{service.id}": service for service in SERVICES}

        def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            service = services.get(environ["PATH_INFO"])
            if service is None or environ["REQUEST_METHOD"] != "POST":
                return others(environ, start_response)
            return self.reply(service, environ).send(start_response)

        return answer

    def reply(self, service: Service, environ: Environ) -> Reply:
        """Answer a call of a hook; what goes wrong is an answer, too."""
        call = current_call(environ)
        try:
            return self._answer(service, environ, call)
        except Exception as error:
            return reply_to_error(error, call)

    def _answer(self, service: Service, environ: Environ, call: CallContext) -> Reply:
        self._recorder.start()  # under any server, whose processes may be forked when this is done
        with span("authenticate"):
            caller = self._access.admit(environ.get("HTTP_AUTHORIZATION"), service.id, call.peer)
        call.admit(caller)
        rules = self._watch.current()
        at, started = time.time_ns() // 1000, time.perf_counter_ns()
        received = ReceivedCall(service, self._try_body(environ), caller, call.request_id, at, started)
        answer = answer_and_keep(received, self._deployment, rules, self._recorder)
        call.add(answer.facts)
        return Reply(200, answer.body)

    def _try_body(self, environ: Environ) -> bytes | Exception:
        """Return the body of a call, or why it cannot be read: such calls are recorded too."""
        try:
            return read_body(environ, self._most_bytes)
        except Exception as error:
            return error
