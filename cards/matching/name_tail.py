"""What stands behind the service and its place in an order's name: more about the order, or another thing?

"Prolotherapy R knee, pt pref AM" orders the service though "pref" is not a word of the lists; "Prolotherapy R knee,
consent" does not. So words that are not known are passed over only behind a known place and a comma, a dash or a
bracket, beside more words that are known, and never where a word names another thing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from cards.matching.plainness import PlainWords, is_number
from cards.vocabulary import Vocabulary

#: These part a name; so do the words behind which something is told of the order.
_SEPARATORS: Final = frozenset(",()[]:?")
_STARTERS: Final = frozenset({"w", "with", "for", "per", "pt", "patient", "and", "because", "due"})

#: Words between treatments that were tried.
_LINKS: Final = frozenset(
    {"and", ",", "or", "x", "w", "with", "to", "of", "a", "all", "other", "prior", "multiple", "2", "3"}
)
_LONGEST_RUN: Final = 12


class NameTails:
    """Tells of the words behind a service's name; `names` are the words that name a service."""

    def __init__(self, vocabulary: Vocabulary, plain: PlainWords, names: Iterable[str]) -> None:
        self._plain = plain
        self._names = frozenset(name for name in names if " " not in name)
        self._openers = frozenset(vocabulary.past_openers)
        treatments = (word for phrase in vocabulary.other_treatments for word in phrase.split())
        self._tried = vocabulary.withdrawals.others | frozenset(treatments) | frozenset(vocabulary.past_treatments)
        self._places = frozenset(vocabulary.place_words)
        self._things = frozenset(vocabulary.other_things)

    def find_past(self, words: Sequence[str]) -> frozenset[int]:
        """Return which words behind a service's name say what was tried instead: "failed PT and bracing"."""
        found: set[int] = set()
        is_named = False
        for place, word in enumerate(words):
            is_named = is_named or word in self._names
            if is_named and word in self._openers and place not in found:
                found.update(range(place, self._end_of_run(words, place + 1)))
        return frozenset(found)

    def _end_of_run(self, words: Sequence[str], start: int) -> int:
        """Return where a list of treatments ends that begins at a word; before it where there is none."""
        end = start - 1
        for place in range(start, min(len(words), start + _LONGEST_RUN)):
            word = words[place]
            if word in self._names:
                return start - 1
            if word in self._tried or (end == place and is_number(word)):
                end = place + 1
            elif word not in _LINKS and not is_number(word):
                break
        return end

    def tell_of_order(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Tell whether the words behind a service's name say no more than how, why and when it is done."""
        core, *parts = _part(after)
        are_plain = self._plain.are_plain
        if not parts or not are_plain(core, before_a_name=True, forgiving=True):
            return False
        has_place = not self._places.isdisjoint((*before, *core))
        return has_place and all(self._is_passed_over(part) for part in parts)

    def _is_passed_over(self, part: Sequence[str]) -> bool:
        said = [word for word in part if word not in _STARTERS and not is_number(word)]
        if "pt" in part and not said:  # "PT 2x": physical therapy, not the patient
            return False
        unknown = [word for word in said if not self._plain.are_plain((word,), forgiving=True)]
        if not unknown or self._plain.are_plain(part, before_a_name=True, forgiving=True):
            return True
        return self._things.isdisjoint(unknown) and 2 * len(unknown) < len(said)


def _part(words: Sequence[str]) -> Sequence[Sequence[str]]:
    """Return the parts of what stands behind a name: the first, before any sign or starter, may be empty."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word in _SEPARATORS:
            parts.append([])
        elif word in _STARTERS and len(parts) == 1:
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts
