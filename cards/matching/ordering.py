"""Whether the words around a mention of a service order it: an action governs it, or nothing else is named."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from cards.matching.cues import SEPARATORS
from cards.matching.heads import HeadsOfText
from cards.matching.name_tail import NameTails
from cards.matching.own_codes import OwnCodes
from cards.matching.plainness import PlainWords
from cards.matching.reading import ReadText
from cards.matching.tokens import FARTHEST
from cards.vocabulary import Vocabulary

#: Words after a mention that say it is meant for this visit.
_NOW: Final = frozenset({"today", "now"})

#: An action may lead to a service over so many tokens, all but the action of these.
_FARTHEST_ACTION: Final = 5
_SMALL_WORDS: Final = frozenset(
    ("ahead", "with", "to", "the", "a", "another", "more", "of", "her", "his", "their", "our", "this")
)

#: Who comes for a service is to have it; so does what follows from the rest.
_COMING: Final = frozenset(
    ("returns", "return", "returning", "presents", "presenting", "comes", "back", "in", "acude", "viene", "vuelve")
)
_FOR: Final = frozenset({"for", "para"})
_SO: Final = frozenset({"so", "therefore", "hence", "thus"})


#: The name of an office is of so many words.
_NAME_LENGTH: Final = 2
_BUILDINGS: Final = frozenset({"campus", "center", "centre", "facility", "hospital", "office"})

_PARTING_NAMES: Final = frozenset(",()[]:")


class OrderReading(ReadText):
    """A text, and which of its words may be ordered themselves, or say nothing behind a service."""

    heads: HeadsOfText
    beside: frozenset[int]


class _Around(NamedTuple):
    """The words around a mention: of the heading `over` it, `before` it from the token `begin`, and `after` it.

    `has_label`: it stands behind a label that orders. `is_led`: another thing leads to it, or follows from it.
    """

    over: Sequence[str]
    before: Sequence[str]
    after: Sequence[str]
    begin: int
    has_label: bool
    is_led: bool


class Ordering:
    """Tells of mentions whether they are ordered."""

    def __init__(self, plain: PlainWords, tails: NameTails, codes: OwnCodes, vocabulary: Vocabulary) -> None:
        self._plain = plain
        self._tails = tails
        self._codes = codes
        self._actions = frozenset(vocabulary.actions)
        self._offices = vocabulary.explicit.offices

    def orders(self, reading: OrderReading, first: int, end: int, word_list: str) -> bool:
        """Tell that the mention of a word list from `first` to before `end` is ordered.

        In a name all words before it and behind it have to be plain; so have those of a telegraphic sentence, unless it
        stands under a heading that is not plain ("Alternatives:"). In another sentence an action governs it: "proceed
        with ...", "repeat ...", "... L SIJ today".
        """
        around = self._read(reading, first, end, word_list)
        if around is None:
            return False
        if reading.is_name:
            return self._is_plain_name(around)
        is_plain = not around.is_led and self._plain.are_plain(around.before)
        if is_plain and (around.has_label or (self._plain.are_plain(around.over) and self._go_on_plainly(around))):
            return True
        return self._is_governed(reading.tokens.words, first, around)

    def _read(self, reading: OrderReading, first: int, end: int, word_list: str) -> _Around | None:
        tokens, harmless = reading.tokens, reading.cues.harmless
        label, begin, stop = reading.field(first)
        if label and not self._plain.is_order_label(label, tokens):
            return None
        clause = tokens.clause_range(first)
        heading = reading.cues.heading_over(first)
        over = tokens.words[slice(*heading)] if heading else ()
        offices = self._find_offices(tokens.words, clause, first) if reading.is_name else frozenset()
        kept = harmless.before_a_name.kept(max(begin, first - FARTHEST), first)
        before = self._codes.leave_out(word_list, [tokens.words[at] for at in kept if at not in offices])
        if reading.is_name:
            before = self._leave_out_actions(self._plain.leave_out_doctor(before))
            stop = clause[1]  # in a name what stands behind a label counts too
        left_out = reading.beside | offices
        kept = [at for at in harmless.kept(end, min(stop, end + FARTHEST)) if at not in left_out]
        after = self._codes.leave_out(word_list, reading.without_labels(kept))
        return _Around(
            over=() if self._plain.head_orders(over) else self._leave_out_actions(over),
            before=before,
            after=after,
            begin=begin,
            has_label=label is not None,
            is_led=reading.heads.reach((first, end), clause, harmless.before_a_name),
        )

    def _find_offices(self, words: Sequence[str], clause: tuple[int, int], first: int) -> frozenset[int]:
        """Return the tokens of the parts of a name that only say whose the order is, or where it is done."""
        begin, stop = clause
        ends = [begin - 1, *(at for at in range(begin, stop) if words[at] in _PARTING_NAMES), stop]
        found: set[int] = set()
        for before, after in pairwise(ends):
            part = words[before + 1 : after]
            if before < first < after or self._offices.isdisjoint(part):
                continue
            said = [word for word in part if word not in self._offices]
            is_named = before > first and part[-1] in _BUILDINGS and self._are_a_name(said)
            if is_named or self._plain.are_plain(said):
                found.update(range(before + 1, after))
        return frozenset(found)

    def _are_a_name(self, words: Sequence[str]) -> bool:
        """Tell that words behind the service can be the name of an office: "(Westfield office)"."""
        unknown = [word for word in words if not self._plain.are_plain((word,))]
        return len(unknown) <= _NAME_LENGTH and all(map(str.isalpha, unknown)) and not self._plain.name_things(unknown)

    def _leave_out_actions(self, words: Sequence[str]) -> Sequence[str]:
        return [word for word in words if word not in self._actions]

    def _is_plain_name(self, around: _Around) -> bool:
        plain, before = self._plain, around.before
        if around.is_led or plain.serve(before) or not plain.are_plain(around.over) or not plain.are_plain(before):
            return False
        if plain.order_imaging(before) and self._tails.have_place(before):  # "US R knee", not "US guided"
            return False
        return plain.are_plain(around.after, before_a_name=True, forgiving=True) or self._tails.tell_of_order(
            before, around.after, is_name=True
        )

    def _go_on_plainly(self, around: _Around) -> bool:
        """Tell that the words behind a mention in a note name nothing else."""
        return self._plain.are_plain(around.after, before_a_name=True) or self._tails.tell_of_order(
            around.before, around.after
        )

    def _is_governed(self, words: Sequence[str], first: int, around: _Around) -> bool:
        near = words[max(0, first - 2) : first]
        if near and (near[-1] in self._actions or (near[0] in self._actions and near[-1] not in SEPARATORS)):
            return True
        is_coming = bool(near) and (near[-1] in _SO or (near[-1] in _FOR and near[0] in _COMING))
        if is_coming and self._plain.are_plain(around.after[:1]):
            return True
        if around.after[:1] == ["ordered"] or self._is_led_to(
            words[max(around.begin, first - _FARTHEST_ACTION) : first]
        ):
            return True
        return any(word in _NOW for word in (*around.before[-3:], *around.after[:10]))

    def _is_led_to(self, before: Sequence[str]) -> bool:
        """Tell whether an action stands before a mention with only small words between: "go ahead with another"."""
        at = next((at for at in range(len(before) - 1, -1, -1) if before[at] not in _SMALL_WORDS), -1)
        return at >= 0 and before[at] in self._actions
