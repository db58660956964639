"""The dated entries of a note that was copied forward: what a later one says of the order overtakes an earlier one."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from cards.matching.lazy import lazy
from cards.matching.tokens import Tokens

#: A date where a line or a sentence begins: 3/2, 3/2/26, 03/02/2026, 2026-03-02.
_DATED: Final = re.compile(
    r"(?:^|(?<=[\n.;\]|]))[ \t]{0,4}\[?(?:(\d{1,2})/(\d{1,2})(?:/(\d{2}|\d{4}))?|(\d{4})-(\d\d)-(\d\d))(?![\d/-])"
)
#: Dates without a year that lie farther apart than so many months may be of two years: their order is that of the text.
_HALF_A_YEAR: Final = 6


class _Entry(NamedTuple):
    first: int
    year: int
    month: int
    day: int


class Entries:
    """The dated entries of a text, of which some say that the order stands (`reinstated`, as tokens)."""

    def __init__(self, tokens: Tokens, reinstated: Sequence[int]) -> None:
        self._tokens = tokens
        self._reinstated = reinstated

    def is_overtaken(self, token: int) -> bool:
        """Tell whether what stands at a token is of an entry older than one that says that the order stands."""
        if not self._reinstated or len(self._entries) < 2:
            return False
        own = self._number(token)
        return own is not None and any((self._number(at) or 0) > own for at in self._reinstated)

    def _number(self, token: int) -> int | None:
        """Return which entry, in the order of time, a token stands in."""
        position = bisect_right(self._firsts, token) - 1
        return None if position < 0 else self._by_time[position]

    @lazy
    def _entries(self) -> Sequence[_Entry]:
        return [
            _Entry(
                self._tokens.at(found.start(1) if found[1] else found.start(4)),
                *(int(part or 0) for part in ((found[3], found[1], found[2]) if found[1] else found.group(4, 5, 6))),
            )
            for found in _DATED.finditer(self._tokens.text)
        ]

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
