"""Who answers: what is said about M0076 for all that can be known of its payer, in every version, on both kinds of hook.

`python -m tests.service.who_answers` writes docs/who-answers.md from it; test_who_answers.py holds each cell over HTTP.
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT, example

PAGE = ROOT / "docs" / "who-answers.md"

EXTENSION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: The columns: the version of CRD, and a primary or a supporting hook.
COLUMNS = tuple((version, hook) for version in ("2.0", "2.1", "2.2") for hook in ("order-sign", "order-select"))

Request = dict[str, Any]


class Row(NamedTuple):
    """What is known, how a call comes to it, and what is answered in each column."""

    known: str
    change: Callable[[Request], Any]
    answers: tuple[str, str, str, str, str, str]


def coverage(request: Request) -> Request:
    return request["prefetch"]["coverage"]["entry"][0]["resource"]


def organization(request: Request) -> Request:
    return request["prefetch"]["coverage"]["entry"][1]["resource"]


def order(request: Request) -> Request:
    return request["context"]["draftOrders"]["entry"][0]["resource"]


def _drop_payer(request: Request) -> None:
    request["prefetch"]["coverage"]["entry"].pop()


def _be_foreign(request: Request) -> None:
    organization(request)["identifier"][0]["value"] = "ACME"
    organization(request)["name"] = "Acme Health"


def _be_nameless(request: Request) -> None:
    organization(request).pop("identifier")
    organization(request)["name"] = "Acme Health"


def _send_twice(request: Request) -> None:
    entry = copy.deepcopy(request["prefetch"]["coverage"]["entry"][0])
    entry["resource"]["id"] = "cov-2"
    request["prefetch"]["coverage"]["entry"].append(entry)


def _insure(reference: str) -> Callable[[Request], Any]:
    return lambda request: order(request).update(insurance=[{"reference": reference}])


def _insure_among_two(request: Request) -> None:
    _send_twice(request)
    _insure("Coverage/gone")(request)


def _end(request: Request) -> None:
    coverage(request)["period"] = {"start": "2025-01-01", "end": "2026-01-31"}


def _end_within_the_month(request: Request) -> None:
    coverage(request)["period"] = {"start": "2025-01-01", "end": "2026-12-15"}
    order(request)["occurrenceDateTime"] = "2026-12"


ANSWER = "the answer, on the order and a card"
CARD = "the answer on a card"
SUPPOSED = "card “If this patient is covered by Example Health Plan: …”"
UNTOLD = "`conditional` on the order"
INACTIVE = "card “Example Health Plan: no active coverage on 2026-11-23”"
NOTHING = "nothing"

ROWS = (
    Row("the payer is known and served, the coverage is in force", lambda _: None, (ANSWER, CARD) * 3),
    Row(
        "the payer is known and served, the coverage has ended",
        _end,
        (
            f"{UNTOLD}; {INACTIVE}",
            INACTIVE,
            "`not-covered` on the order",
            INACTIVE,
            "`not-covered` (`no-active-coverage`) on the order",
            INACTIVE,
        ),
    ),
    Row(
        "the payer is known and served, the coverage is cancelled",
        lambda request: coverage(request).update(status="cancelled"),
        (
            f"{UNTOLD}; {INACTIVE}",
            INACTIVE,
            "`not-covered` on the order",
            INACTIVE,
            "`not-covered` (`no-active-coverage`) on the order",
            INACTIVE,
        ),
    ),
    Row(
        "the coverage ends in the month of the service, whose day is not said",
        _end_within_the_month,
        (f"{UNTOLD}; {SUPPOSED}", SUPPOSED) * 3,
    ),
    Row(
        "no coverage was sent, and nobody was asked for one",
        lambda request: request["prefetch"].pop("coverage"),
        (SUPPOSED, SUPPOSED, *("400: no coverage of the patient was sent or found",) * 4),
    ),
    Row(
        "the only coverage was entered in error, or is a draft",
        lambda request: coverage(request).update(status="entered-in-error"),
        (SUPPOSED, SUPPOSED, *("400: no coverage of the patient was sent or found",) * 4),
    ),
    Row(
        "the client looked for coverages and found none",
        lambda request: request["prefetch"].update(coverage={"resourceType": "Bundle", "type": "searchset"}),
        (SUPPOSED, SUPPOSED, *("400: no coverage of the patient was found",) * 2, SUPPOSED, SUPPOSED),
    ),
    Row(
        "the payer is only a reference that leads nowhere",
        _drop_payer,
        (
            f"{UNTOLD}; {SUPPOSED}",
            SUPPOSED,
            *("400: no identifier of the coverage's payer was sent or found",) * 2,
            f"`indeterminate` (`technical`) on the order; {SUPPOSED}",
            SUPPOSED,
        ),
    ),
    Row(
        "the payer has neither an identifier nor a known name",
        _be_nameless,
        (
            f"{UNTOLD}; {SUPPOSED}",
            SUPPOSED,
            *("400: no identifier of the coverage's payer was sent or found",) * 4,
        ),
    ),
    Row(
        "the payer's identifier has no system, and its name is not known",
        lambda request: (_be_nameless(request), organization(request).update(identifier=[{"value": "EHP01"}])),
        (
            f"{UNTOLD}; {SUPPOSED}",
            SUPPOSED,
            *("400: the identifier of the coverage's payer has no system",) * 4,
        ),
    ),
    Row(
        "the payer is identified and not served here",
        _be_foreign,
        (UNTOLD, NOTHING, *("400: the payer of the coverage is not one this service answers for",) * 4),
    ),
    Row(
        "the patient pays",
        lambda request: coverage(request).update(payor=[{"reference": "Patient/pat-1"}]),
        (UNTOLD, NOTHING, *("400: the coverage is the patient's own payment, so no payer is asked",) * 4),
    ),
    Row(
        "several coverages of served payers",
        _send_twice,
        (
            ANSWER,
            CARD,
            *("400: several coverages of the patient were sent or found; send only the primary one",) * 4,
        ),
    ),
    Row(
        "the order names a coverage that did not come, and one came",
        _insure("Coverage/gone"),
        (ANSWER, CARD) * 3,
    ),
    Row(
        "the order names a coverage that did not come, and several came",
        _insure_among_two,
        (SUPPOSED, SUPPOSED, *("400: the coverage that the order names was not sent or found",) * 4),
    ),
    Row(
        "the order names a coverage at another server",
        _insure("https://elsewhere.example.org/fhir/Coverage/cov-1"),
        (SUPPOSED, SUPPOSED, *("400: the coverage that the order names was not sent or found",) * 4),
    ),
    Row(
        "the order is for another patient",
        lambda request: order(request).update(subject={"reference": "Patient/other"}),
        (
            "card “Coverage could not be identified: no determination for these orders”",
            NOTHING,
            "400: the order is for another patient than the call",
            NOTHING,
            "400: the order is for another patient than the call",
            NOTHING,
        ),
    ),
)


def _be_member(subscriber: str | None, born: str | None = "1971-04-02", period: Any = None) -> Callable[[Request], Any]:
    """Return what makes the patient one with this id and birth date, as the EHR has it."""

    def change(request: Request) -> None:
        coverage(request).pop("subscriberId")
        coverage(request).update({"subscriberId": subscriber} if subscriber else {})
        coverage(request).update({"period": period} if period else {})
        request["prefetch"]["patient"].pop("birthDate")
        request["prefetch"]["patient"].update({"birthDate": born} if born else {})

    return change


def _be_child_of_member(request: Request) -> None:
    _be_member("EX-4711", None)(request)
    coverage(request)["relationship"]["coding"][0]["code"] = "child"


def _not_covered(card: str, code: str) -> tuple[str, str, str, str, str, str]:
    """Return what is said where the payer's members say that nothing is in force."""
    return (
        f"{UNTOLD}; {card}",
        card,
        "`not-covered` on the order",
        card,
        f"`not-covered` (`{code}`) on the order",
        card,
    )


