"""Who answers: what follows from what is known of an order's payer, in one table for all hooks and versions.

An order is answered under its payer; or it is said that this cannot be told, on a card in somebody's name and on the
order; or the call is refused with an issue. "Not covered" is said of no order whose payer is not known and served.
"""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Final, NamedTuple

from cards.coverage import CoverageProblem
from cards.payer_selection import PayerChoice
from cards.policy import Covered


class Voice(Enum):
    """In whose name a card says what cannot be told."""

    PAYER = "the payer of the coverage"
    DEFAULT = "the default payer, for the case that the patient is covered by it"


class Refusal(NamedTuple):
    """Why a call cannot be answered, as an issue: a code of issue-type, words, and a FHIRPath."""

    code: str
    reason: str
    path: str


class CoverageOutcome(NamedTuple):
    """What follows from what is known of a coverage.

    `answers`: the policies of the payer are asked, and their answer is given. Else `card` says in whose name a card
    tells what they would say, and `annotation` what is written onto the order, with a `reason` in words and, where the
    version has one, its code. `refusal` is what the call is refused with where nothing else is said. `is_lacking`: what
    is not known was sought and could not be had.
    """

    answers: bool = False
    card: Voice | None = None
    annotation: Covered | None = None
    reason_code: str | None = None
    refusal: Refusal | None = None
    is_lacking: bool = False
    reason: str = ""


class AnswerRule(NamedTuple):
    """What the table is asked for: the version of CRD, whether the hook is primary, a deployment's own rule for payers
    not served here (`tell`, `default-policy` or `refuse`), and whom this service answers for, in words.
    """

    version: str
    is_primary: bool
    unknown_payer: str = "tell"
    served: str = "its own payers"


class Row(NamedTuple):
    """One row of the table: for CRD 2.0 on primary and on supporting hooks, for 2.1 and for 2.2 on any."""

    primary_2_0: CoverageOutcome
    supporting_2_0: CoverageOutcome
    any_2_1: CoverageOutcome
    any_2_2: CoverageOutcome


#: Nothing is in doubt.
ANSWERED: Final = CoverageOutcome(answers=True)

#: Nothing is said of an order whose coverage cannot be told, but that it cannot be told.
UNTOLD: Final = CoverageOutcome()

_SILENT: Final = CoverageOutcome()
_CARD: Final = CoverageOutcome(card=Voice.DEFAULT)
_CONDITIONAL: Final = CoverageOutcome(annotation=Covered.CONDITIONAL)
_CARD_AND_CONDITIONAL: Final = CoverageOutcome(card=Voice.DEFAULT, annotation=Covered.CONDITIONAL)
_PAYERS_CARD: Final = CoverageOutcome(card=Voice.PAYER)
_INDETERMINATE: Final = CoverageOutcome(card=Voice.DEFAULT, annotation=Covered.INDETERMINATE, reason_code="technical")
_LACKING: Final = CoverageOutcome(card=Voice.DEFAULT, is_lacking=True)


def _refuse(problem: CoverageProblem, code: str, path: str, outcome: CoverageOutcome = UNTOLD) -> CoverageOutcome:
    return outcome._replace(refusal=Refusal(code, problem.value, path))


def _refused(
    problem: CoverageProblem, code: str, path: str, primary: CoverageOutcome, supporting: CoverageOutcome
) -> Row:
    """Return a row whose problem CRD 2.1 and 2.2 refuse (hook-13)."""
    refused = _refuse(problem, code, path, _CARD)
    return Row(primary, supporting, refused, refused)


def _without_coverage(code: str) -> Row:
    """Return a row of what is said where nothing is in force, or nobody is insured: by the payer, without a policy."""
    return Row(
        CoverageOutcome(card=Voice.PAYER, annotation=Covered.CONDITIONAL),
        _PAYERS_CARD,
        CoverageOutcome(card=Voice.PAYER, annotation=Covered.NOT_COVERED),
        CoverageOutcome(card=Voice.PAYER, annotation=Covered.NOT_COVERED, reason_code=code),
    )


_OF_ANOTHER: Final = _refuse(CoverageProblem.OTHER_PATIENT, "business-rule", "context.patientId")
_NO_IDENTIFIER: Final = "Coverage.payor.identifier"

