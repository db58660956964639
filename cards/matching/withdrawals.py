"""What in an order's words takes the order back, puts it off, or says that it is over or another's.

A withdrawal is a verb and its object: "hold order" and "hold NSAIDs" are different things. A verb counts against the
order where its object, or the subject of "cancelled", is the order or nothing at all; what is done to a known other
thing is harmless; anything else is kept as a clause that was not understood. The words are in
cards/vocabulary/withdrawals.json.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from cards.matching.entries import Entries
from cards.matching.phrases import Hit, PhraseFinder
from cards.matching.tokens import Tokens
from cards.vocabulary import WithdrawalWords

#: Words on either side of the deciding ones that are quoted with them.
_QUOTED: Final = 25
#: The object of a verb stands within so many words of it.
_NEAR: Final = 4

#: Signs that say nothing, words between a verb and its object, and the signs of an empty box.
_SIGNS: Final = frozenset(",:[]()?@\u2022\u2611\u2612")
_DETERMINERS: Final = _SIGNS | {"the", "a", "an", "her", "his", "their", "my", "all", "any", "off", "out", "up"}
_EMPTY_BOXES: Final = (("[", "]"), ("(", ")"), ("\u2610",))


class Withdrawal(NamedTuple):
    """Words that speak against the order: their clause, as tokens, and whether they surely do."""

    first: int
    end: int
    is_sure: bool


class WithdrawalFinder:
    """Finds withdrawals in texts; `treatments` are those that an order can be changed to."""

    def __init__(self, words: WithdrawalWords, treatments: Iterable[str]) -> None:
        self._words = words
        kinds = {
            "statement": words.statements,
            "switch": words.switches,
            "verb": words.verbs,
            "state": words.states,
            "hint": words.hints,
            "harmless": words.harmless,
            "reinstatement": words.reinstatements,
        }
        self._phrases = PhraseFinder((phrase, kind) for kind, phrases in kinds.items() for phrase in phrases)
        named = frozenset(word for phrase in treatments for word in phrase.split())
        self._others = (words.others | named) - words.objects - words.subjects
        self._passing = words.subjects | _SIGNS

    def find_in(self, tokens: Tokens) -> Withdrawal | None:
        """Return the surest withdrawal in a text, of equals the first."""
        hits = _outermost(self._phrases.find_in(tokens))
        if not hits:
            return None
        entries = Entries(tokens, [hit.first for hit in hits if hit.value == "reinstatement"])
        found = None
        for hit in hits:
            if hit.value == "reinstatement" or (found and hit.value == "hint"):
                continue
            is_sure = None if entries.is_overtaken(hit.first) else self._judge(hit, tokens)
            if is_sure:
                return _quote(hit, tokens, is_sure=True)
            if is_sure is not None and found is None:
                found = _quote(hit, tokens, is_sure=False)
        return found

    def _judge(self, hit: Hit[str], tokens: Tokens) -> bool | None:
        """Tell whether a hit surely takes the order back; None where it speaks of something else."""
        begin, stop = tokens.clause_range(hit.first)
        words = tokens.words[begin:stop]
        if any(tuple(words[: len(box)]) == box for box in _EMPTY_BOXES):
            return None
        before, after = words[: hit.first - begin], words[hit.end - begin :]
        match hit.value:
            case "statement":
                return True
            case "switch":
                return (not self._others.isdisjoint(after[:12])) or None
            case "verb":
                return self._is_about_order(self._object(after) or self._subject(before))
            case "state" if hit.end - hit.first == 1 and (done := self._object(after)):
                return self._is_about_order(done)
            case "state":
                return self._is_about_order(self._subject(before))
            case _:
                return False if self._others.isdisjoint((*before[-_NEAR:], *after[:_NEAR])) else None

    def _is_about_order(self, words: Sequence[str]) -> bool | None:
        """Tell whether what is done is done to the order: to nothing that is named, or to one of its names."""
        if not self._others.isdisjoint(words):
            return None
        return not words or not self._words.objects.isdisjoint(words)

    def _object(self, after: Sequence[str]) -> Sequence[str]:
        named = [word for word in self._until_boundary(after) if word not in _DETERMINERS and not word[0].isdigit()]
        return named[:_NEAR]

    def _subject(self, before: Sequence[str]) -> Sequence[str]:
        if "," in before:
            before = before[len(before) - list(reversed(before)).index(",") :]
        named = [word for word in before if word not in self._passing and not word[0].isdigit()]
        return named[-_NEAR:]

    def _until_boundary(self, words: Sequence[str]) -> Iterator[str]:
        for word in words:
            if word in self._words.boundaries:
                return
            yield word


def _outermost(hits: Iterable[Hit[str]]) -> list[Hit[str]]:
    """Return the hits that lie in no longer one, without those that say nothing against the order.

    "Do not proceed" does not reinstate an order, and "no need to hold" does not put it off.
    """
    kept: list[Hit[str]] = []
    end = 0
    for hit in sorted(hits, key=lambda hit: (hit.first, -hit.end, hit.value != "harmless")):
        if hit.end > end:
            kept.append(hit)
            end = hit.end
    return [hit for hit in kept if hit.value != "harmless"]


def _quote(hit: Hit[str], tokens: Tokens, *, is_sure: bool) -> Withdrawal:
    begin, stop = tokens.clause_range(hit.first)
    return Withdrawal(max(begin, hit.first - _QUOTED), min(stop, hit.end + _QUOTED), is_sure)
