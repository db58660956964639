"""Who pays for an order: the coverage it is judged under, the payer that answers, or why neither is known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from cards.coverage import Coverage, CoverageProblem
from cards.member import Member
from cards.payer_directory import Payer, PayerDirectory
from cards.references import record_key

#: As many coverages of equal rank are answered for; an order under more is under none that can be told.
MOST_COVERAGES: Final = 5


class PayerChoice(NamedTuple):
    """A coverage, the payer that answers, and whether the coverage names it; `problem` is what is not known.

    `member` is whom the payer's own directory of members has under that coverage, where it was asked.
    """

    coverage: Coverage | None
    payer: Payer
    payer_is_known: bool
    problem: CoverageProblem | None = None
    member: Member | None = None


class NamedCoverage(NamedTuple):
    """A coverage that an order names, under the order's own reference; None where it did not come.

    `is_elsewhere`: it lies at another server than the call's, so no coverage of the call can be meant. `has_failed`:
    it was asked for, and may exist.
    """

    reference: str
    coverage: Coverage | None
    is_elsewhere: bool = False
    has_failed: bool = False


class SentCoverages(NamedTuple):
    """The coverages that came with a call or were found.

    `sought` are records, as `Type/id`, that were asked for and not had; `search_failed` tells that there may be further
    coverages, `was_searched` that somebody looked for those of the patient.
    """

    coverages: tuple[Coverage, ...]
    sought: frozenset[str] = frozenset()
    search_failed: bool = False
    was_searched: bool = False


def find_paying(
    named: Sequence[NamedCoverage],
    sent: SentCoverages,
    payers: PayerDirectory,
    day: date,
    until: date | None = None,
    *,
    only_one: bool = False,
) -> tuple[PayerChoice, ...]:
    """Return under whom an order is judged on its day: one payer, or several of equal rank that are all ours.

    `named` are the coverages that the order names, `until` is the last day that its day may be. `only_one` is the rule
    of CRD 2.1 and 2.2 (hook-13): one coverage, whose payer has an identifier; all else is a problem. CRD 2.0.1 says
    nothing: of several the one whose payer is known counts, then the lowest `order` (docs/calls.md).
    """
    candidates, problem = choose_coverages(named, sent, day, until)
    is_active = problem not in (CoverageProblem.INACTIVE, CoverageProblem.UNSURE_DAY)
    if only_one and is_active and len(candidates) > 1:
        candidates, problem = (), CoverageProblem.SEVERAL
    if not candidates and problem:
        return (_unknown(payers, problem),)
    chosen = [_recognise(coverage, payers, sent.sought, only_one=only_one) for coverage in candidates]
    ranked = (chosen[0],) if len(chosen) == 1 else _rank(chosen, payers)
    told = ranked if is_active else ranked[:1]
    return tuple([one if one.problem else one._replace(problem=problem) for one in told])


def set_apart(payers: PayerDirectory) -> tuple[PayerChoice, ...]:
    """Return the choice for an order of another patient than the call's: no coverage of this call is for it."""
    return (_unknown(payers, CoverageProblem.OTHER_PATIENT),)


def choose_coverages(
    named: Sequence[NamedCoverage], sent: SentCoverages, day: date, until: date | None = None
) -> tuple[tuple[Coverage, ...], CoverageProblem | None]:
    """Return the coverages an order may be judged under: those it names, else all; in force, or none of them is.

    A coverage that the order names keeps the reference the client used for it. One that did not come gives way to the
    only one that did: a call brings the primary coverage alone (CRD 2.2). Among several another one would be a guess.
    """
    mine, problem = _choose_named(named, sent)
    active = tuple([one for one in mine if one.is_active(day) and (until is None or one.is_active(until))])
    if active:
        return active, problem
    if sent.search_failed and (mine or problem is None):
        return (), CoverageProblem.UNREAD
    if mine:
        partly = tuple([one for one in mine if one.is_active_within(day, until or day)])
        return (partly, CoverageProblem.UNSURE_DAY) if partly else (mine, CoverageProblem.INACTIVE)
    return (), problem or (CoverageProblem.NOT_FOUND if sent.was_searched else CoverageProblem.NONE)


def _choose_named(
    named: Sequence[NamedCoverage], sent: SentCoverages
) -> tuple[tuple[Coverage, ...], CoverageProblem | None]:
    found = {one.coverage: replace(one.coverage, reference=one.reference) for one in named if one.coverage}
    if found or not named or not sent.coverages:
        return (tuple(found.values()) if found else sent.coverages), None
    if any(one.is_elsewhere for one in named):
        return (), CoverageProblem.NOT_THE_ONE_NAMED
    if any(one.has_failed for one in named):
        return (), CoverageProblem.UNREAD
    if len(sent.coverages) == 1:
        return sent.coverages, CoverageProblem.GAVE_WAY
    return (), CoverageProblem.NOT_THE_ONE_NAMED


def _unknown(payers: PayerDirectory, problem: CoverageProblem) -> PayerChoice:
    return PayerChoice(None, payers.default, payer_is_known=False, problem=problem)


def _rank(chosen: Sequence[PayerChoice], payers: PayerDirectory) -> tuple[PayerChoice, ...]:
    known = [paying for paying in chosen if paying.payer_is_known]
    candidates = known or chosen
    first = min(paying.coverage.order for paying in candidates if paying.coverage)
    ranked = tuple(paying for paying in candidates if paying.coverage and paying.coverage.order == first)
    if len(ranked) > MOST_COVERAGES:
        return (_unknown(payers, CoverageProblem.SEVERAL),)
    return ranked if known else ranked[:1]


def _recognise(coverage: Coverage, payers: PayerDirectory, sought: frozenset[str], *, only_one: bool) -> PayerChoice:
    payer = payers.recognise(coverage)
    if payer and (coverage.payer_identifiers or not only_one):
        return PayerChoice(coverage, payer, payer_is_known=True)
    return PayerChoice(coverage, payers.default, payer_is_known=False, problem=_why_unknown(coverage, sought))


def _why_unknown(coverage: Coverage, sought: frozenset[str]) -> CoverageProblem:
    """Return why the payer of a coverage is none that can be answered for."""
    if coverage.is_self_pay:
        return CoverageProblem.SELF_PAY
    if coverage.payer_identifiers:
        return CoverageProblem.UNKNOWN_PAYER
    if coverage.unread_payors:
        was_sought = any(record_key(reference) in sought for reference in coverage.unread_payors)
        return CoverageProblem.UNREAD_PAYER if was_sought else CoverageProblem.UNSENT_PAYER
    if coverage.has_bare_identifier:
        return CoverageProblem.NO_IDENTIFIER_SYSTEM
    return CoverageProblem.NO_PAYER_IDENTIFIER