#: CRD 2.0.1 defines nothing here. 2.1 and 2.2 refuse a call without one Coverage of a payer served here (hook-13), say
#: `not-covered` where the coverage is not in force (resp-45) or the payer has no such member (resp-44; both only where
#: somebody looked), and 2.2 `indeterminate` for technical failures (resp-43).
#: Where no Coverage is there at all, nothing can be written: the extension must refer to one.
TABLE: Final[Mapping[CoverageProblem, Row]] = {
    CoverageProblem.GAVE_WAY: Row(ANSWERED, ANSWERED, ANSWERED, ANSWERED),
    CoverageProblem.INACTIVE: _without_coverage("no-active-coverage"),
    CoverageProblem.NO_MEMBER: _without_coverage("no-member-found"),
    CoverageProblem.NO_COVERAGE: _without_coverage("coverage-not-found"),
    CoverageProblem.SEVERAL_MEMBERS: Row(_CARD_AND_CONDITIONAL, _CARD, _CARD_AND_CONDITIONAL, _CARD_AND_CONDITIONAL),
    CoverageProblem.NO_MEMBER_ID: Row(_CARD_AND_CONDITIONAL, _CARD, _CARD_AND_CONDITIONAL, _CARD_AND_CONDITIONAL),
    CoverageProblem.LOOK_UP_FAILED: Row(_CARD_AND_CONDITIONAL, _CARD, _CARD_AND_CONDITIONAL, _INDETERMINATE),
    CoverageProblem.UNSURE_DAY: Row(_CARD_AND_CONDITIONAL, _CARD, _CARD_AND_CONDITIONAL, _CARD_AND_CONDITIONAL),
    CoverageProblem.NONE: _refused(CoverageProblem.NONE, "required", "Coverage", _CARD, _CARD),
    CoverageProblem.NOT_FOUND: Row(
        _CARD, _CARD, _refuse(CoverageProblem.NOT_FOUND, "required", "Coverage", _CARD), _CARD
    ),
    CoverageProblem.NOT_THE_ONE_NAMED: _refused(
        CoverageProblem.NOT_THE_ONE_NAMED, "not-found", "Coverage", _CARD, _CARD
    ),
    CoverageProblem.SEVERAL: _refused(CoverageProblem.SEVERAL, "multiple-matches", "Coverage", _CARD, _CARD),
    CoverageProblem.UNREAD: Row(_LACKING, _CARD, _LACKING, _LACKING),
    CoverageProblem.UNREAD_PAYER: Row(_CARD_AND_CONDITIONAL, _CARD, _CARD_AND_CONDITIONAL, _INDETERMINATE),
    CoverageProblem.UNSENT_PAYER: Row(
        _CARD_AND_CONDITIONAL,
        _CARD,
        _refuse(CoverageProblem.NO_PAYER_IDENTIFIER, "required", _NO_IDENTIFIER, _CARD),
        _INDETERMINATE,
    ),
    CoverageProblem.NO_PAYER_IDENTIFIER: _refused(
        CoverageProblem.NO_PAYER_IDENTIFIER, "required", _NO_IDENTIFIER, _CARD_AND_CONDITIONAL, _CARD
    ),
    CoverageProblem.NO_IDENTIFIER_SYSTEM: _refused(
        CoverageProblem.NO_IDENTIFIER_SYSTEM, "required", f"{_NO_IDENTIFIER}.system", _CARD_AND_CONDITIONAL, _CARD
    ),
    CoverageProblem.UNKNOWN_PAYER: _refused(
        CoverageProblem.UNKNOWN_PAYER, "not-supported", "Coverage.payor", _CONDITIONAL, _SILENT
    ),
    CoverageProblem.SELF_PAY: _refused(
        CoverageProblem.SELF_PAY, "not-supported", "Coverage.payor", _CONDITIONAL, _SILENT
    ),
    CoverageProblem.OTHER_PATIENT: Row(UNTOLD, UNTOLD, _OF_ANOTHER, _OF_ANOTHER),
}

#: What is said of the problem on the order and on cards. The same for a payer however it could not be had.
_NOT_ESTABLISHED: Final = "The payer of this coverage could not be established: it was not sent and could not be read."
_REASONS: Final[Mapping[CoverageProblem, str]] = {
    CoverageProblem.INACTIVE: "No active coverage: the coverage by {payer} is not in force on {day}.",
    CoverageProblem.NO_MEMBER: "Member not found: {payer} has no member with the ids of this coverage and its patient.",
    CoverageProblem.NO_COVERAGE: "Coverage not found: {payer} knows this member, but no single coverage of theirs.",
    CoverageProblem.SEVERAL_MEMBERS: "The ids of this coverage may be those of several members of {payer}.",
    CoverageProblem.NO_MEMBER_ID: "This coverage has no id of the member, so {payer} could not look for it.",
    CoverageProblem.LOOK_UP_FAILED: "The members of {payer} could not be looked up: a technical failure.",
    CoverageProblem.UNREAD_PAYER: _NOT_ESTABLISHED,
    CoverageProblem.UNSENT_PAYER: _NOT_ESTABLISHED,
    CoverageProblem.NO_PAYER_IDENTIFIER: "The payer of this coverage could not be established: it has no identifier.",
    CoverageProblem.NO_IDENTIFIER_SYSTEM: (
        "The payer of this coverage could not be established: its identifier has no system."
    ),
    CoverageProblem.UNKNOWN_PAYER: "The payer of this coverage is another one: this service answers for {served} only.",
}


def find_outcome(paying: PayerChoice, day: date, rule: AnswerRule) -> CoverageOutcome:
    """Return what follows from what is known of the payer of an order whose day of service is `day`."""
    problem = paying.problem
    if problem is None:
        return ANSWERED
    outcome = _look_up(problem, rule)
    reason = _REASONS.get(problem) or f"{problem.value[0].upper()}{problem.value[1:]}."
    payer = paying.payer.name if paying.payer_is_known else "the payer"
    return outcome._replace(reason=reason.format(payer=payer, day=day, served=rule.served))


def _look_up(problem: CoverageProblem, rule: AnswerRule) -> CoverageOutcome:
    row = TABLE[problem]
    if rule.version == "2.1":
        return row.any_2_1
    if rule.version == "2.2":
        return row.any_2_2
    outcome = row.primary_2_0 if rule.is_primary else row.supporting_2_0
    if problem is CoverageProblem.UNKNOWN_PAYER and rule.unknown_payer == "default-policy":
        return outcome._replace(card=Voice.DEFAULT)
    if problem is CoverageProblem.UNKNOWN_PAYER and rule.unknown_payer == "refuse":
        return row.any_2_1
    return outcome
