"""What the layers of this room know of one call: made by the middleware, filled on the way, read at the end.

The log, the metrics and the traces read the same object, which travels in the WSGI environment.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from cds_hooks.auth.caller import Caller
from cds_hooks.hooks.services import SERVICES

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_KEY: Final = "crd.call"


class Endpoint(NamedTuple):
    """What a path is called in logs, metrics and traces, and the hook that is answered there."""

    name: str
    hook: str | None = None


#: A path that callers choose might hold a name, so any other is `other`.
_ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/cds-services": Endpoint("discovery"),
    "/health": Endpoint("health"),
    "/ready": Endpoint("ready"),
    **{f"/cds-services/{service.id}": Endpoint(service.id, service.hook) for service in SERVICES},
    **{f"/cds-services/{service.id}/feedback": Endpoint("feedback") for service in SERVICES},
}
_ELSEWHERE: Final = Endpoint("other")


@dataclass(slots=True)
class CallContext:
    """One call. `facts` are names, counts and codes that may be logged; `peer`, the caller's address, may not."""

    request_id: str
    peer: str
    endpoint: Endpoint
    facts: dict[str, Any] = field(default_factory=dict)

    def admit(self, caller: Caller) -> None:
        """Keep in mind who calls, for whatever comes of the call."""
        self.facts.update(caller.facts)

    def add(self, facts: Mapping[str, Any]) -> None:
        """Add what may be logged of the call."""
        self.facts.update(facts)


def begin_call(environ: Environ, request_id: str, peer: str) -> CallContext:
    """Return the context of a call that begins, and let the layers below find it."""
    call = environ[_KEY] = CallContext(request_id, peer, _ENDPOINTS.get(environ["PATH_INFO"], _ELSEWHERE))
    return call


def current_call(environ: Environ) -> CallContext:
    """Return the context of the call that an environment belongs to."""
    call: CallContext = environ[_KEY]
    return call
