"""Finds what a note orders in so many words: in a ticked box, behind a label, as the object of an action."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cards.matching.explicit import By, ExplicitOrder
from cards.matching.ordering import OrderReading
from cards.matching.plainness import PlainWords
from cards.matching.sentence_ends import STOP
from cards.matching.tokens import Tokens
from cards.vocabulary import Vocabulary

#: These part a sentence.
_PARTING: Final = frozenset({",", ":", "(", ")", "so", "but", "then", "\u2192", STOP, "and"})
_IS_WHAT: Final = ["is", "what"]
_ARROW: Final = "\u2192"

#: Shorter words that end with "ed" are no verbs: "med".
_SHORTEST: Final = 4
#: What orders a service stands at most so many words before it.
_FARTHEST: Final = 6

_BOXES: Final = {"]": "[", ")": "("}
_TICKS: Final = frozenset({"x", "\u2713", "\u2714", "o"})
_OPENING: Final = frozenset("[(\u2610\u2611\u2612")
_TICKED: Final = frozenset({"\u2611", "\u2612"})
_BOX_LENGTH: Final = 3


class _Place(NamedTuple):
    """Where a service stands, as tokens: its sentence, the small words that lead to it, and itself."""

    begin: int
    start: int
    first: int
    end: int
    stop: int


class ExplicitOrders:
    """Finds what orders a service in so many words."""

    def __init__(self, plain: PlainWords, vocabulary: Vocabulary) -> None:
        self._plain = plain
        self.words = vocabulary.explicit
        self._verbs = (frozenset(vocabulary.actions) - self.words.no_verbs) | self.words.verbs
        self._ending = _PARTING | self.words.remarking

    def find(self, reading: OrderReading, first: int, end: int) -> ExplicitOrder | None:
        """Return what orders in so many words what stands from `first` to before `end`; in a name nothing does."""
        words = reading.tokens.words
        begin, stop = reading.tokens.clause_range(first)
        if reading.is_name or self.denies(reading, first, end):
            return None
        if self._is_wanted(words, end):
            return ExplicitOrder(By.ACTION, _part(words, begin, first), end)
        if not self._goes_on(words[end:stop]):
            return None
        if reading.heads.reach((first, end), (begin, stop), reading.cues.harmless.before_a_name):
            return None
        at = self._place(reading, first, end)
        by = self._by(reading, at)
        if by is None:
            return None
        until = next((at for at in range(end, stop) if words[at] in _PARTING), stop)
        return ExplicitOrder(by, _part(words, begin, at.start), until, at.start - 1 if by is By.ACTION else -1)

    def denies(self, reading: OrderReading, first: int, end: int) -> bool:
        """Tell that what a note names is surely not ordered there: it is of another person, of what was, or a thing."""
        if reading.is_name:
            return False
        at, words = self._place(reading, first, end), reading.tokens.words
        before = words[at.begin : at.start]
        if not self.words.uncertain.isdisjoint(words[at.begin : at.stop]) or not self.words.family.isdisjoint(before):
            return True
        behind = self._behind(words[end : at.stop])
        if behind in self.words.persons or self._plain.name_things((behind,)):
            return True
        if _is_ticked(before):
            return not self._is_choice(reading, at.begin)
        label, _, _ = reading.field(first)
        if label and self._plain.is_order_label(label, reading.tokens):
            return not self._is_of_this(reading, label)
        if not before:
            return first == at.start and not self.words.past.isdisjoint(words[end : at.stop])
        return before[-1] in self.words.telling and not self.words.subjects.isdisjoint(before)

    def is_asked_for(self, tokens: Tokens) -> bool:
        """Tell that a text begins with a thing that it is for: "Labs: CBC"."""
        return not self.words.asked_for.isdisjoint(tokens.words[:1])

    def _place(self, reading: OrderReading, first: int, end: int) -> _Place:
        words = reading.tokens.words
        begin, stop = reading.tokens.clause_range(first)
        start = first
        while start > max(begin, first - _FARTHEST) and self._is_small(words[start - 1]):
            start -= 1
        return _Place(begin, start, first, end, stop)

    def _is_wanted(self, words: Sequence[str], end: int) -> bool:
        """Tell that a clinician wants what is named: "prolotherapy is what I want"."""
        return words[end : end + 2] == _IS_WHAT and not self.words.asking.isdisjoint(words[end + 2 : end + 4])

    def _is_small(self, word: str) -> bool:
        return word in self.words.small or word[0].isdigit()

    def _behind(self, after: Sequence[str]) -> str:
        """Return the word behind a service and what it is called with; "" where none is."""
        return next((word for word in after if word not in self.words.called), "")

    def _goes_on(self, after: Sequence[str]) -> bool:
        """Tell that what follows a service says how and where it is done, not what became of it."""
        word = self._behind(after)
        return word not in self.words.stating and not (word.endswith("ed") and len(word) > _SHORTEST)

    def _by(self, reading: OrderReading, at: _Place) -> By | None:
        words = reading.tokens.words
        if _is_ticked(words[at.begin : at.start]):
            return By.TICK
        label, after_label, _ = reading.field(at.start)
        is_labelled = label is not None and self._plain.is_order_label(label, reading.tokens)
        if is_labelled and self._plain.are_plain(words[after_label : at.start]):
            return By.LABEL
        if at.start > at.begin:
            is_of_label = label is not None and label[1] == at.start and not is_labelled
            return By.ACTION if not is_of_label and self._is_led(reading, at) else None
        heading = reading.cues.heading_over(at.first)
        if heading and self._plain.head_orders(words[slice(*heading)]):
            return By.LABEL
        return By.HEAD if self._begins(words, at) else None

    def _is_choice(self, reading: OrderReading, begin: int) -> bool:
        """Tell that boxes are of what is to be done: no words over them say that they are of what was, or of topics."""
        words = reading.tokens.words
        lead = begin
        while lead > 0 and (words[lead] in _OPENING or words[lead] == STOP):
            lead = reading.tokens.clause_range(lead - 1)[0]
        until = next((at for at in range(lead, begin) if words[at] in _OPENING), begin)
        return self.words.not_ordering.isdisjoint(words[lead:until])

    def _is_of_this(self, reading: OrderReading, label: tuple[int, int]) -> bool:
        """Tell that no label of more weight orders another thing: "Test: UPT. Plan: prolotherapy"."""
        words = reading.tokens.words
        name = " ".join(words[label[0] : label[1] - 1])
        if label[0] and words[label[0] - 1] in self.words.not_ordering:
            return False
        if name not in self.words.light_labels:
            return True
        for first, end in reading.labels:
            if end > label[0] or not self._plain.is_order_label((first, end), reading.tokens):
                continue
            if " ".join(words[first : end - 1]) not in self.words.light_labels:
                stop = min(reading.tokens.clause_range(end - 1)[1], label[0])
                if not self._plain.are_plain(words[end:stop]):
                    return False
        return True

    def _begins(self, words: Sequence[str], at: _Place) -> bool:
        """Tell that a service at the head of a sentence goes on with how or where: "Prolo R thumb base, 3 points"."""
        ends = (word for word in range(at.end, at.stop) if words[word] in self._ending)
        said = [word for word in words[at.end : next(ends, at.stop)] if word not in self.words.called]
        is_how = bool(said) and said[0] in self.words.how
        return (is_how or self._plain.are_plain(said[:1], forgiving=True)) and not self._plain.name_things(said)

    def _is_led(self, reading: OrderReading, at: _Place) -> bool:
        """Tell that an action, a colon or an arrow leads to a service."""
        words, before = reading.tokens.words, reading.tokens.words[at.start - 1]
        led = words[_part(words, at.begin, at.start - 1) : at.start - 1]
        if before == ":":
            return self._is_introduced(reading, at, led)
        if before == ",":
            return not self.words.speaking.isdisjoint(led)  # "per doc verbal - prolo neck"
        if before in self.words.asking and not self.words.clinicians.isdisjoint(led[-2:]):
            return True
        if before in self.words.requesting and at.start - 1 == at.begin:
            return True
        if before == "is":
            return bool(led) and led[-1] in self.words.being
        if before == "be":
            return led[-1:] in (["will"], ["to"])
        if before == "your":
            return "next" in words[at.start : at.first]
        if before in self.words.leading:
            return not self._verbs.isdisjoint(led[-_FARTHEST:]) or led[-2:] == ["plan", "is"] or self._is_come(led)
        return before == _ARROW or before in self._verbs or (before == "up" and led[-1:] == ["set"])

    def _is_come(self, led: Sequence[str]) -> bool:
        return bool(led) and led[-1] in self.words.directions

    def _is_introduced(self, reading: OrderReading, at: _Place, led: Sequence[str]) -> bool:
        """Tell that what stands before a colon orders what stands behind it: "per dr verbal: prolo R knee"."""
        words = reading.tokens.words
        if not self.words.not_ordering.isdisjoint(led):
            return False
        if not self.words.ordering.isdisjoint((*led, words[at.start - 2])):
            return True
        says_nothing = not reading.cues.stand_in(at.begin, at.start) and not self._plain.name_things(led)
        return says_nothing and self._begins(words, at)


def _is_ticked(before: Sequence[str]) -> bool:
    if before and before[-1] in _TICKED:
        return True
    return len(before) >= _BOX_LENGTH and before[-3] == _BOXES.get(before[-1]) and before[-2] in _TICKS


def _part(words: Sequence[str], begin: int, end: int) -> int:
    """Return where the part of a sentence begins that ends before a token."""
    return next((at for at in range(end - 1, begin - 1, -1) if words[at] in _PARTING), begin - 1) + 1
