"""What stands behind the service and its place in an order's name: more about the order, or another thing?

"Prolotherapy R knee, pt pref AM" orders the service though "pref" is not a word of the lists; "Prolotherapy R knee,
consent" does not. So words that are not known are passed over only behind a known place and a comma, a dash or a
bracket, beside more words that are known, and never where a word names another thing. What stands right before a place
("retrodiscal capsule") tells which, or where it is, and needs no sign before it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from cards.matching.plainness import PlainWords, is_number, words_of_others
from cards.matching.unknown_sites import UnknownSites
from cards.vocabulary import Vocabulary

#: These part a name; so do the words behind which something is told of the order.
_SEPARATORS: Final = frozenset(",()[]:?")
_STARTERS: Final = frozenset({"w", "with", "for", "per", "pt", "patient", "and", "because", "due"})

#: Words between treatments that were tried.
_LINKS: Final = frozenset(
    (
        *(",", "and", "or", "x", "w", "with", "to", "of", "a", "an", "all", "other", "prior", "multiple", "several"),
        *("2", "3", "one", "two", "three", "course", "courses", "round", "rounds", "trial", "trials"),
        *("shot", "shots", "series"),
    )
)
#: A remark in a name begins with one of these, and has one of those.
_REMARKING: Final = frozenset(
    (
        *("phone", "verbal", "telephone", "faxed", "order", "ordered", "entered", "sent", "called", "message", "msg"),
        *("per", "from", "via", "at", "by", "same", "see", "pls", "please", "as", "rcvd", "received", "relayed"),
    )
)
_RELATING: Final = frozenset({"from", "by", "per", "via", "at", "to", "as", "with", "w", "on", "in"})
_SHORTEST_REMARK: Final = 3
_LONGEST_RUN: Final = 12

#: Shorter words of places may be a side, or many things.
_SHORTEST_PART: Final = 4
_LEVEL: Final = re.compile(r"[clts]\d{1,2}")


class NameTails:
    """Tells of the words behind a service's name; `names` are the words that name a service."""

    def __init__(self, vocabulary: Vocabulary, plain: PlainWords, names: Iterable[str]) -> None:
        self._plain = plain
        self._names = frozenset(names)
        self._openers = frozenset(vocabulary.past_openers)
        treatments = (word for phrase in vocabulary.other_treatments for word in phrase.split())
        self._tried = vocabulary.withdrawals.others | frozenset(treatments) | frozenset(vocabulary.past_treatments)
        self._places = frozenset(vocabulary.place_words)
        self._parts = frozenset(word for word in vocabulary.place_words if len(word) >= _SHORTEST_PART)
        self._things = frozenset(vocabulary.other_things)
        others = vocabulary.make_once("words of others", lambda: words_of_others(vocabulary))
        self._others: frozenset[str] = others.union(vocabulary.past_treatments)
        self._sites = UnknownSites(vocabulary, plain, self._others)

    def find_past(self, words: Sequence[str], *, is_name: bool) -> frozenset[int]:
        """Return which words say what was tried instead: "failed PT and bracing".

        In a name only those behind the service's count.
        """
        first = next((at for at, word in enumerate(words) if word in self._names), len(words)) if is_name else 0
        found: set[int] = set()
        for place in [at for at, word in enumerate(words) if word in self._openers]:
            if place >= first and place not in found:
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

    def tell_of_order(self, before: Sequence[str], after: Sequence[str], *, is_name: bool = False) -> bool:
        """Tell whether the words behind a service's name say no more than how, why and when it is done."""
        core, *parts = _part(after)
        if is_name and self._sites.begin(core):
            return all(self._is_passed_over(part) for part in parts)
        if not self._is_known(core):
            return False
        placed = core or (parts[0] if after[:1] == [","] else ())  # "Prolo - SIJ + ILL bilat"
        return self.have_place((*before, *placed)) and all(self._is_passed_over(part) for part in parts)

    def have_place(self, words: Iterable[str]) -> bool:
        """Tell whether a word is one of a place of the body."""
        return not self._places.isdisjoint(words)

    def _is_known(self, words: Sequence[str]) -> bool:
        """Tell whether words are plain, but for some that tell more of a place; those are fewer than the plain ones."""
        known = [word for place, word in enumerate(words) if not self._tells_of_place(words, place)]
        is_told = 2 * len(known) > len(words)
        return (is_told and self._plain.are_plain(known, before_a_name=True, forgiving=True)) or not words

    def _tells_of_place(self, words: Sequence[str], place: int) -> bool:
        """Tell whether a word that is not plain stands right before one of a place, and names no other thing."""
        word, following = words[place], words[place + 1 : place + 2]
        is_before = bool(following) and (following[0] in self._parts or bool(_LEVEL.fullmatch(following[0])))
        return is_before and word not in self._others and not self._plain.are_plain((word,), forgiving=True)

    def _is_passed_over(self, part: Sequence[str]) -> bool:
        said = [word for word in part if word not in _STARTERS and not self._is_number(word)]
        if "pt" in part and not said:  # "PT 2x": physical therapy, not the patient
            return False
        if self._is_remark(part):
            return True
        unknown = [word for word in said if not self._plain.are_plain((word,), forgiving=True)]
        if not unknown or self._is_known(part):
            return True
        return self._things.isdisjoint(unknown) and 2 * len(unknown) <= len(said) - (len(said) < 3)

    def _is_remark(self, part: Sequence[str]) -> bool:
        """Tell that a part says who ordered it, from where or how: "phone order from partner", "sent by fax"."""
        is_sentence = len(part) >= _SHORTEST_REMARK and not _RELATING.isdisjoint(part[1:])
        return is_sentence and part[0] in _REMARKING

    def _is_number(self, word: str) -> bool:
        """Tell whether a word is a number, but no code of a procedure."""
        return is_number(word) and self._plain.are_plain((word,))


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
