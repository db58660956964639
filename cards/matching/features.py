"""An order's words as features: what stands in its name, and near the mentions of a service.

A feature is a run of words with the place it was found in: "before: booked for" (right before the service), "same:
change the" (in its sentence). Words of a kind are read as that kind, in capitals: SERVICE, OTHER (another service,
treatment or thing), TALK (a consultation, a visit), PLACE (a part of the body, a side), "#" (a number). Only so many
words around so many mentions, and at both ends of a text, are read, however long it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from cards.elements import Place
from cards.matching.phrases import PhraseFinder
from cards.matching.sentence_ends import STOP

#: Words read on either side of a mention, and at either end of a text.
_REACH: Final = 40
#: Mentions read beside the names of an order.
_MOST_MENTIONS: Final = 3
#: A longer sentence is read as far as this.
_LONGEST: Final = 80
#: Runs of words are of so many words at most.
_RUN: Final = 3
#: The length of a text is told in steps of so many words, up to the fifth.
_STEP: Final = 15
_LONG: Final = 4

_SERVICE: Final = "SERVICE"
_NEAR: Final = "NEAR"
_OTHER: Final = "OTHER"
_TALK: Final = "TALK"
_PLACE: Final = "PLACE"
_NUMBER: Final = "#"
_BEGIN: Final = "^"
_END: Final = "$"
#: Of several of these in a row one is read.
_ONCE: Final = frozenset({_SERVICE, _NEAR, _OTHER, _TALK})


class Words(NamedTuple):
    """The words of one text of an order, and where in them the service is named: token ranges, and which are near it.

    `is_name`: the text names the order.
    """

    place: Place
    words: Sequence[str]
    mentions: Sequence[tuple[int, int, bool]]
    is_name: bool


class Sentence(NamedTuple):
    """A sentence of a text: its tokens from `first` to before `end`, and its words as kinds."""

    first: int
    end: int
    kinds: Sequence[str]


class _Read(NamedTuple):
    """Words of a text, their kinds, and which tokens they are."""

    words: Sequence[str]
    kinds: Sequence[str]
    indexes: Sequence[int]


class FeatureReader:
    """Reads orders as features; `services` finds other services (True) and talks about one (False)."""

    def __init__(self, services: PhraseFinder[bool], places: Iterable[str]) -> None:
        self._services = services
        self._places = frozenset(places)

    def read(self, texts: Sequence[Words]) -> frozenset[str]:
        """Return the features of an order's texts."""
        names = [self._read(text, range(len(text.words))) for text in texts if text.is_name]
        is_named = any(_SERVICE in name.words for name in names)
        how = "named " if is_named else ""
        found = {"named" if is_named else "unnamed"}
        for name in names:
            found.update(_runs(f"{how}name: ", name.words, 1))
            found.update(_runs(f"{how}name: ", (_BEGIN, *name.kinds, _END), _RUN))
        left = _MOST_MENTIONS
        for text in texts:
            if not text.is_name and text.words:
                mentions = text.mentions[:left]
                left -= len(mentions)
                found.update(self._of_text(text, mentions, how))
        return frozenset(found)

    def sentences(self, text: Words) -> Sequence[Sentence]:
        """Return the sentences of a text that are read, each no farther than it is."""
        read = self._read(text, _kept(text, text.mentions[:_MOST_MENTIONS]))
        return [
            Sentence(read.indexes[first], read.indexes[end - 1] + 1, read.kinds[first:end])
            for first, end in _sentences(read)
        ]

    def of_sentence(self, kinds: Sequence[str]) -> Iterator[str]:
        """Yield the features that the words of one sentence alone make."""
        yield from _runs("", kinds, _RUN)
        yield from _runs("same: ", kinds, 2)

    def _of_text(self, text: Words, mentions: Sequence[tuple[int, int, bool]], how: str) -> Iterator[str]:
        place = text.place.name.lower()
        yield f"text: {place}"
        yield f"length: {min(_LONG, len(text.words) // _STEP)}"
        read = self._read(text, _kept(text, mentions))
        for first, end in _parts(read):
            yield from _runs("", read.words[first:end], 1)
            yield from _runs("", read.kinds[first:end], _RUN)
        at = [number for number, word in enumerate(read.words) if word == _SERVICE]
        for number in at:
            yield f"{how}in: {place}"
            yield from _around(read.kinds, number, how)
            yield from _around(read.words, number, how)
        yield from _of_sentences(read, at)

    def _read(self, text: Words, kept: Sequence[int]) -> _Read:
        """Return the kept words of a text; what is named stands for its words."""
        words = [_NUMBER if text.words[index].isdigit() else text.words[index] for index in kept]
        kinds = [self._kind(word) for word in words]
        joined = _Joined(f" {' '.join(words)} ")
        for hit in self._services.find_in(joined):
            kinds[hit.first : hit.end] = [_OTHER if hit.value else _TALK] * (hit.end - hit.first)
        where = {index: number for number, index in enumerate(kept)}
        for first, end, is_near in text.mentions:
            for number in [where[index] for index in range(first, end) if index in where]:
                words[number] = kinds[number] = _NEAR if is_near else _SERVICE
        read = [at for at, kind in enumerate(kinds) if not (at and kind in _ONCE and kind == kinds[at - 1])]
        return _Read([words[at] for at in read], [kinds[at] for at in read], [kept[at] for at in read])

    def _kind(self, word: str) -> str:
        if word in self._places:
            return _PLACE
        return "#x" if word != _NUMBER and any(map(str.isdigit, word)) else word


