"""A service that was talked about and then agreed to: "discussed prolotherapy, pt wishes to proceed"."""

from collections.abc import Collection, Sequence
from typing import Final

from cards.matching.phrases import PhraseFinder
from cards.matching.plainness import PlainWords
from cards.matching.sentence_ends import STOP
from cards.matching.tokens import Tokens
from cards.vocabulary import Cue, Vocabulary

#: What is agreed to stands at most so many tokens before the words that agree, over so many ends of sentences.
_FARTHEST: Final = 14
_MOST_STOPS: Final = 1

#: What may stand between, besides plain words: who agrees, and the talk itself.
_BETWEEN: Final = frozenset(
    (
        *(",", STOP, "pt", "patient", "he", "she", "they", "we", "i", "and", "is", "was", "who", "family", "parents"),
        *("risks", "benefits", "alternatives", "options", "length", "detail", "reviewed", "discussed", "explained"),
        *("all", "questions", "answered", "understands", "verbalizes", "understanding", "paciente", "consented"),
    )
)
#: What may follow: nothing, or when and how it is done.
_AFTER: Final = frozenset({",", STOP, "today", "now", "this", "and", "at", "in", "on", "next", "asap", "w", "r", "l"})
#: Behind these the thing that is agreed to would be another one.
_WITH: Final = frozenset({"w", "and"})


class AgreementFinder:
    """Finds where a text agrees to what it talked about."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._phrases = PhraseFinder((phrase, None) for phrase in vocabulary.agreements)
        self._talk = frozenset(vocabulary.talk)

    def is_of_talk(self, cues: Sequence[Cue]) -> bool:
        """Tell that all cues at a service say that it was talked about before it was agreed to."""
        return bool(cues) and all(cue.phrase in self._talk for cue in cues)

    def follows(self, tokens: Tokens, end: int, plain: PlainWords, names: Collection[str]) -> bool:
        """Tell that words that agree follow a service that ends before a token, and nothing else is named between."""
        return any(
            end <= hit.first <= end + _FARTHEST
            and self._is_plain_between(tokens.words[end : hit.first], plain)
            and self._ends(tokens.words[hit.end : hit.end + 2], names)
            for hit in self._phrases.find_in(tokens)
        )

    @staticmethod
    def _is_plain_between(words: Sequence[str], plain: PlainWords) -> bool:
        return words.count(STOP) <= _MOST_STOPS and plain.are_plain(word for word in words if word not in _BETWEEN)

    @staticmethod
    def _ends(words: Sequence[str], names: Collection[str]) -> bool:
        if not words or words[0].isdigit() or words[0] in names:
            return True
        if words[0] in _WITH:
            return len(words) > 1 and (words[1] in names or words[1] in ("was", "is", "scheduled", "wants"))
        return words[0] in _AFTER
