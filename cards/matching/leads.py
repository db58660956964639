"""What leads to a service that a note orders in so many words: an action, who says so, a colon, an arrow."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cards.matching.ordering import OrderReading
from cards.matching.plainness import PlainWords
from cards.matching.sentence_ends import STOP
from cards.vocabulary import Vocabulary

#: These part a sentence.
PARTING: Final = frozenset({",", ":", "(", ")", "so", "but", "then", "\u2192", STOP, "and"})
_ARROW: Final = "\u2192"
#: Who is given a service.
_RECEIVING: Final = frozenset({"pt", "patient", "her", "him", "them"})
#: "Dr wants her to have it", "Dr would like it".
_TO_HAVE: Final = frozenset({"have", "get", "like", "receive"})
#: "Dr wants her in for it".
_COMING: Final = (["in"], ["back"])
_DENYING: Final = frozenset({"not", "never", "no", "doesnt", "didnt", "dont", "wouldnt", "if", "outside", "ortho"})
#: A clinician before a colon in so few words says what stands behind it: "sticky from dr: prolo R hip".
_SHORT: Final = 4
_MOST_UNKNOWN: Final = 1
#: "Ignore the name, its prolotherapy", "this ones a prolo".
_THIS_IS: Final = frozenset({"its", "ones", "thats"})
_HAVING: Final = frozenset({"have", "get"})
_FUTURE: Final = frozenset({"will", "shell", "hell", "theyll", "youll"})
_ADDING: Final = frozenset({"add", "adding"})
_PROBLEMS: Final = frozenset({"problem", "problems", "chart", "record", "hx", "pmh", "psh", "allergies", "summary"})
_DOING: Final = (["do"], ["doing"])
#: Who says something is none of these, nor somebody's doctor elsewhere: "her doctor says".
_NOT_SPEAKERS: Final = frozenset(
    (
        *("pt", "patient", "he", "she", "they", "her", "his", "their", "my", "old", "other", "former", "previous"),
        *("at", "to", "for", "not", "never", "didnt", "doesnt", "if", "would", "did", "does", "has", "ask", "asked"),
    )
)
#: Words that make a statement of what follows them right behind a service only.
_NO_STATEMENTS: Final = frozenset({"as", "be", "no", "not", "or", "than", "versus", "vs"})
#: What orders a service stands at most so many words before it.
_FARTHEST: Final = 6


class Standing(NamedTuple):
    """Where a service stands, as tokens: its sentence, the small words that lead to it, and itself."""

    begin: int
    start: int
    first: int
    end: int
    stop: int


class Leads:
    """Tells what leads to a service, and how it goes on where nothing does."""

    def __init__(self, plain: PlainWords, vocabulary: Vocabulary) -> None:
        self._plain = plain
        self.words = vocabulary.explicit
        self._verbs = (frozenset(vocabulary.actions) - self.words.no_verbs) | self.words.verbs
        self._not_saying = _NOT_SPEAKERS | self.words.family | self.words.not_ordering
        self._wanting = self.words.asking | {"would"}
        self._stating = self.words.stating - _NO_STATEMENTS
        self._ending = PARTING | self.words.remarking

    def begin_with(self, words: Sequence[str], at: Standing) -> bool:
        """Tell that a service at the head of a sentence goes on with how or where: "Prolo R thumb base, 3 points"."""
        ends = (word for word in range(at.end, at.stop) if words[word] in self._ending)
        said = [word for word in words[at.end : next(ends, at.stop)] if word not in self.words.called]
        if not self._stating.isdisjoint(said):
            return False  # "prolotherapy for tendons has mixed evidence"
        is_how = bool(said) and said[0] in self.words.how
        return (is_how or self._plain.are_plain(said[:1], forgiving=True)) and not self._plain.name_things(said)

    def lead_to(self, reading: OrderReading, at: Standing) -> bool:
        """Tell that an action, a clinician who says so, a colon or an arrow leads to a service."""
        words, before = reading.tokens.words, reading.tokens.words[at.start - 1]
        led = words[find_part(words, at.begin, at.start - 1) : at.start - 1]
        if before == ":":
            return self._is_introduced(reading, at, led)
        if before == ",":  # "per doc verbal - prolo neck"
            is_per = led[:1] == ["per"] and self._is_said(words, at, led, led[-1])
            is_labelled = self._plain.head_orders(led) and at.begin + len(led) == at.start - 1
            return (
                is_per
                or is_labelled
                or not self.words.speaking.isdisjoint(led)
                or self._is_what_is_done(reading, at, led)
            )
        if before in self.words.requesting and at.start - 1 == at.begin:
            return True
        if before in self.words.asking | self.words.saying and self._is_said(words, at, led, before):
            return True
        if led[-1:] in (["to"], ["would"]) and before in _TO_HAVE:
            return self._is_wanted(words, at, led)
        if before == "for" and led[-1:] in (["asks"], ["asking"]):
            return self._is_said(words, at, led, before)
        if before in self.words.leading:
            return self._is_led_by_small(led, before)
        if before in _RECEIVING:
            return led[-1:] == ["give"] or led[-1:] == ["giving"]  # "please give pt the prolotherapy"
        if before == "your":
            return "next" in words[at.start : at.first]
        if before in _ADDING:
            return self._is_added(words, at)
        return before == _ARROW or self._is_verb(before, led)

    def place(self, words: Sequence[str], at: Standing) -> int:
        """Return the token of the action that leads to a service: of "wants her to have ..." the first word."""
        lead = at.start - 1
        if words[lead] in _TO_HAVE or self._is_wanted_in(words, at):
            asked = (place for place in range(lead - 1, at.begin, -1) if words[place] in self._wanting)
            return next(asked, lead)
        return lead - 1 if words[lead] == "for" and words[lead - 1] in ("asks", "asking") else lead

    def _is_verb(self, before: str, led: Sequence[str]) -> bool:
        if before == "is":
            return bool(led) and led[-1] in self.words.being
        if before == "be":
            return led[-1:] in (["will"], ["to"])
        if before in _THIS_IS:
            return not led or led[-1] == "this"
        if before in _HAVING:
            return bool(led) and led[-1] in _FUTURE
        return before in self._verbs or (before == "up" and led[-1:] == ["set"])

    def _is_added(self, words: Sequence[str], at: Standing) -> bool:
        """Tell that a service is put on a day's list: "add prolotherapy L knee to Friday's"; not on one of problems."""
        behind = words[at.end : at.stop]
        return _PROBLEMS.isdisjoint(behind) and (self.words.not_ordering | self.words.stating).isdisjoint(behind)

    def _is_led_by_small(self, led: Sequence[str], before: str) -> bool:
        """Tell that an action leads to a service with a small word between: "proceed with ...", "this is for ..."."""
        if before == "for" and led[-1:] == ["is"]:
            return len(led) > 1 and led[-2] in self.words.being
        is_come = bool(led) and led[-1] in self.words.directions
        return is_come or not self._verbs.isdisjoint(led[-_FARTHEST:]) or led[-2:] == ["plan", "is"]

    def _is_said(self, words: Sequence[str], at: Standing, led: Sequence[str], before: str) -> bool:
        """Tell that a clinician asks for a service or says it: "Dr wants ...", "Dr cancelled the steroid and wants"."""
        if before in self.words.asking and not self.words.clinicians.isdisjoint(led[-2:]):
            return True
        speaker = led[-_FARTHEST:] or words[at.begin : at.begin + 1]
        is_other = not self._not_saying.isdisjoint((*speaker, *words[at.begin : at.begin + 1]))
        return not is_other and not self.words.clinicians.isdisjoint(speaker) and self._is_told(words, at)

    def _is_wanted(self, words: Sequence[str], at: Standing, led: Sequence[str]) -> bool:
        """Tell that a clinician wants somebody to have a service: "Dr wants her to have ...", "Dr would like ..."."""
        is_asked = led[-1] == "would" or not self.words.asking.isdisjoint(led)
        speaks = is_asked and not self.words.clinicians.isdisjoint(led[:3])
        return speaks and _DENYING.isdisjoint(led) and self._is_told(words, at)

    def _is_wanted_in(self, words: Sequence[str], at: Standing) -> bool:
        """Tell that a clinician wants somebody to come for a service: "Dr wants her in for ..."."""
        led = words[find_part(words, at.begin, at.start - 1) : at.start - 1]
        is_other = not self._not_saying.isdisjoint(led[:1])
        return words[at.start - 1] == "for" and led[-1:] in _COMING and not is_other and self._is_wanted(words, at, led)

    def _is_told(self, words: Sequence[str], at: Standing) -> bool:
        """Tell that what is said of a service is no statement or question of it: "Dr says prolotherapy R knee"."""
        until = next((place for place in range(at.end, at.stop) if words[place] in PARTING), at.stop)
        said = words[at.end : until]
        unknown = [word for word in said if not self._plain.are_plain((word,), forgiving=True)]
        is_stated = not self.words.stating.isdisjoint(said) or self._plain.name_things(unknown)
        return len(unknown) <= _MOST_UNKNOWN and not is_stated and "?" not in words[at.end : at.stop]

    def _is_what_is_done(self, reading: OrderReading, at: Standing, led: Sequence[str]) -> bool:
        """Tell that a service is named behind "now we do it, ..."."""
        return led[-1:] == ["it"] and led[-2:-1] in _DOING and not reading.cues.stand_in(at.begin, at.start)

    def _is_introduced(self, reading: OrderReading, at: Standing, led: Sequence[str]) -> bool:
        """Tell that what stands before a colon orders what stands behind it: "per dr verbal: prolo R knee"."""
        words = reading.tokens.words
        if not self.words.not_ordering.isdisjoint(led):
            return False
        if not self.words.ordering.isdisjoint((*led, words[at.start - 2])):
            return True
        if led and (led[-1] in self.words.saying or len(led) <= _SHORT) and self._is_said(words, at, led, led[-1]):
            return True
        says_nothing = not reading.cues.stand_in(at.begin, at.start) and not self._plain.name_things(led)
        return says_nothing and self.begin_with(words, at)


def find_part(words: Sequence[str], begin: int, end: int) -> int:
    """Return where the part of a sentence begins that ends before a token."""
    return next((at for at in range(end - 1, begin - 1, -1) if words[at] in PARTING), begin - 1) + 1