class _Joined(NamedTuple):
    joined: str


def _kept(text: Words, mentions: Sequence[tuple[int, int, bool]]) -> Sequence[int]:
    """Return the tokens of a text that are read: those around its mentions, and at its ends."""
    length = len(text.words)
    reaches = [(0, _REACH), (length - _REACH, length)]
    reaches += [(first - _REACH, first + _REACH + 1) for first, _, _ in mentions]
    return sorted({index for begin, end in reaches for index in range(max(0, begin), min(length, end))})


def _runs(what: str, words: Sequence[str], longest: int) -> Iterator[str]:
    for length in range(1, longest + 1):
        for at in range(len(words) - length + 1):
            yield what + " ".join(words[at : at + length])


def _around(words: Sequence[str], at: int, how: str) -> Iterator[str]:
    before = [*[_BEGIN] * _RUN, *words[max(0, at - _RUN) : at]]
    after = [*words[at + 1 : at + 1 + _RUN], *[_END] * _RUN]
    for length in range(1, _RUN + 1):
        yield f"{how}before: {' '.join(before[-length:])}"
        yield f"{how}after: {' '.join(after[:length])}"
    yield f"around: {before[-1]} _ {after[0]}"
    yield f"around: {before[-2]} {before[-1]} _ {after[0]}"
    yield f"around: {before[-1]} _ {after[0]} {after[1]}"


def _parts(read: _Read) -> Iterator[tuple[int, int]]:
    """Yield what was read without a gap."""
    begin = 0
    for number in range(1, len(read.indexes)):
        if read.kinds[number - 1] not in _ONCE and read.indexes[number] != read.indexes[number - 1] + 1:
            yield begin, number
            begin = number
    yield begin, len(read.indexes)


def _sentences(read: _Read) -> Sequence[tuple[int, int]]:
    ends = [number for number, kind in enumerate(read.kinds) if kind == STOP] + [len(read.kinds)]
    begins = [0, *(end + 1 for end in ends[:-1])]
    return [(begin, min(end, begin + _LONGEST)) for begin, end in zip(begins, ends, strict=True) if begin < end]


def _of_sentences(read: _Read, mentions: Sequence[int]) -> Iterator[str]:
    """Yield the words of the sentences that name the service, of their neighbours, and of the first and the last."""
    sentences = _sentences(read)
    kinds = [read.kinds[begin:end] for begin, end in sentences]
    for number, (begin, end) in enumerate(sentences):
        if any(begin <= at < end for at in mentions):
            yield from _runs("same: ", kinds[number], 2)
            if number:
                yield from _runs("sentence before: ", kinds[number - 1], 1)
            if number + 1 < len(kinds):
                yield from _runs("sentence after: ", kinds[number + 1], 1)
    if kinds:
        yield from _runs("first: ", kinds[0], 1)
        yield from _runs("last: ", kinds[-1], 1)
