"""What the words of an order name, and what in them speaks against the order."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cards.elements import OrderText, Place
from cards.matching.entries import is_before
from cards.matching.features import Words
from cards.matching.lazy import lazy
from cards.matching.learned import LearnedReading, Tokens
from cards.matching.match import Clause, Doubt, DoubtKind, Span
from cards.matching.mention import Mention
from cards.matching.phrases import Hit
from cards.matching.sessions import Ordered
from cards.matching.text import TermFinder, TextReading
from cards.matching.withdrawals import Liveness
from cards.order import Order

#: Places that name the order; another treatment there, or one given now elsewhere, is a doubt.
NAMING: Final = frozenset({Place.CODE_TEXT, Place.DISPLAY, Place.ORDER_DETAIL})

#: Places that say what is ordered, and where; nothing of why and when.
_NAMES_TOLD: Final = NAMING | {Place.BARE_CODE}
_NAMES: Final = _NAMES_TOLD | {Place.SITE}

#: An order of more texts is weighed by its first ones.
_MOST_TEXTS: Final = 40

#: Requests that can be for an injection; in any other a note that names one is only a remark.
_INJECTING: Final = frozenset({"ServiceRequest", "MedicationRequest", "Appointment", "Encounter"})


class Mentioned(NamedTuple):
    """A mention and the text of the order it stands in."""

    at: OrderText
    mention: Mention


class Remark(NamedTuple):
    """A doubt and the characters it rests on."""

    doubt: Doubt
    span: Span | None = None


class Evidence:
    """What the words of an order name, of all word lists; what speaks against it is looked for when it is asked for."""

    def __init__(self, order: Order, finder: TermFinder) -> None:
        self._finder = finder
        self._injects = order.resource_type in _INJECTING
        self._learned: dict[str, LearnedReading] = {}
        self._texts = [(text, finder.read(text.text, is_name=text.place in NAMING)) for text in order.texts]

    def learned(self, named: Sequence[Mentioned]) -> LearnedReading | None:
        """Return the order as orders for a service that is named here were learned to be read; None without
        weights, and of a name that stands alone.

        It is read once, however many policies share the list of the service's names.
        """
        names = (found.mention.word_list for found in named)
        name = next((name for name in names if name in self._finder.learned), None)
        if name is None or not self._tells:
            return None
        if name not in self._learned:
            words, features = self._finder.learned[name], self._finder.features
            self._learned[name] = LearnedReading(words, features, self._words_of(name))
        return self._learned[name]

    def features(self, word_list: str) -> frozenset[str]:
        """Return the features of an order that names a service by a list of words, and tells of it; else none."""
        if not (self._tells and self.named(frozenset({word_list}))):
            return frozenset()
        return self._finder.features.read(self._words_of(word_list))

    @lazy
    def _tells(self) -> bool:
        """Tell that the order says more than its name: a name alone is read by the rules."""
        return any(text.place not in _NAMES for text, _ in self._texts)

    def _words_of(self, word_list: str) -> Sequence[Words]:
        """Return the words of the first texts, and where in them a word list names a service."""
        mentions: dict[int, list[tuple[int, int, bool]]] = {}
        for found in self.named(frozenset({word_list})):
            mentions.setdefault(id(found.at), []).append(found.mention.tokens)
        return [
            Words(text.place, reading.tokens.words, mentions.get(id(text), ()), is_name=text.place in _NAMES_TOLD)
            for text, reading in self._texts[:_MOST_TEXTS]
        ]

    def quote(self, kind: DoubtKind, tokens: Tokens | None) -> Remark | None:
        """Return a doubt that rests on some tokens of a text; None of none."""
        if tokens is None:
            return None
        number, first, end = tokens
        text, reading = self._texts[number]
        return remark(kind, text, reading.tokens.span(first, end))

    @lazy
    def pointing(self) -> Sequence[Mentioned]:
        """The mentions in the texts that may name a service or an agent; the others are not read for it."""
        texts = [(text, reading) for text, reading in self._texts if self._finder.may_point(text.text)]
        return [found for text, reading in texts for found in _all(text, reading)]

    @lazy
    def mentioned(self) -> Sequence[Mentioned]:
        """The mentions in all texts."""
        return [found for text, reading in self._texts for found in _all(text, reading)]

    def named(self, lists: frozenset[str]) -> list[Mentioned]:
        """Return the mentions of some word lists of services."""
        return [found for found in self.pointing if found.mention.word_list in lists]

    def of(self, lists: frozenset[str]) -> list[Mentioned]:
        """Return the mentions of some word lists."""
        return [found for found in self.mentioned if found.mention.word_list in lists]

    @lazy
    def _naming(self) -> Sequence[TextReading]:
        return [reading for text, reading in self._texts if text.place in NAMING]

    @lazy
    def has_open_name(self) -> bool:
        """Tell that the texts that name the order name nothing, so that a note may say what is done."""
        are_open = all(
            self._finder.plain.are_open(reading.unlabelled) and not reading.heads.name_another
            for reading in self._naming
        )
        if not self._injects or not are_open or next(self.treatments(in_names=True), None):
            return False
        return not self._orders_imaging

    @lazy
    def _orders_imaging(self) -> bool:
        return self._finder.plain.order_imaging([word for one in self._naming for word in one.tokens.words])

    @lazy
    def names_another(self) -> bool:
        """Tell that a text that names the order names another service."""
        return (
            not self._injects or self._orders_imaging or any(self._names_another(reading) for reading in self._naming)
        )

    @lazy
    def names_a_talk(self) -> bool:
        """Tell that all that the names of the order name besides is a talk: a referral, a visit."""
        hits = [hit for one in self._naming for hit in self._finder.plain.find_services(one.tokens)]
        return self._injects and bool(hits) and not any(hit.value for hit in hits)

    @lazy
    def has_half_open_name(self) -> bool:
        """Tell that the texts that name the order call it a procedure, and name no other service.

        Then a note that orders the service in so many words says what is done ("Procedure request (rural group)").
        """
        return self._calls_itself(self._finder.explicit.words.procedures)

    @lazy
    def note_is_of_another(self) -> bool:
        """Tell that the first note begins with another thing: "Letter to insurer. Treatment: prolotherapy R knee"."""
        first = next((reading for text, reading in self._texts if text.place is Place.NOTE), None)
        return first is not None and self._finder.explicit.is_asked_for(first.tokens)

    @lazy
    def names_a_referral(self) -> bool:
        """Tell that the texts that name the order call it a referral, for what a form in the note says."""
        return self._calls_itself(self._finder.explicit.words.referrals)

    @lazy
    def is_for_treatment_only(self) -> bool:
        """Tell that a note says that no talk about a service is asked for: "for treatment only, consult was done"."""
        phrases = [f" {phrase} " for phrase in self._finder.explicit.words.treatment_only]
        notes = (reading.tokens.joined for text, reading in self._texts if text.place is Place.NOTE)
        return any(phrase in joined for joined in notes for phrase in phrases)

    def _calls_itself(self, words: frozenset[str]) -> bool:
        return self._names_no_other and any(not words.isdisjoint(one.tokens.words) for one in self._naming)

    @lazy
    def _names_no_other(self) -> bool:
        if not self._injects or self._orders_imaging or next(self.treatments(in_names=True), None):
            return False
        return not any(
            reading.heads.name_another or any(self._is_other(reading, hit) for hit in found)
            for reading, found in ((one, self._finder.plain.find_services(one.tokens)) for one in self._naming)
        )

    def _is_other(self, reading: TextReading, hit: Hit[bool]) -> bool:
        return not self._finder.explicit.words.forms.issuperset(reading.tokens.words[hit.first : hit.end])

    def _names_another(self, reading: TextReading) -> bool:
        return next(self._finder.plain.find_services(reading.tokens), None) is not None or reading.heads.name_another

    @property
    def has_unread_script(self) -> bool:
        """Tell that a text is in a script that no cue could be found in."""
        return any(reading.has_unread_script for _, reading in self._texts)

    def treatments(self, *, in_names: bool, beside: Mentioned | None = None) -> Iterator[tuple[str, Remark]]:
        """Yield the other treatments that the names of the order, or its other texts, say are given.

        `beside` a service that is ordered in so many words only those count that are, too, or share its sentence.
        """
        for text, reading in self._texts:
            if reading.is_name is in_names:
                for treatment in reading.treatments:
                    is_meant = beside is None or treatment.explicit or (text, treatment.clause) == _sentence(beside)
                    if treatment.is_given and is_meant:
                        yield treatment.name, remark(DoubtKind.ANOTHER_TREATMENT, text, treatment.clause)

    @lazy
    def withdrawal(self) -> Remark | None:
        """What takes the order back: the surest clause of all texts that no later note answers."""
        unsure = None
        for text, liveness in self._liveness:
            found = liveness.withdrawal
            if found is None or self._is_answered(text) or (text.place is Place.INSTRUCTION and not found.is_sure):
                continue  # what patients are told is the same for all: "call if you have a fever"
            reading = self._reading_of(text)
            kind = DoubtKind.TAKEN_BACK if found.is_sure else DoubtKind.NOT_UNDERSTOOD
            said = remark(kind, text, reading.tokens.span(found.first, found.end))
            if found.is_sure:
                return said
            unsure = unsure or said
        return unsure

    @lazy
    def is_strongly_withdrawn(self) -> bool:
        """Tell that a text that no later one answers takes the order back by words that can only be of an order."""
        said = [(text, liveness.withdrawal) for text, liveness in self._liveness if liveness.withdrawal]
        return any(one.is_strong and not self._is_answered(text) for text, one in said)

    def is_overtaken(self, found: Mentioned) -> bool:
        """Tell whether what a note says of the service is answered by what it says later, or by a later note."""
        if self._is_answered(found.at):
            return True
        renewed_at = next(liveness.renewed_at for text, liveness in self._liveness if text is found.at)
        if renewed_at is None:
            return False
        return self._reading_of(found.at).tokens.span(renewed_at, renewed_at + 1)[1] >= found.mention.span[1]

    @lazy
    def _liveness(self) -> Sequence[tuple[OrderText, Liveness]]:
        ordered = self._ordered
        return [(text, reading.liveness(ordered, is_paid=self.is_paid)) for text, reading in self._texts]

    @lazy
    def is_paid(self) -> bool:
        """Tell that a text says that the patient pays."""
        return any(reading.says_who_pays for _, reading in self._texts)

    def tells_of_refusal(self, found: Mentioned) -> bool:
        """Tell that the sentence of a mention says that a payer refuses it, and no more."""
        if {cue.kind for cue in found.mention.cues} != {"negation"}:
            return False
        reading = self._reading_of(found.at)
        words = reading.tokens.words[slice(*reading.tokens.clause_range(found.mention.first))]
        return self._finder.withdrawals.bystanders.refuse(words)

    @property
    def _ordered(self) -> Ordered:
        """What the names order; a session that no name tells is the last one that a note numbers."""
        read = self._finder.withdrawals.sides.read_ordered
        names = [(text.text, reading) for text, reading in self._texts if text.place in NAMING | {Place.SITE}]
        words = [word for _, reading in names for word in reading.tokens.words]
        ordered = read(" | ".join(name for name, _ in names), words)
        if ordered.session:
            return ordered
        notes = (text.text for text, _ in self._texts if text.place not in NAMING)
        last = self._finder.withdrawals.sides.read_last_session
        return ordered._replace(session=max(map(last, notes), default=0))

    def _is_answered(self, text: OrderText) -> bool:
        """Tell whether a note of a later time says that the order stands."""
        return text.time is not None and any(is_before(text.time, time) for time in self._renewing)

    @lazy
    def _renewing(self) -> Sequence[str]:
        """The times of the notes that say that the order stands, or order the service."""
        said = [text.time for text, liveness in self._liveness if text.time and liveness.renewed_at is not None]
        ordering = (found for found in self.pointing if found.mention.ordered and not found.mention.cues)
        return [*said, *(found.at.time for found in ordering if found.at.time)]

    def _reading_of(self, text: OrderText) -> TextReading:
        return next(reading for one, reading in self._texts if one is text)


def _sentence(found: Mentioned) -> tuple[OrderText, tuple[int, int]]:
    return found.at, found.mention.clause


def _all(text: OrderText, reading: TextReading) -> Iterator[Mentioned]:
    return (Mentioned(text, mention) for mention in reading.mentions)


def remark(kind: DoubtKind, text: OrderText, characters: tuple[int, int]) -> Remark:
    """Return a doubt that rests on some characters of a text."""
    start, end = characters
    return Remark(Doubt(kind, Clause(text.place, text.text[start:end])), Span(text.path, start, end))


def read_evidence(order: Order, finder: TermFinder) -> Evidence:
    """Read the words of an order."""
    return Evidence(order, finder)
