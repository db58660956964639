"""Whether words that say that an order stands do so: not under a condition, not in the future, of nothing else."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import takewhile
from operator import attrgetter
from typing import Final

from cards.matching.phrases import Hit
from cards.matching.sentences import is_empty_box
from cards.matching.tokens import Tokens
from cards.word_kinds import WithdrawalWords

#: A renewal under a condition is none; the words of a condition stand so near it.
_CONDITIONS_BEFORE: Final = 5
_CONDITIONS_AFTER: Final = 3
_NEGATED: Final = 2
_BOX: Final = 2

#: What is said with these of the future has not happened: "RN will reactivate order", "Dr Lee to release".
_BRINGING_BACK: Final = frozenset(
    ("lift", "reactivate", "reinstate", "release", "remove", "reopen", "resume", "restore", "un")
)
#: Behind a service that is chosen these leave it open again.
_LEFT_OPEN: Final = frozenset(
    ("later", "someday", "eventually", "future", "maybe", "possibly", "vs", "versus", "or", "?")
)
_FUTURE: Final = frozenset(("will", "shall", "ll", "can", "may", "should"))
_WILLING: Final = frozenset(
    ("ok", "okay", "asked", "asks", "wants", "agreed", "agrees", "clear", "cleared", "ready", "like")
)


class Renewals:
    """Judges what renews an order; `others` are the words for other things."""

    def __init__(self, words: WithdrawalWords, others: frozenset[str]) -> None:
        self._words = words
        self._others = others

    def hold(self, hit: Hit[str], tokens: Tokens) -> bool:
        """Tell that a hit says that the order stands: under no condition, and of no other thing."""
        begin, stop = tokens.clause_range(hit.first)
        if is_empty_box(tokens.words[begin : begin + _BOX]):
            return False
        before = tokens.words[max(begin, hit.first - _CONDITIONS_BEFORE) : hit.first]
        after = tokens.words[hit.end : min(stop, hit.end + _CONDITIONS_AFTER)]
        if not self._words.conditions.isdisjoint((*before, *after)):
            return False
        is_choice = self._names_service(hit, tokens)  # "she refused and chooses prolotherapy"
        if not self._words.negations.isdisjoint((*before[-1 if is_choice else -_NEGATED :], *after)):
            return False
        if is_choice and not _LEFT_OPEN.isdisjoint(after):
            return False
        if tokens.words[hit.first] in _BRINGING_BACK and _is_to_come(before):
            return False
        said = after[: after.index(",")] if "," in after else after
        return self._others.isdisjoint((*before[-1:], *said))

    def choose_instead(self, hit: Hit[str], renewing: Sequence[Hit[str]], tokens: Tokens) -> bool:
        """Tell that what is declined is not the service: the same clause goes on "and chooses prolotherapy"."""
        if self._words.negations.isdisjoint(tokens.words[hit.first : hit.end]):
            return False
        end = tokens.clause_near(hit.first)[1]
        later = renewing[bisect_right(renewing, hit.first, key=attrgetter("first")) :]
        return any(self._names_service(one, tokens) for one in takewhile(lambda one: one.first < end, later))

    def _names_service(self, hit: Hit[str], tokens: Tokens) -> bool:
        """Tell that a hit ends with what is ordered: "prefers prolotherapy"."""
        return tokens.words[hit.end - 1] in self._words.objects


def _is_to_come(before: Sequence[str]) -> bool:
    """Tell that the words before a verb put it into the future: "will", "Dr Lee to"; not "ok to"."""
    if not _FUTURE.isdisjoint(before[-_NEGATED:]):
        return True
    return before[-1:] == ["to"] and _WILLING.isdisjoint(before[-2:-1])
