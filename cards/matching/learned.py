"""A second reading of the words beside a service's name, learned from labelled orders: is it ordered, does it stand?

Logistic regressions over the features of an order (cards/matching/features.py). Their weights are data, made by
`python -m tests.order_texts.training`; what they may change of an answer is in cards/matching/second_reading.py.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cards.elements import Place
from cards.matching.features import FeatureReader, Words
from cards.matching.lazy import lazy
from cards.word_kinds import LearnedWeights, LearnedWords

#: Of each question so many features are told, and of what is there whatever an order says none.
_TOLD: Final = 5
_OF_A_FORM: Final = ("text: ", "length: ", "in: ", "named in: ")
_NAMED_OR_NOT: Final = frozenset({"named", "unnamed"})

#: The sum of the weights of a sentence that speaks against an order by itself.
_AGAINST: Final = -3.0

#: Which text of an order, the first of some tokens of it, and the one behind the last.
Tokens = tuple[int, int, int]


class Weighed(NamedTuple):
    """A feature of an order and its share of the sum that makes something likely, below 0 against it."""

    feature: str
    share: float


class LearnedReading:
    """How likely a service that an order names is ordered, and the like, from 0 to 1; worked out when asked for."""

    def __init__(self, words: LearnedWords, reader: FeatureReader, texts: Sequence[Words]) -> None:
        self._words = words
        self._reader = reader
        self._texts = texts
        #: From where on it overrules the rules.
        self.limits = words.limits

    @lazy
    def ordered(self) -> float:
        """How likely the service is what the order is for."""
        return _likelihood(self._words.ordered, self._features)

    @lazy
    def stands(self) -> float:
        """How likely an order for it stands."""
        return _likelihood(self._words.stands, self._features)

    @lazy
    def concerns(self) -> float:
        """How likely the order is for the service or asked about it, and does not only mention it."""
        return _likelihood(self._words.concerns, self._features)

    @lazy
    def told(self) -> int:
        """How many words the order tells beside its names."""
        texts = (text for text in self._texts if not text.is_name and text.place is not Place.SITE)
        return sum(word[0].isalnum() for text in texts for word in text.words)

    @lazy
    def _features(self) -> frozenset[str]:
        return self._reader.read(self._texts)

    def find_withdrawal(self) -> Tokens | None:
        """Return the sentence that speaks most against an order that may not stand.

        None where none does by itself: then it is no sentence that a person could be shown as the reason.
        """
        return self._find_against(self._words.stands, range(len(self._texts)), _AGAINST)

    def find_question(self) -> Tokens | None:
        """Return the sentence beside the names that speaks most against what they order; None where none does."""
        told = [number for number, text in enumerate(self._texts) if not text.is_name]
        return self._find_against(self._words.ordered, told, 0.0)

    def _find_against(self, weights: LearnedWeights, texts: Iterable[int], highest: float) -> Tokens | None:
        """Return the sentence of some texts whose weights sum up to the least, if to no more than `highest`."""
        said = [
            (self._weigh(weights, sentence.kinds), number, sentence.first, sentence.end)
            for number in texts
            for sentence in self._reader.sentences(self._texts[number])
        ]
        least = min(said, default=None)
        return least[1:] if least and least[0] <= highest else None

    def _weigh(self, weights: LearnedWeights, kinds: Sequence[str]) -> float:
        return sum(weights.weights.get(feature, 0.0) for feature in set(self._reader.of_sentence(kinds)))

    def explain(self) -> Mapping[str, tuple[float, Sequence[Weighed]]]:
        """Return for each question how likely its answer is yes, and the few features that weigh most."""
        words = self._words
        questions = {"ordered": words.ordered, "stands": words.stands, "concerned": words.concerns}
        return {
            question: (_likelihood(weights, self._features), _heaviest(_shares(weights, self._features)))
            for question, weights in questions.items()
        }


def _likelihood(weights: LearnedWeights, features: Collection[str]) -> float:
    """Return the logistic function of the weighed features; all that are known count the same, as a unit vector."""
    known = [weights.weights[feature] for feature in features if feature in weights.weights]
    return 1 / (1 + math.exp(-weights.intercept - math.fsum(known) / (math.sqrt(len(known)) or 1.0)))


def _shares(weights: LearnedWeights, features: Iterable[str]) -> Sequence[Weighed]:
    known = [feature for feature in features if feature in weights.weights]
    length = math.sqrt(len(known)) or 1.0
    return [Weighed(feature, weights.weights[feature] / length) for feature in known]


def _heaviest(shares: Iterable[Weighed]) -> Sequence[Weighed]:
    said = [one for one in shares if _says_something(one.feature)]
    return sorted(said, key=lambda one: (-abs(one.share), one.feature))[:_TOLD]


def _says_something(feature: str) -> bool:
    """Tell that a feature has a word of the order in it, not only a kind, a sign or a form: "same: went with"."""
    if feature in _NAMED_OR_NOT or feature.startswith(_OF_A_FORM):
        return False
    return any(word.isalpha() and word.islower() for word in feature.rpartition(": ")[2].split())
