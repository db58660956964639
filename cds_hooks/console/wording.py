"""The words that pages have for codes, and for what went wrong."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from cds_hooks.console.parts import parts
from cds_hooks.rules.text import count
from cds_hooks.store.audit_event import to_instant
from cds_hooks.store.facts import BOUNDS, MORE
from cds_hooks.web.documentation import PREFIX as DOCUMENTS
from cds_hooks.web.documentation import find_site

#: Of the codes of `covered`, of a case that expects that a policy says nothing, of a policy with several answers, of
#: orders that are covered with authorization.
COVERED: Final[Mapping[str, str]] = {
    "covered": "Covered",
    "not-covered": "Not covered",
    "conditional": "Conditional",
    "indeterminate": "Cannot be told",
    "nothing": "Nothing to say",
    "by-group": "By group",
    "by-circumstances": "It depends",
    "auth-needed": "Authorization needed",
    "performpa": "Performer asks for authorization",
}

#: What is said of an order that is covered, by what is said of prior authorization.
_WITH_AUTHORIZATION: Final[Mapping[str, str]] = {
    "auth-needed": "auth-needed",
    "performpa": "performpa",
    "conditional": "by-circumstances",
}


def verdict_of(covered: str, pa_needed: str | None) -> str:
    """Return the answer in one code of COVERED: what is covered with authorization is told from what is without."""
    return _WITH_AUTHORIZATION.get(pa_needed or "", covered) if covered == "covered" else covered


PARTS: Final[Mapping[str, str]] = {
    "covered": "Coverage",
    "pa-needed": "Prior authorization",
    "satisfied-pa-id": "Authorization number",
    "info-needed": "What is still needed",
    "doc-needed": "Documentation by",
    "doc-purpose": "Documentation for",
    "reason": "Reason",
    "billingCode": "Holds for code",
    "questionnaire": "Form to complete",
    "policy-link": "Policy",
    "instructions": "What to do",
    "contact": "Whom to ask",
    "coverage": "Under coverage",
    "date": "As of",
    "expiry-date": "Good until",
    "coverage-assertion-id": "Number of this answer",
    "dependency": "Depends on",
}

VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "covered": COVERED,
    "pa-needed": {
        "no-auth": "Not needed",
        "auth-needed": "Needed",
        "satisfied": "There already",
        "performpa": "To be requested by the performer",
        "conditional": "Depends on what the order does not say",
        "indeterminate": "Cannot be told",
    },
    "info-needed": {
        "performer": "Who performs it",
        "location": "Where it is done",
        "timeframe": "When it is done",
        "contract-window": "A day that contracts are known for",
        "detail-code": "A more exact code",
        "OTH": "Something else, as the reason says",
    },
    "doc-needed": {
        "clinical": "Clinicians",
        "admin": "Administrative staff",
        "both": "Clinicians and administrative staff",
        "patient": "The patient",
        "no-doc": "Nobody",
        "conditional": "Depends on what is not known yet",
        "indeterminate": "Cannot be told",
    },
    "doc-purpose": {
        "withpa": "The request for authorization",
        "withclaim": "The claim",
        "withorder": "The order",
        "retain-doc": "The provider's own records",
        "OTH": "Something else",
    },
    "reason": {
        "gold-card": "Who orders it is exempted (gold card)",
        "auth-out-network": "Authorization is needed out of the network alone",
    },
}

#: How surely an order is for a policy's service (docs/matching.md, How sure).
STRENGTHS: Final[Mapping[str, str]] = {
    "definitive": "a code of the order names the service",
    "stated": "the order's own words name the service",
    "qualified": "words or a code name the service, but something beside them leaves a doubt",
    "inferred": "what is injected, and where, makes the service likely",
    "unlisted": "the code says nothing, and no words say more",
}

BASES: Final[Mapping[str, str]] = {
    "POLICY": "a policy in force speaks of this order",
    "NOT_EVALUATED": "no policy of this payer speaks of this order",
    "UNREADABLE": "something in the order could not be read",
    "TECHNICAL": "something that is needed could not be had",
}

STEPS: Final[Mapping[str, str]] = {
    "payer": "Who pays",
    "read": "Could not be read",
    "in force": "In force",
    "words": "Words found",
    "second reading": "Read a second time",
    "match": "It speaks of this order",
    "no match": "It does not speak of this order",
    "ruled out": "Ruled out",
}

ROLES: Final[Mapping[str, str]] = {
    "definitive": "The code alone names the service",
    "nonspecific": "The service may hide under it; words decide",
    "unlisted": "Says nothing by itself; words decide",
}


class Told(NamedTuple):
    """What is said of something that went wrong: in a few words, and what to do."""

    title: str
    text: str


def page_error(code: int, *, is_stale: bool) -> Told:
    """Return what a page says of an error of its own."""
    if is_stale:
        return Told(
            "This page is older than the service", "The service was started anew. Go back, reload, and send again."
        )
    if code == 403:
        return Told("This is for operators", "You are logged in as a reader, who sees figures. Operators open calls.")
    if code == 404:
        return Told("There is no such page", "It may have been about a policy that is no longer here.")
    if code == 413:
        return Told("That is too much at once", "A form may have 16 MB. Send fewer orders, or fewer files.")
    if code == 405:
        return Told("There is nothing to show here", "This address answers a form, and none was sent. Begin with one.")
    if code == 400:
        return Told("This cannot be read", "Something in the form is missing or damaged. Go back and send it again.")
    return Told("Something failed in here", "The log of the service says what and where: look for page-failed.")


def reply_error(status: int) -> Told | None:
    """Return what a page says of an answer of the service that is no answer; None of a good one."""
    if status == 200:
        return None
    return _REPLIES.get(status) or Told(f"The service answered {status}", "It says why:")


_REPLIES: Final[Mapping[int, Told]] = {
    0: Told(
        "The service does not answer",
        "Nothing came back from its own address. Is it still running? Send again in a moment.",
    ),
    400: Told("The service cannot read this call", "It names what is wrong with it:"),
    401: Told(
        "The service asks who is calling",
        "".join(
            (
                "CRD_AUTH lets in registered clients only. Give this page a key (crd jwks new, CRD_CONSOLE_SIGN and",
                " CRD_CONSOLE_ISSUER) and register it with the public half, or set CRD_AUTH=none on your machine. If",
                " it has one, the service's log says under “cause” why it was not taken.",
            )
        ),
    ),
    403: Told("The service lets this client do less", "It says why:"),
    412: Told("The service has not all it needs", "It was not sent, and there was nowhere to read it from:"),
    413: Told("The call is too large", "It says where the limit is:"),
    422: Told("The order is not valid FHIR", "CRD_FHIR_CHECK is strict here. What is wrong with it:"),
    429: Told("Too many calls at once", "CRD_RATE limits them. Wait a second and send again."),
    503: Told(
        "The service cannot answer now", "Nothing is answered that cannot be recorded. Look at CRD_DATABASE_URL."
    ),
}


#: What is said of authorization where nothing beside it says what is meant.
_AUTHORIZATION: Final[Mapping[str, str]] = {
    "no-auth": "No authorization needed",
    "auth-needed": "Authorization needed",
    "satisfied": "Authorized already",
    "performpa": "The performer asks for it",
    "conditional": "Authorization depends",
}


def part_name(name: str) -> str:
    """Return what an element of coverage information is called."""
    return PARTS.get(name, name.replace("-", " ").capitalize())


def part_value(text: str, name: str) -> str:
    """Return what a code of an element of coverage information means; anything else as it is."""
    return VALUES.get(name, {}).get(text, text)


def day(value: date | None) -> str:
    """Return a day as people in the United States write it out."""
    return "not recorded" if value in (None, date.min) else f"{value:%b} {value.day}, {value.year}" if value else ""


def iso_day(text: str) -> str:
    """Return a day that ISO 8601 writes as people write it out."""
    return day(date.fromisoformat(text))


def bound(text: str) -> str:
    """Return what calls are counted under, in words: `250` milliseconds, or `more` than all bounds."""
    if text == MORE:
        return f"over {BOUNDS[-1] // 1000} s"
    return f"{int(text) // 1000} s" if int(text) >= 1000 else f"{text} ms"


def duration(milliseconds: int) -> str:
    """Return a time in words."""
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds} ms"


def sentence(text: str) -> str:
    """Return a text with a capital letter in front."""
    return text[:1].upper() + text[1:]


FILTERS: Final[Mapping[str, Any]] = {
    "bound": bound,
    "duration": duration,
    "instant": lambda at: f"{at if isinstance(at, str) else to_instant(at)}".replace("T", " ").replace("Z", " UTC"),
    "iso_day": iso_day,
    "sentence": sentence,
    "uuid": lambda identity: str(UUID(bytes=identity)),
    "covered": lambda code: COVERED.get(code, code),
    "part_name": part_name,
    "part_value": part_value,
    "authorization": lambda code: _AUTHORIZATION.get(code, code),
    "day": day,
    "strength": lambda code: STRENGTHS.get(code, code),
    "step": lambda rule: STEPS.get(rule, rule.capitalize()),
    "role": lambda role: ROLES.get(role, role),
}

GLOBALS: Final[Mapping[str, Any]] = {
    "count": count,
    "verdict_of": verdict_of,
    "documents": lambda: f"{DOCUMENTS}/" if find_site(parts().settings.docs) else "",
}
