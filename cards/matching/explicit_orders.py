"""Finds what a note orders in so many words: in a ticked box, behind a label, as the object of an action."""

from collections.abc import Sequence
from typing import Final

from cards.matching.beside import ThingsBeside
from cards.matching.explicit import By, ExplicitOrder
from cards.matching.leads import PARTING, Leads, Standing, find_part
from cards.matching.ordering import OrderReading
from cards.matching.plainness import PlainWords
from cards.matching.sentence_ends import STOP
from cards.matching.tokens import Tokens
from cards.vocabulary import Vocabulary

_IS_WHAT: Final = ["is", "what"]

#: Shorter words that end with "ed" are no verbs: "med".
_SHORTEST: Final = 4
#: What orders a service stands at most so many words before it.
_FARTHEST: Final = 6

#: "Prolotherapy R knee, had it twice".
_WHAT_WAS_HAD: Final = frozenset({"it", "this", "them", "that", "one", "two", "three"})
_DIAGNOSES: Final = frozenset({"dx", "diagnosis", "diagnoses"})
#: Behind these the past is only referred to.
_REFERRING: Final = frozenset({"as", "see", "than", "per", "from", "since"})

_BOXES: Final = {"]": "[", ")": "("}
_TICKS: Final = frozenset({"x", "\u2713", "\u2714", "o"})
#: So many words of a label stand over boxes: "procedure to be performed".
_LONGEST_TITLE: Final = 4
_OPENING: Final = frozenset("[(\u2610\u2611\u2612")
_TICKED: Final = frozenset({"\u2611", "\u2612"})
_BOX_LENGTH: Final = 3


