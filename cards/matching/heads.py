"""What of plain words is ordered itself where it leads to a service's name, or makes another thing of the name.

"Patellar band" tells where it hurts behind "prolotherapy R knee"; "patellar band, prolotherapy R knee" is an order for
the band, "prolotherapy team" for no injection, and "swelling secondary to prolotherapy" is what came of it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cards.matching.cues import HarmlessPhrases
from cards.matching.phrases import Hit, PhraseFinder, variants
from cards.matching.tokens import Tokens
from cards.word_kinds import HeadWords

#: With this before the name one comes back for the service itself: "RTC 2 weeks for prolotherapy".
_FOR: Final = frozenset({"for", "para"})

#: With one of these, or a number, it is an earlier session that went well.
_SESSIONS: Final = frozenset({"first", "last", "prior", "previous", "initial", "1st", "2nd", "3rd", "repeat", "again"})
#: What is done again, behind "follow-up".
_DONE_AGAIN: Final = frozenset(
    ("inj", "injection", "injections", "session", "sessions", "series", "treatment", "treatments", "tx", "round")
)
#: Signs that part a name.
_SIGNS: Final = frozenset(",()[]:?")
#: Kinds of such words that are a visit.
_VISITS: Final = frozenset({"check", "return"})


class HeadsOfText(NamedTuple):
    """The words of one text that may be ordered themselves."""

    words: Sequence[str]
    hits: Sequence[Hit[str]]
    doing: frozenset[str]

    @property
    def name_another(self) -> bool:
        """Tell that a text that names no service orders such a thing, or a visit: "Knee pads", "RTC 2 weeks"."""
        kinds = {hit.value for hit in self.hits}
        return "head" in kinds or (not kinds.isdisjoint(_VISITS) and self.doing.isdisjoint(self.words))

    def reach(self, mention: tuple[int, int], clause: tuple[int, int], harmless: HarmlessPhrases) -> bool:
        """Tell that one of them leads to a mention, or stands behind it and makes it another thing.

        `harmless` are the phrases that say nothing before a name.
        """
        return any(self._reaches(hit, mention, clause, harmless) for hit in self.hits)

    def _reaches(
        self, hit: Hit[str], mention: tuple[int, int], clause: tuple[int, int], harmless: HarmlessPhrases
    ) -> bool:
        (first, end), (begin, stop) = mention, clause
        is_before = begin <= hit.first and hit.end <= first
        match hit.value:
            case "head":
                return is_before and not harmless.hold(hit.first, hit.end)
            case "return":
                return is_before and self.words[first - 1] not in _FOR
            case "check" if end <= hit.first < stop:
                return not self._is_said_besides(end, hit)
            case "check":
                return is_before and self.words[first - 1] not in _FOR
            case "outcome":
                return is_before and hit.end == first and self.doing.isdisjoint(self.words[begin:first])
            case "result":
                return end <= hit.first < stop and not self._is_numbered(begin, stop)
            case _:
                return hit.first == end

    def _is_said_besides(self, end: int, hit: Hit[str]) -> bool:
        """Tell that a visit afterwards goes with the service before it: "prolotherapy R knee, f/u 2 weeks"."""
        if not _DONE_AGAIN.isdisjoint(self.words[hit.end : hit.end + 1]):
            return True
        is_apart = not _SIGNS.isdisjoint(self.words[end : hit.first]) or self._is_numbered(end, hit.first)
        return is_apart and self._is_numbered(hit.end, hit.end + 3)

    def _is_numbered(self, first: int, end: int) -> bool:
        return any(word in _SESSIONS or word.isdigit() for word in self.words[first:end])


class HeadFinder:
    """Finds such words; `actions` are words by which a service is ordered: "start with prolotherapy"."""

    def __init__(self, words: HeadWords, actions: Sequence[str]) -> None:
        kinds = {
            "head": words.heads,
            "check": words.checks,
            "return": words.returns,
            "outcome": words.outcomes,
            "compound": words.compounds,
            "result": words.results,
        }
        self._phrases = PhraseFinder(
            (form, kind)
            for kind, phrases in kinds.items()
            for phrase in phrases
            for form in ((phrase,) if kind == "outcome" else variants(phrase))
        )
        self._doing = frozenset((*words.doing, *actions))

    def find_in(self, tokens: Tokens) -> HeadsOfText:
        """Return the words of a text that may be ordered themselves."""
        return HeadsOfText(tokens.words, list(self._phrases.find_in(tokens)), self._doing)
