"""The files a new policy starts from: complete, answering conditional, with notes that say what to write where."""

import shlex
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from cds_hooks.rules.code_lists import CodeGroup
from cds_hooks.rules.folders import CASES, POLICY, SHIPPED
from cds_hooks.settings import Settings

#: A day far enough off that no case on it depends on when the policy was written.
_LATER: Final = "2099-12-31"

_NO_ADDRESS: Final = "https://example.org/replace-with-the-address-of-the-source"

_POLICY_NOTE: Final = (
    "A start. Replace every text that begins with 'Say here', then delete this note.",
    "The date under versions is the first day the policy counts; write 'unknown' if the source gives none.",
    "Add a date for each later version, with null where the policy ends.",
    "covered is covered (then add pa-needed), not-covered or conditional.",
    "Each entry of codes has a system (HCPCS, CPT), a code, a role, and if that is definitive a display.",
    "The role is definitive if the code alone names the service, nonspecific if it stands for others too.",
    "next-steps are at most three short sentences for the card: what to do about the answer, as the source provides.",
    "groups, if the policy has any, are codes that one thing is said of: write an answer of its own beside the codes.",
    "answers in the place of one answer, each with an if, make it depend on the place of service or on other facts.",
    "terms are words that name the service; @name stands for a word list of the vocabulary.",
)

_CASES_NOTE: Final = (
    "A start. Each case asks the policy about one order on one day; expect is what it should answer:",
    "covered, not-covered, conditional, or nothing if the order is none of its business.",
    "An order has a text, the clinician's words; or a code, its code system before it, as in HCPCS A0000;",
    "or both, and besides them display, note and reason. Any other order is written as a FHIR resource.",
    "Move the first two days when you move the policy's start, and add a case for each code, wording and exception.",
)


class Beginning(NamedTuple):
    """What an author knows on the first day; `today` dates the version, until the author writes its real start.

    `groups` are the codes of a list, where the author has one.
    """

    id: str
    title: str
    service: str
    publisher: str
    today: date
    groups: tuple[CodeGroup, ...] = ()


def start_policy(beginning: Beginning) -> dict[str, Any]:
    """Return a policy document that claims nothing yet: conditional until its author says what the source says."""
    today = beginning.today.isoformat()
    return {
        "$schema": "../policy.schema.json",
        "id": beginning.id,
        "title": beginning.title,
        "service": beginning.service,
        "publisher": beginning.publisher,
        "reviewed": today,
        "rights": "Say here what may be done with the source, and what a deployment must bring itself.",
        "note": " ".join(_POLICY_NOTE),
        "versions": {today: _start_version(beginning)},
        **_start_groups(beginning),
    }


def _start_groups(beginning: Beginning) -> dict[str, Any]:
    groups = {group.name: {"service": group.service, "codes": list(group.codes)} for group in beginning.groups}
    return {"groups": groups} if groups else {}


def _start_version(beginning: Beginning) -> dict[str, Any]:
    return {
        "covered": "conditional",
        "verdict": "say here why, in few words",
        "position": "Say here in one sentence of your own words what the policy holds.",
        "notes": [],
        **_start_codes(beginning),
        "references": [
            {
                "title": "Say here what the source is, with its version",
                "url": _NO_ADDRESS,
                "retrieved": beginning.today.isoformat(),
                "note": "The first reference is what cards link to. Its address is http:// or https://.",
            }
        ],
    }


def _start_codes(beginning: Beginning) -> dict[str, Any]:
    if beginning.groups:
        return {"groups": [group.name for group in beginning.groups]}
    return {"codes": [], "terms": [beginning.service.lower()]}


#: How the texts begin that an author is to replace, and what the address of the source is until then.
_TO_BE_WRITTEN: Final = ("say here ", _NO_ADDRESS.lower(), "a start. replace every text")


def find_unwritten(value: Any, path: str = "$") -> Iterator[str]:
    """Yield the JSON paths of texts that a new policy starts with and its author has not replaced."""
    if isinstance(value, str):
        if value.lower().startswith(_TO_BE_WRITTEN):
            yield path
    elif isinstance(value, dict | list):
        for name, held in value.items() if isinstance(value, dict) else enumerate(value):
            plain = isinstance(name, str) and name.replace("-", "_").isidentifier()
            yield from find_unwritten(held, f"{path}.{name}" if plain else f"{path}[{name!r}]")


def start_cases(beginning: Beginning) -> dict[str, Any]:
    """Return cases that pass for `start_policy`: both edges, a late day, and an order for another service."""
    today, before = beginning.today, beginning.today - timedelta(days=1)
    other = {"text": "Annual eye examination"}
    first = [group.codes[0].partition(" to ")[0] for group in beginning.groups]
    named: Any = first[0] if first else {"text": beginning.service}
    further = [(f"{code} is one of its codes", today.isoformat(), "conditional", code) for code in first[1:]]
    rows = [
        ("The day before the policy starts it says nothing", before.isoformat(), "nothing", named),
        ("The policy counts from its first day", today.isoformat(), "conditional", named),
        ("The policy has no last day", _LATER, "conditional", named),
        ("Another service is none of its business", _LATER, "nothing", other),
        *further,
    ]
    return {
        "$schema": "../policy-cases.schema.json",
        "note": " ".join(_CASES_NOTE),
        "cases": [{"name": name, "on": on, "order": order, "expect": expect} for name, on, expect, order in rows],
    }


def next_steps(policy: str, folder: Path, settings: Settings) -> Iterator[str]:
    """Yield what an author does after `crd policies new`, up to a service that answers by the new policy."""
    steps = [
        f"Follow the note in {POLICY}: the start date, what is covered, the codes, the sources.",
        f"Follow the note in {CASES}: one case for each code, wording and exception.",
        f"crd policies check {_quote(folder)}    until it finds nothing",
        *_steps_to_service(policy, folder.resolve(), settings),
    ]
    yield "Next:"
    yield from (f"  {number}. {step}" for number, step in enumerate(steps, start=1))


def _steps_to_service(policy: str, folder: Path, settings: Settings) -> Iterator[str]:
    """The folder becomes the service's own, with the shipped policies and payers, unless it has one already."""
    policies, payers = settings.policies, settings.payers
    if policies.resolve() != folder and policies == SHIPPED / "policies":
        yield f"cp -rn {_quote(policies)}/. {_quote(folder)}    for the policies that the shipped payers name"
        policies = folder
        if payers == SHIPPED / "payers":
            yield f"cp -rn {_quote(payers)} {_quote(folder.parent)}"
            payers = folder.parent / "payers"
    elif policies.resolve() != folder:
        yield f"mv {_quote(folder / policy)} {_quote(policies)}    where the service looks"
    yield f'Name {policy} under "policies" of a payer in {payers}: until then it binds nobody.'
    yield f"CRD_POLICIES={_quote(policies)} CRD_PAYERS={_quote(payers)} crd serve"


def _quote(path: Path) -> str:
    return shlex.quote(str(path))