class ExplicitOrders:
    """Finds what orders a service in so many words."""

    def __init__(self, plain: PlainWords, vocabulary: Vocabulary) -> None:
        self._plain = plain
        self.words = vocabulary.explicit
        self._leads = Leads(plain, vocabulary)
        self._beside: ThingsBeside = vocabulary.make_once("things beside", lambda: ThingsBeside(vocabulary))

    def find(self, reading: OrderReading, first: int, end: int) -> ExplicitOrder | None:
        """Return what orders in so many words what stands from `first` to before `end`; in a name nothing does."""
        words = reading.tokens.words
        begin, stop = reading.tokens.clause_range(first)
        if reading.is_name or self.denies(reading, first, end):
            return None
        if self._is_wanted(words, end):
            return ExplicitOrder(By.ACTION, find_part(words, begin, first), end)
        if not self._goes_on(words[end:stop]):
            return None
        if reading.heads.reach((first, end), (begin, stop), reading.cues.harmless.before_a_name):
            return None
        at = self._place(reading, first, end)
        by = self._by(reading, at)
        if by is None:
            return None
        until = next((at for at in range(end, stop) if words[at] in PARTING), stop)
        find_beside = self._beside.find if by is By.HEAD else self._beside.find_instead
        beside = find_beside(words, until if by is By.HEAD else end, stop)
        is_titled = by is By.TICK and self._is_titled(words[self._lead(reading, begin) : begin])
        lead = self._leads.place(words, at) if by is By.ACTION else -1
        return ExplicitOrder(by, find_part(words, begin, at.start), until, lead, beside, is_titled)

    def denies(self, reading: OrderReading, first: int, end: int) -> bool:
        """Tell that what a note names is surely not ordered there: it is of another person, of what was, or a thing."""
        if reading.is_name:
            return False
        at, words = self._place(reading, first, end), reading.tokens.words
        before = words[at.begin : at.start]
        if not self.words.uncertain.isdisjoint(words[at.begin : at.stop]) or not self.words.family.isdisjoint(before):
            return True
        if self._beside.tell_of_wish(words, end, at.stop):
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
            return first == at.start and self._is_past(words, at)
        return before[-1] in self.words.telling and not self.words.subjects.isdisjoint(before)

    def _is_past(self, words: Sequence[str], at: Standing) -> bool:
        """Tell that a sentence says when a service was done: "prolo L knee 3 days ago"; not "see last note"."""
        said = (place for place in range(at.end, at.stop) if words[place] in self.words.past)
        if any(words[place - 1] not in _REFERRING for place in said):
            return True
        had = (place for place in range(at.end, at.stop - 1) if words[place] == "had")
        return any(words[place + 1] in _WHAT_WAS_HAD for place in had)

    def is_asked_for(self, tokens: Tokens) -> bool:
        """Tell that a text begins with a thing that it is for: "Labs: CBC"."""
        is_diagnosis = not _DIAGNOSES.isdisjoint(tokens.words[1:2])  # "Preop dx: ..."
        return not is_diagnosis and not self.words.asked_for.isdisjoint(tokens.words[:1])

    def _place(self, reading: OrderReading, first: int, end: int) -> Standing:
        words = reading.tokens.words
        begin, stop = reading.tokens.clause_range(first)
        start = first
        while start > max(begin, first - _FARTHEST) and self._is_small(words[start - 1]):
            start -= 1
        return Standing(begin, start, first, end, stop)

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

    def _by(self, reading: OrderReading, at: Standing) -> By | None:
        words = reading.tokens.words
        if _is_ticked(words[at.begin : at.start]) or self._is_ticked_behind(words, at):
            return By.TICK
        label, after_label, _ = reading.field(at.start)
        is_labelled = label is not None and self._plain.is_order_label(label, reading.tokens)
        if is_labelled and self._plain.are_plain(words[after_label : at.start]):
            return By.LABEL
        if at.start > at.begin:
            is_of_label = label is not None and label[1] == at.start and not is_labelled
            if is_of_label or not self._leads.lead_to(reading, at):
                return None
            return By.LABEL if self._is_behind_label(reading, at.start) else By.ACTION
        heading = reading.cues.heading_over(at.first)
        if heading and self._plain.head_orders(words[slice(*heading)]):
            return By.LABEL
        return By.HEAD if self._leads.begin_with(words, at) else None

    @staticmethod
    def _is_ticked_behind(words: Sequence[str], at: Standing) -> bool:
        """Tell that boxes stand behind their items, and that of a service is ticked: "Prolotherapy [x] PRP [ ]"."""
        box = words[at.end : at.end + _BOX_LENGTH]
        return (
            at.start == at.begin and _is_ticked(box) and not _OPENING.isdisjoint(words[at.end + _BOX_LENGTH : at.stop])
        )

    def _is_behind_label(self, reading: OrderReading, start: int) -> bool:
        """Tell that a label that orders stands right before a token, whatever stands before the label."""
        is_order_label = self._plain.is_order_label
        return any(label[1] == start and is_order_label(label, reading.tokens) for label in reading.labels)

    def _is_choice(self, reading: OrderReading, begin: int) -> bool:
        """Tell that boxes are of what is to be done: no words over them say that they are of what was, or of topics."""
        words, lead = reading.tokens.words, self._lead(reading, begin)
        until = next((at for at in range(lead, begin) if words[at] in _OPENING), begin)
        return self.words.not_ordering.isdisjoint(words[lead:until])

    @staticmethod
    def _lead(reading: OrderReading, begin: int) -> int:
        """Return the first token of the words over boxes of which one begins at a token."""
        words, lead = reading.tokens.words, begin
        while lead > 0 and (words[lead] in _OPENING or words[lead] == STOP):
            lead = reading.tokens.clause_range(lead - 1)[0]
        return lead

    def _is_titled(self, lead: Sequence[str]) -> bool:
        """Tell that the words over boxes begin with a label that orders: "PROCEDURE REQUESTED (tick one)"."""
        return any(self._plain.head_orders(lead[:count]) for count in range(1, _LONGEST_TITLE + 1))

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


def _is_ticked(before: Sequence[str]) -> bool:
    if before and before[-1] in _TICKED:
        return True
    return len(before) >= _BOX_LENGTH and before[-3] == _BOXES.get(before[-1]) and before[-2] in _TICKS
