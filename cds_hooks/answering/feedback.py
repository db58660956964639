"""What users did with cards, as clients report it (CDS Hooks 2.0, Feedback; HK-148): kept, and tied to its policy.

Nothing is ever changed: each report counts once however often it is sent, a later one stands beside it. What is about
no card of this service is kept too, and answered alike, so that nobody learns which cards there are.
"""

import json
import re
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from cds_hooks.answering.recording import Recorder
from cds_hooks.auth.caller import Caller
from cds_hooks.hooks.request_schema import RequestSchema
from cds_hooks.store.feedback import Report
from cds_hooks.strict_json import read_json
from cds_hooks.telemetry import metrics

_SCHEMA: Final = Path(__file__).resolve().parents[1] / "schemas" / "feedback.schema.json"

#: Codes of reasons that may stand in the clear; what is written otherwise may be about a patient, and is sealed.
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def receive_feedback(
    service_id: str, body: bytes, max_nesting: int, caller: Caller, recorder: Recorder
) -> dict[str, Any]:
    """Keep the reports of one call, and return what may be logged of them; CallError where that cannot be."""
    document = read_json(body, max_nesting)
    _schema().refuse_faults(document)
    at = time.time_ns() // 1000
    entries = [_read_report(report) for report in document["feedback"]]
    reports = [Report(entry, _code_of(entry), recorder.find_card(entry["card"], caller.client)) for entry in entries]
    recorder.keep_reports(reports, at, caller.client, service_id)
    unknown = sum(1 for report in reports if report.sent is None)
    for report in reports:
        versions = report.sent.policies if report.sent else ()
        for policy in dict.fromkeys(version.partition("@")[0] for version in versions) or ("none",):
            metrics.feedback(policy, report.entry["outcome"])
    return {"service": service_id, "reports": len(reports), "unknown_cards": unknown}


def _read_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report with its reason where CDS Hooks has it: before August 2020 its code stood there itself."""
    reason = report.get("overrideReason")
    if not isinstance(reason, dict) or "code" not in reason or reason.get("reason"):
        return dict(report)
    coding = {name: reason[name] for name in ("code", "system", "display") if reason.get(name)}
    rest = {name: value for name, value in reason.items() if name not in coding}
    return {**report, "overrideReason": {**rest, "reason": coding}}


def _code_of(report: Mapping[str, Any]) -> str | None:
    reason = (report.get("overrideReason") or {}).get("reason") or {}
    code = reason.get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


@cache
def _schema() -> RequestSchema:
    return RequestSchema(json.loads(_SCHEMA.read_text(encoding="utf-8")))
