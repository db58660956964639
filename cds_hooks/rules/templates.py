"""The files a new policy starts from: complete, answering conditional, with notes that say what to write where."""

from datetime import date, timedelta
from typing import Any, Final, NamedTuple

#: A day far enough off that no case on it depends on when the policy was written.
_LATER: Final = "2099-12-31"

_POLICY_NOTE: Final = (
    "A start: replace every text that begins with 'Say here', and delete this note when all is done.",
    "Change the date under versions to the first day that the source gives, 'unknown' where it gives none;",
    "add a date for each later version, null where the policy ends.",
    "covered is covered (then add pa-needed), not-covered or conditional.",
    'codes takes entries such as {"system": "HCPCS", "code": "A0000", "display": "What it is", "role": "definitive"};',
    "definitive: the code alone names the service; nonspecific: a code under which the service hides.",
    "terms are words that name the service, or @name for a word list of the vocabulary.",
)

_CASES_NOTE: Final = (
    "A start: expect is what the policy answers: covered, not-covered, conditional, or nothing if it says nothing.",
    "order holds what the clinician wrote: code.text for words, code.coding for codes.",
    "Move the first two days with the policy's start,",
    "and add a case for each code, each wording and each exception.",
)


class Beginning(NamedTuple):
    """What an author knows on the first day; `today` dates the version, until the author writes its real start."""

    id: str
    title: str
    service: str
    publisher: str
    today: date


def start_policy(beginning: Beginning) -> dict[str, Any]:
    """Return a policy document that claims nothing yet: conditional until its author says what the source says."""
    today = beginning.today.isoformat()
    return {
        "id": beginning.id,
        "title": beginning.title,
        "service": beginning.service,
        "publisher": beginning.publisher,
        "reviewed": today,
        "rights": "Say here what may be done with the source, and what a deployment must bring itself.",
        "note": " ".join(_POLICY_NOTE),
        "versions": {today: _start_version(beginning)},
    }


def _start_version(beginning: Beginning) -> dict[str, Any]:
    return {
        "covered": "conditional",
        "verdict": "say here why, in few words",
        "position": "Say here in one sentence of your own words what the policy holds.",
        "notes": [],
        "codes": [],
        "terms": [beginning.service.lower()],
        "references": [
            {
                "title": "Say here what the source is, with its version",
                "url": "https://example.org/replace-with-the-address-of-the-source",
                "retrieved": beginning.today.isoformat(),
                "note": "The first reference is what cards link to. Its address is http:// or https://.",
            }
        ],
    }


def start_cases(beginning: Beginning) -> dict[str, Any]:
    """Return cases that pass for `start_policy`: both edges, a late day, and an order for another service."""
    today, before = beginning.today, beginning.today - timedelta(days=1)
    named = {"code": {"text": beginning.service}}
    rows = [
        ("The day before the policy starts it says nothing", before.isoformat(), "nothing", named),
        ("The policy counts from its first day", today.isoformat(), "conditional", named),
        ("The policy has no last day", _LATER, "conditional", named),
        ("Another service is none of its business", _LATER, "nothing", {"code": {"text": "Annual eye examination"}}),
    ]
    return {
        "note": " ".join(_CASES_NOTE),
        "cases": [{"name": name, "on": on, "expect": expect, "order": order} for name, on, expect, order in rows],
    }
