"""What stands behind a service's name and says nothing of what is ordered: until when, and how other things stand.

"Prolotherapy R knee, not before 4/1", "on Eliquis", "labs ok": no list has all such phrases, but their words have few
forms.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

#: Words that lead to a day, in a row of which one is a preposition.
_LEADING: Final = frozenset(
    ("not", "no", "must", "be", "needs", "done", "sooner", "later", "earlier", "than", "or", "on", "any", "time")
)
_PREPOSITIONS: Final = frozenset(
    {"before", "after", "by", "until", "til", "till", "in", "on", "thru", "through", "next", "this"}
)
_LONGEST_LEAD: Final = 5

#: A day, but no year: what was in 2019 is history.
_NUMBER: Final = re.compile(r"[0-9]{1,2}(?:st|nd|rd|th)?")
_MONTHS: Final = frozenset(
    (
        *("jan", "january", "feb", "february", "mar", "march", "apr", "april", "may", "jun", "june", "jul", "july"),
        *("aug", "august", "sep", "sept", "september", "oct", "october", "nov", "november", "dec", "december"),
    )
)
_SEASONS: Final = frozenset(
    (
        *("camp", "season", "deployment", "vacation", "travel", "trip", "holidays", "holiday", "summer", "fall"),
        *("winter", "spring", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "pcs"),
        *("mon", "tue", "tues", "wed", "weds", "thu", "thur", "thurs", "fri", "sat", "sun", "week", "month", "wk"),
        *("graduation", "wedding", "tournament", "marathon", "race"),
    )
)

#: Another thing stands behind these, or before those.
_TAKING: Final = frozenset({"on", "off", "taking", "takes"})
_STANDING: Final = frozenset(
    (
        *("ok", "okay", "neg", "negative", "normal", "wnl", "reviewed", "stable", "obtained", "signed", "cleared"),
        *("current", "completed", "complete", "done", "held", "contraindicated", "ineffective", "declined"),
    )
)
_SIGNS: Final = frozenset(",([")

#: Without one of these there is none.
_OPENING: Final = _PREPOSITIONS | _TAKING | _SIGNS


def find_asides(words: Sequence[str], things: Collection[str]) -> frozenset[int]:
    """Return which words say until when something is to be done, or how things other than the order stand."""
    if _OPENING.isdisjoint(words):
        return frozenset()
    found: set[int] = set()
    at = 0
    while at < len(words):
        end = _end_of_bound(words, at) or _end_of_thing(words, at, things)
        found.update(range(at, end))
        at = max(at + 1, end)
    return frozenset(found)


def _end_of_bound(words: Sequence[str], start: int) -> int:
    """Return where a bound in time ends that begins at a word, or 0: "not before 4/1", "in May"."""
    end, has_preposition = start, False
    while end < len(words) and end - start < _LONGEST_LEAD and words[end] in (_LEADING | _PREPOSITIONS):
        has_preposition = has_preposition or words[end] in _PREPOSITIONS
        end += 1
    begin = end
    while end < len(words) and end - begin < 3 and (_NUMBER.fullmatch(words[end]) or words[end] in _MONTHS):
        end += 1
    if begin == end and words[end : end + 1] and words[end] in _SEASONS:
        end += 1
    return end if has_preposition and end > begin else 0


def _end_of_thing(words: Sequence[str], start: int, things: Collection[str]) -> int:
    """Return where words on another thing end, or 0: "on Eliquis", and behind a sign "labs ok"."""
    following = words[start + 1 : start + 3]
    if words[start] in _TAKING and following and following[0] in things:
        return start + 2 + (len(following) > 1 and following[1] in things)
    if words[start] in _SIGNS and len(following) > 1 and following[0] in things and following[1] in _STANDING:
        return start + 3
    return 0