NO_MEMBER = "card “Example Health Plan: no member found with these ids”"
NO_COVERAGE = "card “Example Health Plan: no coverage found of this member”"

#: What is answered where members are asked, by fhir_examples/members.csv.
MEMBER_ROWS = (
    Row("the member is found, and its coverage is in force", _be_member("EX-4711"), (ANSWER, CARD) * 3),
    Row(
        "the member is found, and in force; the EHR's copy of the coverage has ended",
        _be_member("EX-4711", period={"start": "2025-01-01", "end": "2025-12-31"}),
        (ANSWER, CARD) * 3,
    ),
    Row("no member has these ids", _be_member("EX-9999"), _not_covered(NO_MEMBER, "no-member-found")),
    Row(
        "a member has this id, and another birth date",
        _be_member("EX-4711", "1999-01-01"),
        _not_covered(NO_MEMBER, "no-member-found"),
    ),
    Row(
        "the member is found, and has no coverage",
        _be_member("EX-4713", "1990-01-15"),
        _not_covered(NO_COVERAGE, "coverage-not-found"),
    ),
    Row(
        "the member is found, and its coverage has ended, whatever the EHR's copy says",
        _be_member("EX-4712", "1984-09-30"),
        _not_covered(INACTIVE, "no-active-coverage"),
    ),
    Row(
        "only the subscriber's id was sent, of a patient who is not the subscriber and has no birth date",
        _be_child_of_member,
        (f"{UNTOLD}; {SUPPOSED}", SUPPOSED) * 3,
    ),
    Row("the coverage has no id of the member", _be_member(None), (f"{UNTOLD}; {SUPPOSED}", SUPPOSED) * 3),
    Row(
        "the payer is identified and not served here: its members are not asked for",
        _be_foreign,
        (UNTOLD, NOTHING, *("400: the payer of the coverage is not one this service answers for",) * 4),
    ),
)

