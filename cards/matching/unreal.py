"""Whether an order is really taken back, or only might be, must not be, or once was.

"Cancel if sugar is over 300", "[delete if not used]", "void after 180 days", "do not cancel this" and "finished a
series in 2022" leave an order as it is.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

#: What is done at once where it is told; with "not" before it, it must not be.
_DOING: Final = frozenset(
    (
        *("cancel", "canceling", "cancelling", "cxl", "cx", "delete", "remove", "void", "stop", "hold", "discontinue"),
        *("drop", "pull", "close", "postpone", "delay", "reschedule", "skip", "dc", "d/c", "scrap"),
        *("decline", "refuse", "withdraw"),
    )
)
_NOT: Final = frozenset({"not", "dont", "never", "no"})
#: Kinds of words that are still to come wherever their sentence begins with a condition.
_FORESEEN: Final = frozenset({"verb", "state", "movement", "switch"})
_IF: Final = frozenset({"if", "si", "unless"})
#: Under a condition of these the order may be one too many.
_DOUBLED: Final = frozenset({"already", "duplicate", "dup", "done", "possible", "ok", "okay", "able", "you", "we"})
#: What is under a condition follows a verb so near.
_CONDITION: Final = 2
_UNTIL: Final = frozenset({"until", "til", "till", "once", "hasta", "when"})
_ENDED: Final = frozenset({"done", "complete", "completed", "finished", "over"})
_NEAR: Final = 4

#: How long something holds: "void after 180 days", "expires in 90 days".
_LASTING: Final = frozenset({"after", "in", "within"})
_UNITS: Final = frozenset(
    {"d", "day", "days", "wk", "wks", "week", "weeks", "mo", "mos", "month", "months", "h", "hrs"}
)
_ENDING: Final = frozenset({"void", "expires", "expired", "invalid", "closes", "close", "delete", "removed", "remove"})
#: What was so then and not now: "didn't want it at first", "wrong side got marked last time".
_BEFORE_NOW: Final = frozenset((("at", "first"), ("last", "time"), ("last", "visit"), ("last", "session")))
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
#: A year stands behind what happened in it within so many words: "stop the series in 2021".
_YEAR_NEAR: Final = 5


def is_unreal(said: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell that words take nothing back by themselves; `before` and `after` are those of their sentence."""
    return (
        _is_forbidden(said, before)
        or _is_conditional(said, after)
        or _is_awaited(said, before)
        or _is_supposed(said, before)
        or _is_of_its_term(said, after)
        or any(pair in _BEFORE_NOW for pair in pairwise(after[:_YEAR_NEAR]))
    )


def is_foreseen(kind: str, before: Sequence[str]) -> bool:
    """Tell that something is only foreseen: "if no better after 3, will stop"."""
    return before[0] in _IF and kind in _FORESEEN


def is_of_a_past_year(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell that something happened in a year that is told: "declined in 2021", "2022: backed out"."""
    near = (*before[-2:], *after[:_YEAR_NEAR])
    return any(_YEAR.fullmatch(word) for word in near)


def _is_forbidden(said: Sequence[str], before: Sequence[str]) -> bool:
    """Tell that something must not be done: "do not cancel this", "please don't discontinue"."""
    return said[0] in _DOING and bool(before) and before[-1] in _NOT


def _is_conditional(said: Sequence[str], after: Sequence[str]) -> bool:
    """Tell that something is to be done if ...: "cancel if sugar over 300"; not "cancel if already done"."""
    at = next((at for at, word in enumerate(after[:_CONDITION]) if word == "if"), None)
    if said[0] not in _DOING or at is None:
        return False
    return _DOUBLED.isdisjoint(after[at + 1 : at + 1 + _NEAR])


def _is_supposed(said: Sequence[str], before: Sequence[str]) -> bool:
    """Tell that something is only supposed: "if she cannot come give the slot away", "will reschedule only if"."""
    if said[0] == "only":
        return bool(before) and before[-1] in _DOING and "will" in before
    return bool(before) and before[0] in _IF and "," not in before


def _is_awaited(said: Sequence[str], before: Sequence[str]) -> bool:
    """Tell that an end is still to come: "keep open until all 3 done"."""
    if _ENDED.isdisjoint(said[-1:]):
        return False
    near = before[-_NEAR:]
    return any(word in _UNTIL for word in near) and "hold" not in before and "not" not in before


def _is_of_its_term(said: Sequence[str], after: Sequence[str]) -> bool:
    """Tell that only its term is told: "void after 180 days"."""
    if _ENDING.isdisjoint(said) or len(after) < 3 or after[0] not in _LASTING:
        return False
    return after[1][0].isdigit() and after[2] in _UNITS
