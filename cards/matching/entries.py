"""What was written when: dated entries of a note that was copied forward, notes with a time. The later one counts."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cards.matching.lazy import lazy
from cards.matching.tokens import Tokens

#: A date: 3/2, 3/2/26, 03/02/2026, 2026-03-02. It begins an entry where a line or a sentence begins.
_DATE: Final = re.compile(r"[0-9]{1,4}(?:/[0-9]{1,2}(?:/[0-9]{2}(?:[0-9]{2})?)?|-[0-9]{2}-[0-9]{2})(?![0-9/-])")
_BEFORE_DATE: Final = 5
_BEGINNING: Final = ("\n", ".", ";", "]", "|")

#: Dates without a year that lie farther apart than so many months may be of two years: their order is that of the text.
_HALF_A_YEAR: Final = 6

#: The characters of a FHIR date.
_DAY_LENGTH: Final = 10


class _Entry(NamedTuple):
    first: int
    year: int
    month: int
    day: int


class Entries:
    """The dated entries of a text, of which some say that the order stands (`reinstated`, as tokens).

    Some of these, the `renewals`, answer what the same entry says before them: "on hold ... hold released".
    """

    def __init__(self, tokens: Tokens, reinstated: Sequence[int], renewals: Sequence[int] = ()) -> None:
        self._tokens = tokens
        self._reinstated = reinstated
        self._renewals = renewals

    def is_overtaken(self, token: int) -> bool:
        """Tell whether what stands at a token is said before, or of an older entry than, what renews the order."""
        if not self._reinstated:
            return False
        if len(self._entries) < 2:
            return bool(self._renewals) and self._renewals[-1] > token
        own = self._number(token)
        if self._last_renewals.get(own, -1) > token:
            return True
        return own is not None and self._latest_reinstated > own

    @lazy
    def _last_renewals(self) -> Mapping[int | None, int]:
        """The last renewal in each entry."""
        return {self._number(at): at for at in self._renewals}

    @lazy
    def _latest_reinstated(self) -> int:
        return max(self._number(at) or 0 for at in self._reinstated)

    def _number(self, token: int) -> int | None:
        """Return which entry, in the order of time, a token stands in."""
        position = bisect_right(self._firsts, token) - 1
        return None if position < 0 else self._by_time[position]

    @lazy
    def _entries(self) -> Sequence[_Entry]:
        return [
            _Entry(self._tokens.at(found.start()), *_read_date(found.group()))
            for found in _DATE.finditer(self._tokens.text)
            if self._begins_entry(found.start())
        ]

    def _begins_entry(self, start: int) -> bool:
        """Tell that a line or a sentence begins before a date, but for a bracket."""
        before = self._tokens.text[max(0, start - _BEFORE_DATE) : start].removesuffix("[").rstrip(" \t")
        return before.endswith(_BEGINNING) or (not before and start < _BEFORE_DATE)

    @lazy
    def _firsts(self) -> Sequence[int]:
        return [entry.first for entry in self._entries]

    @lazy
    def _by_time(self) -> Sequence[int]:
        """For each entry in the order of the text its place in the order of time."""
        entries = self._entries
        months = [entry.month for entry in entries]
        known = len({bool(entry.year) for entry in entries}) == 1
        if not known or (not entries[0].year and max(months) - min(months) >= _HALF_A_YEAR):
            return range(len(entries))
        times = sorted({(entry.year % 100, entry.month, entry.day) for entry in entries})
        return [times.index((entry.year % 100, entry.month, entry.day)) for entry in entries]


def _read_date(text: str) -> tuple[int, int, int]:
    """Return year, month and day; a year that is not told is 0."""
    first, *others = (int(part) for part in text.replace("/", "-").split("-"))
    if "-" in text:
        return first, others[0], others[1]
    return (others[1] if len(others) > 1 else 0), first, others[0]


def is_before(one: str, other: str) -> bool:
    """Tell whether a FHIR dateTime is surely before another; of two of one day without a time that is not known."""
    try:
        instants = [datetime.fromisoformat(time) for time in (one, other)]
    except ValueError:
        instants = []
    if instants and all(instant.tzinfo for instant in instants):
        return instants[0] < instants[1]
    known = min(len(one), len(other), _DAY_LENGTH)
    return one[:known] < other[:known]