#: What is answered where the members cannot be asked.
FAILED_ROW = Row(
    "the look-up fails",
    lambda _: None,
    (
        *(f"{UNTOLD}; {SUPPOSED}", SUPPOSED) * 2,
        f"`indeterminate` (`technical`) on the order; {SUPPOSED}",
        SUPPOSED,
    ),
)


def make_call(row: Row, version: str, hook: str) -> Request:
    """Return a call about one order for M0076 of which just this is known."""
    request = example("m0076-order-sign")
    request["hook"] = hook
    request["extension"] = {"davinci-crd.requestedVersion": version}
    request["context"]["selections"] = ["ServiceRequest/prolo-1"]
    row.change(request)
    return request


def describe(response: Any) -> str:
    """Return what a response says, in the words of the table."""
    document = response.json()
    if response.status_code != 200:
        return f"{response.status_code}: {document['issue'][0]['diagnostics']}"
    said = [_describe_action(action) for action in document.get("systemActions", ())]
    summaries = [_shorten(card) for card in document["cards"]]
    if summaries == ["answer"]:
        return ANSWER if said == ["`not-covered` on the order"] else CARD
    return "; ".join([*said, *(f"card “{summary}”" for summary in summaries)]) or NOTHING


def annotation(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of the coverage information that an action writes, by name."""
    extension = next(e for e in action["resource"]["extension"] if e["url"] == EXTENSION)
    return {p["url"]: next(v for k, v in p.items() if k.startswith("value")) for p in extension["extension"] if len(p) == 2 and p["url"] != "detail"}  # fmt: skip


def _describe_action(action: Mapping[str, Any]) -> str:
    said = annotation(action)
    codes = [coding["code"] for coding in said["reason"].get("coding", ())]
    return f"`{said['covered']}`{f' (`{codes[0]}`)' if codes else ''} on the order"


def _shorten(card: Mapping[str, Any]) -> str:
    summary = str(card["summary"])
    if summary.startswith("If this patient is covered by "):
        return f"{summary.partition(': ')[0]}: …"
    return "answer" if summary.startswith("Prolotherapy (M0076) is not covered") else summary


_HEAD = """# Who answers

What this service says of an order for prolotherapy (M0076), for all that can be known of the patient's coverage and its
payer. The default payer is Example Health Plan, the day 2026-11-23. *Primary* hooks are order-sign, order-dispatch and
appointment-book, *supporting* ones order-select, encounter-start and encounter-discharge: these only show cards, and
only of orders that a policy speaks of, unless `CRD_ANNOTATE_SUPPORTING_HOOKS` is set.

"Not covered" is said of no order whose payer is not known and served here. Where the payer is not established, a card in
the default payer's name says what would hold under it, and why that is not sure; what is written onto the order names no
payer. It makes no difference why a payer could not be read: a time-out, 401, 404 or 500 of the FHIR server, or no access
to it. One exception: CRD 2.1 wants 400 where a payer's identifier was not sent and nothing was there to read it from, and
gets `conditional` where reading it failed.

`CRD_UNKNOWN_PAYER=default-policy`, for demos, adds that card for payers that are not served here; `refuse` answers them
with 400 in CRD 2.0, too.

This page is written from the tests: `python -m tests.service.who_answers`.

"""


_OF_MEMBERS = """

## Where members are asked

With `CRD_MEMBERS` ([members.md](members.md)) what the payer's own members say goes before the EHR's copy of the coverage. They
are asked only where a coverage names a payer that is served; all other rows stay as they are.

"""


def render() -> str:
    """Return the page."""
    names = [f"{version} {'primary' if hook == 'order-sign' else 'supporting'}" for version, hook in COLUMNS]
    lines = [f"| known | {' | '.join(names)} |", f"|{'---|' * (len(names) + 1)}"]
    told = [f"| {row.known} | {' | '.join(row.answers)} |" for row in ROWS]
    asked = [f"| {row.known} | {' | '.join(row.answers)} |" for row in (*MEMBER_ROWS, FAILED_ROW)]
    return _HEAD + "\n".join([*lines, *told]) + _OF_MEMBERS + "\n".join([*lines, *asked]) + "\n"


if __name__ == "__main__":
    Path(PAGE).write_text(render(), encoding="utf-8")
