"""One try: the call that was sent, what came back, and what a person did with the cards since.

Nothing of it is kept here. It travels in the page's own form, so that no patient is in a URL and any worker can go on.
"""

import shlex
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
from werkzeug.exceptions import BadRequest

from cds_hooks.console.service_client import Reply, ServiceClient
from cds_hooks.console.try_it.hook_calls import service_of


class Try(NamedTuple):
    """A call and its answer; `told` are the outcomes of feedback by a card's uuid, for the page to show."""

    hook: str
    request: str
    status: int
    response: str
    milliseconds: float
    told: dict[str, str]

    @property
    def sent(self) -> Any:
        """The request as JSON."""
        return orjson.loads(self.request)

    @property
    def answered(self) -> Any:
        """The response as JSON; None where it is none."""
        return Reply(self.status, self.response, 0).document

    @property
    def path(self) -> str:
        """The path of the service that was called."""
        return f"/cds-services/{service_of(self.hook).id}"

    def pack(self) -> str:
        """Return the try as the page's form carries it."""
        return orjson.dumps(self._asdict()).decode()


_TYPES: Final = {"hook": str, "request": str, "status": int, "response": str, "told": dict}


def unpack(text: str) -> Try:
    """Read a try that a form carried; ValueError where it is none."""
    found = orjson.loads(text)
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in _TYPES.items()):
        raise ValueError("not a try")
    read = Try(**{name: found.get(name, 0) for name in Try._fields})
    service_of(read.hook)
    orjson.loads(read.request)
    return read


def carried_try(form: Mapping[str, str]) -> Try:
    """Return the try that a form carries; BadRequest where it carries none."""
    try:
        return unpack(form.get("call", ""))
    except (ValueError, LookupError, TypeError):
        raise BadRequest from None


def send(hook: str, request: Any, service: ServiceClient) -> Try:
    """Send a call to the service."""
    return send_text(hook, orjson.dumps(request, option=orjson.OPT_INDENT_2), service)


def send_text(hook: str, body: bytes, service: ServiceClient) -> Try:
    """Send a call as it is written."""
    reply = service.post(f"/cds-services/{service_of(hook).id}", body)
    return Try(hook, body.decode(), reply.status, reply.body, reply.milliseconds, {})


def send_feedback(tried: Try, report: dict[str, Any], service: ServiceClient) -> Reply:
    """Send what was done with a card (CDS Hooks 2.0, Feedback)."""
    return service.post(f"{tried.path}/feedback", orjson.dumps({"feedback": [report]}))


def curl_line(tried: Try, service: ServiceClient) -> str:
    """Return the command that sends the same call from a terminal; a token is good for one call, so none is in it."""
    url, body = shlex.quote(f"{service.base}{tried.path}"), shlex.quote(tried.request)
    token = ' -H "Authorization: Bearer $TOKEN"' if service.signer else ""
    return f"curl -sS {url} -H 'Content-Type: application/json'{token} --data-binary {body}"
