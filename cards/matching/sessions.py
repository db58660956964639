"""Which session of a course, and which side, an order is for; that another one is done says nothing against it."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cards.matching.tokens import Tokens
from cards.word_kinds import WithdrawalWords

#: How a session is numbered, and what its number stands beside.
_ORDINAL: Final = re.compile(r"([1-9]|1[0-2])(st|nd|rd|th)?")
_NUMBERED: Final = re.compile(r"#\s?([1-9]|1[0-2])\b")
_NAMED_SESSION: Final = re.compile(
    r"""[#]\s?([1-9]|1[0-2])\b
    |\b(?:session|visit|visita|sesi[o\xf3]n|tx|treatment|injection|round)\s[#]?([1-9]|1[0-2])\b
    |\b([1-9]|1[0-2])(?:st|nd|rd|th)?\sof\s[1-9]
    |\b([1-9]|1[0-2])(?:st|nd|rd|th)\s(?:session|visit|tx|treatment|inj|injection|round)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SESSIONS: Final = frozenset(
    {"session", "sessions", "visit", "tx", "treatment", "inj", "injection", "round", "no", "number"}
)
#: "Left" and "right" are sides before a place of the body; "l", "r" and "lt" are by themselves.
_LONG_SIDE: Final = 4


class Ordered(NamedTuple):
    """What is ordered: the number of the session, and the words of the side that it is not for, where a name tells.

    That an earlier session is done, or that the other side is, says nothing against the order.
    """

    session: int = 0
    other_side: frozenset[str] = frozenset()


class Sides:
    """Tells which side is meant; `places` are those that a side may stand before."""

    def __init__(self, words: WithdrawalWords, places: Iterable[str]) -> None:
        self._words = words
        self._places = frozenset((*places, "side", "one", "is", "was", "done", "finished"))

    def read_ordered(self, name: str, words: Iterable[str]) -> Ordered:
        """Return which session, of which side, a name orders."""
        found = _NAMED_SESSION.search(name)
        kinds = (self._words.left, self._words.right)
        sides = [not kind.isdisjoint(words) for kind in kinds]
        other = kinds[sides.index(False)] if sides.count(True) == 1 else frozenset()
        return Ordered(int(next(filter(None, found.groups()))) if found else 0, other)

    @staticmethod
    def read_last_session(note: str) -> int:
        """Return the last session that a note numbers ("#1 done, #2 of 4"), or 0."""
        return max((int(number) for number in _NUMBERED.findall(note)), default=0)

    def is_of_other(self, words: Sequence[str], ordered: Ordered) -> bool:
        """Tell that a clause speaks of the other side alone: of an order for the left knee "right knee is done".

        "Right now", "left a message", and what befell the other side ("right hip surgery, on hold") are not of it.
        """
        if not any(
            word in ordered.other_side and (len(word) < _LONG_SIDE or following in self._places or before == "the")
            for before, word, following in zip(("", *words), words, (*words[1:], ""), strict=False)
        ):
            return False
        own = self._words.left if ordered.other_side is self._words.right else self._words.right
        return own.isdisjoint(words) and self._words.bystanders.events.isdisjoint(words)


def session_before(tokens: Tokens, index: int) -> int:
    """Return the number of the session before a token, or 0: "#1 done", "session 2 done", "2nd visit done"."""
    if index and tokens.words[index - 1] in _SESSIONS:
        index -= 1
    found = _ORDINAL.fullmatch(tokens.words[index - 1]) if index else None
    if not found:
        return 0
    is_told = found[2] or tokens.sign_before(index - 1) == "#"
    return int(found[1]) if is_told or (index > 1 and tokens.words[index - 2] in _SESSIONS) else 0
