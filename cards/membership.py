"""What a payer's own directory of members changes of who pays: the directory answers, the EHR's Coverage is a hint."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from cards.coverage import Coverage, CoverageProblem
from cards.member import CoveragePeriod, FoundMember, LookUp, Member
from cards.payer_directory import Payer, PayerDirectory
from cards.payer_selection import PayerChoice

#: What is not known where no member was found, and why.
_PROBLEMS: Final = {
    LookUp.NONE: CoverageProblem.NO_MEMBER,
    LookUp.SEVERAL: CoverageProblem.SEVERAL_MEMBERS,
    LookUp.NO_ID: CoverageProblem.NO_MEMBER_ID,
    LookUp.FAILED: CoverageProblem.LOOK_UP_FAILED,
}

#: What the EHR's copy of a coverage says of its days, which a directory knows better.
_OF_DAYS: Final = frozenset({CoverageProblem.INACTIVE, CoverageProblem.UNSURE_DAY})


def may_be_asked(paying: PayerChoice) -> bool:
    """Tell whether a payer's members may be asked: only where a coverage names that payer as who pays.

    Nobody looks for a stranger among the members of a payer that their coverage does not name.
    """
    is_open = paying.problem is None or paying.problem in _OF_DAYS or paying.problem is CoverageProblem.GAVE_WAY
    return paying.payer_is_known and paying.coverage is not None and is_open


def settle(paying: PayerChoice, found: FoundMember, payers: PayerDirectory, day: date, until: date) -> PayerChoice:
    """Return who pays, as the payer's members say it, for a service on a day from `day` to `until`.

    The member's plan on that day decides whose policies bind (resp-44, resp-45: no member, no coverage, none in force).
    """
    member = found.member
    if member is None or paying.coverage is None:
        return paying._replace(problem=_PROBLEMS.get(found.look_up, CoverageProblem.LOOK_UP_FAILED))
    settled, joined = paying._replace(member=member), _join(member.periods)
    for is_meant, problem in _QUESTIONS:
        periods = [period for period in joined if is_meant(period, day, until)]
        if periods:
            return _of_plan(settled, periods, payers, problem)
    return settled._replace(problem=CoverageProblem.INACTIVE if member.periods else CoverageProblem.NO_COVERAGE)


def _join(periods: Sequence[CoveragePeriod]) -> list[CoveragePeriod]:
    """Return the periods of each plan without seams: what begins on the day after another's last goes on with it."""
    if len(periods) < 2:
        return list(periods)
    joined: list[CoveragePeriod] = []
    for period in sorted(periods, key=lambda one: (one.plan, one.start or date.min)):
        last = joined[-1] if joined and joined[-1].plan == period.plan else None
        if last is None or (last.end and period.start and (period.start - last.end).days > 1):
            joined.append(period)
        else:
            end = max(last.end, period.end) if last.end and period.end else None
            joined[-1] = period._replace(start=last.start, end=end)
    return joined


def _holds_throughout(period: CoveragePeriod, day: date, until: date) -> bool:
    return period.holds(day) and period.holds(until)


def _holds_at_times(period: CoveragePeriod, day: date, until: date) -> bool:
    return (period.start is None or period.start <= until) and (period.end is None or day <= period.end)


#: Which periods count: those in force on all days that the service may be on, else on some of them.
_QUESTIONS: Final = ((_holds_throughout, None), (_holds_at_times, CoverageProblem.UNSURE_DAY))


def _of_plan(
    settled: PayerChoice, periods: Sequence[CoveragePeriod], payers: PayerDirectory, problem: CoverageProblem | None
) -> PayerChoice:
    """Return the choice under the one plan of some periods, that which the Coverage names before any other."""
    named = [period for period in periods if period.plan == settled.payer.id]
    plans = {period.plan for period in named or periods}
    if len(plans) > 1:
        return settled._replace(problem=CoverageProblem.NO_COVERAGE)
    payer = _find(payers, plans.pop())
    if payer is None or settled.coverage is None:  # rules that were changed since the members were loaded
        return settled._replace(problem=CoverageProblem.LOOK_UP_FAILED)
    gave_way = settled.problem if settled.problem is CoverageProblem.GAVE_WAY else None
    period = max(named or periods, key=lambda one: one.end or date.max)
    return settled._replace(coverage=_dated(settled.coverage, period), payer=payer, problem=problem or gave_way)


def _dated(coverage: Coverage, period: CoveragePeriod) -> Coverage:
    starts = period.start.isoformat() if period.start else None
    ends = period.end.isoformat() if period.end else None
    if (coverage.starts, coverage.ends, coverage.status) == (starts, ends, "active"):
        return coverage
    return replace(coverage, starts=starts, ends=ends, status="active")


def _find(payers: PayerDirectory, plan: str) -> Payer | None:
    return next((payer for payer in payers.payers if payer.id == plan), None)


def describe_member(member: Member) -> str:
    """Return a member as a step of an explanation shows it: its id, never a name or a birth date."""
    held = "; ".join(_describe_period(period) for period in member.periods)
    return f"member {member.id.value} ({member.id.system or 'no system'}): {held or 'no coverage'}"


def _describe_period(period: CoveragePeriod) -> str:
    line = f", {period.line}" if period.line else ""
    begins = f" from {period.start}" if period.start else ""
    ends = f"to {period.end}" if period.end else "until further notice"
    return f"{period.plan}{line}{begins} {ends}"
