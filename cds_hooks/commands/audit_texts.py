"""A call that is kept as `crd audit` tells it: in a line, as JSON, or whole with how to explain it again."""

import uuid
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import orjson

from cds_hooks.store.audit_event import to_instant
from cds_hooks.store.calls import Bodies
from cds_hooks.store.search import Found
from cds_hooks.strict_json import indent

#: What was sent, by the names that it has in JSON.
BODIES: Final = ("request", "response", "read")


def describe_call(call: Found) -> dict[str, Any]:
    """Return a call without its bodies, for JSON."""
    summary = msgspec.to_builtins(call.summary) if call.summary else {"problem": f"the record {call.problem}"}
    return {
        "id": str(uuid.UUID(bytes=call.id)),
        "time": to_instant(call.at),
        "client": call.client,
        "service": call.service,
        "hook": call.hook,
        "version": call.version,
        "status": call.status,
        "ms": call.duration / 1000,
        "request_id": call.request_id,
        **summary,
    }


def tell_call(call: Found) -> str:
    """Return a call in a line: when, who, what, and what was decided on which order under which policy."""
    head = f"{uuid.UUID(bytes=call.id)}  {to_instant(call.at)}  {call.client}  {call.service}  {call.status}"
    if call.summary is None:
        return f"{head}  (the record {call.problem})"
    if call.summary.error:
        return f"{head}  {call.summary.error}"
    decided = []
    for one in call.summary.decisions:
        policies = ("if covered: " if one.supposed else "") + ", ".join(policy.version for policy in one.policies)
        decided.append(f"{one.order} {one.covered}" + (f" ({policies})" if policies else ""))
    return f"{head}  {'; '.join(decided)}".rstrip()


def read_bodies(bodies: Bodies) -> dict[str, Any]:
    """Return the bodies of a call as texts, by their names."""
    request = bodies.request.decode(errors="replace") if bodies.request is not None else None
    read = [text.decode(errors="replace") for text in bodies.read]
    return {"request": request, "response": bodies.response.decode(errors="replace"), "read": read}


def show_whole(whole: dict[str, Any]) -> Iterator[str]:
    """Yield the parts of a call as they are shown: what is known of it, its bodies, how to explain it again."""
    known = {name: whole[name] for name in whole if name not in BODIES}
    yield orjson.dumps(known, option=orjson.OPT_INDENT_2).decode()
    for name in BODIES:
        for text in whole[name] if name == "read" else [whole[name]]:
            yield f"\n--- {name}\n{'(not kept: it was not JSON)' if text is None else indent(text)}"
    if whole["request"] is not None and whole.get("decisions"):
        yield f"\n{_say_how_to_explain(whole)}"


def _say_how_to_explain(whole: dict[str, Any]) -> str:
    """Return the commands that decide the orders of a call again, under the policies that are installed."""
    read = "; what was read for it elsewhere is missing there" if whole["read"] else ""
    commands = f"crd audit show {whole['id']} --body request > call.json && crd explain call.json"
    return f"To explain it again, by the policies of today{read}:\n{commands} --on {whole['decisions'][0]['on']}"
