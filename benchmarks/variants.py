"""The service with its parts switched on in turn, and the echo beside it."""

from pathlib import Path
from typing import Final

from benchmarks.services import ROOT, Plan

#: Settings of this service, by name; each `on` differs from the one before by one part.
SETTINGS: Final[dict[str, dict[str, str]]] = {
    "bare": {"CRD_AUDIT": "off", "CRD_LOG_LEVEL": "error"},
    "logs": {"CRD_AUDIT": "off"},
    "metrics": {"CRD_AUDIT": "off", "CRD_METRICS_PORT": "free"},
    "shipped": {"CRD_METRICS_PORT": "free"},
    "queued": {"CRD_METRICS_PORT": "free", "CRD_AUDIT": "queued"},
    "written": {"CRD_METRICS_PORT": "free", "CRD_AUDIT": "written"},
}


def read_plan(text: str) -> Plan:
    """Return what a word of the command line asks for: NAME[+SETTING=value…][@CHECKOUT]; ValueError if it is nothing.

    NAME is `echo` or one of SETTINGS; SETTING is a `CRD_` variable.
    """
    named, _, checkout = text.partition("@")
    name, *more = named.split("+")
    if name != "echo" and name not in SETTINGS:
        raise ValueError(f"{name}: not one of echo, {', '.join(SETTINGS)}")
    given = {} if name == "echo" else SETTINGS[name]
    changed = dict(one.split("=", 1) for one in more)
    return Plan(text.replace("/", "-"), {**given, **changed}, name == "echo", Path(checkout or ROOT).resolve())
