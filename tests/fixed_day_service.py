"""Runs the real service (granian, real HTTP) with a fixed calendar day, so that whole responses can be compared."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from cds_hooks.app import create_served_app
from cds_hooks.server.process import create_server
from cds_hooks.settings import read_settings


def app() -> Flask:
    """Return the application on the day that the test gave."""

    def noon(zone: ZoneInfo) -> datetime:
        return datetime.fromisoformat(f"{os.environ['TEST_DAY']}T12:00:00").replace(tzinfo=zone)

    if os.environ.get("TEST_CRASH"):
        _crash_at_will()
    return create_served_app(noon)


def _crash_at_will() -> None:
    """Let calls that say so fail inside, with everything they hold in the text of the error."""
    from cds_hooks.answering import evaluation, recording

    answer_hook, decide = recording.answer_hook, evaluation.decide

    def answer(service: Any, body: bytes, *rest: Any) -> Any:
        if b"crash-in-answer" in body:
            raise RuntimeError(body.decode())
        return answer_hook(service, body, *rest)

    def decide_or_crash(order: Any, *rest: Any) -> Any:
        if "crash-in-decision" in repr(order):
            raise LookupError(repr(order))
        return decide(order, *rest)

    recording.answer_hook, evaluation.decide = answer, decide_or_crash


def serve(application: str) -> None:
    """Run the service until it is told to stop."""
    create_server(read_settings(), application).serve()


if __name__ == "__main__":
    os.environ["TEST_DAY"] = sys.argv[1]
    here = str(Path(__file__).parent)
    sys.path.insert(0, here)
    os.environ["PYTHONPATH"] = os.pathsep.join((os.environ.get("PYTHONPATH", ""), here))
    serve("fixed_day_service:app")
