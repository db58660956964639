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
from typing import Any, Final, NamedTuple

from cds_hooks.answering.recording import Recorder
from cds_hooks.auth.caller import Caller
from cds_hooks.errors import InvalidRequestError, Issue
from cds_hooks.hooks.request_schema import MOST_ISSUES, RequestSchema
from cds_hooks.store.feedback import Report
from cds_hooks.strict_json import read_json
from cds_hooks.telemetry import metrics

_SCHEMA: Final = Path(__file__).resolve().parents[1] / "schemas" / "feedback.schema.json"

#: Codes of reasons that may stand in the clear; what is written otherwise may be about a patient, and is sealed.
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Received(NamedTuple):
    """What may be logged of a batch of reports, and what was wrong with those that were not kept."""

    facts: dict[str, Any]
    issues: tuple[Issue, ...]


def receive_feedback(service_id: str, body: bytes, max_nesting: int, caller: Caller, recorder: Recorder) -> Received:
    """Keep the reports of one call, and return what may be logged of them; CallError where that cannot be.

    A bad report does not keep the good ones of its batch from being kept; it is named.
    """
    good, issues = _sort_reports(read_json(body, max_nesting))
    at = time.time_ns() // 1000
    entries = [_read_report(report) for report in good]
    reports = [Report(entry, _code_of(entry), recorder.find_card(entry["card"], caller.client)) for entry in entries]
    new = recorder.keep_reports(reports, at, caller.client, service_id)
    unknown = sum(1 for report in reports if report.sent is None)
    for report in new:
        versions = report.sent.policies if report.sent else ()
        for policy in dict.fromkeys(version.partition("@")[0] for version in versions) or ("none",):
            metrics.feedback(policy, report.entry["outcome"])
    facts = {"service": service_id, "reports": len(reports), "unknown_cards": unknown}
    return Received(facts | ({"bad_reports": len(issues)} if issues else {}), issues)


def _sort_reports(document: Any) -> tuple[list[Any], tuple[Issue, ...]]:
    """Return the good reports of a batch, and what is wrong with the others; InvalidRequestError where none is good."""
    _schema("feedback").refuse_faults(document)
    found = [(report, _faults(report, number)) for number, report in enumerate(document["feedback"])]
    good = [report for report, faults in found if not faults]
    issues = tuple(issue for _, faults in found for issue in faults)[:MOST_ISSUES]
    if issues and not good:
        raise InvalidRequestError(*issues)
    return good, issues


def _faults(report: Any, number: int) -> list[Issue]:
    """Return what is wrong with one report of a batch, and where."""
    try:
        _schema("report").refuse_faults(report)
    except InvalidRequestError as error:
        return [_place(issue, f"feedback[{number}]") for issue in error.issues]
    return []


def _place(issue: Issue, path: str) -> Issue:
    if issue.expression is None:
        return Issue(issue.code, issue.diagnostics.replace("the body", path), path)
    return Issue(issue.code, f"{path}.{issue.diagnostics}", f"{path}.{issue.expression}")


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
def _schema(definition: str) -> RequestSchema:
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return RequestSchema({**schema, "$ref": f"#/$defs/{definition}"})
