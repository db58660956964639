"""Finds what a note orders in so many words: in a ticked box, behind a label, as the object of an action."""

from collections.abc import Collection, Sequence
from typing import Final

from cards.matching.explicit import By, ExplicitOrder
from cards.matching.ordering import OrderReading
from cards.matching.plainness import PlainWords
from cards.matching.sentence_ends import STOP

#: Words between what orders a service and its name.
_SMALL: Final = frozenset(
    (
        *("the", "a", "an", "another", "more", "some", "of", "her", "his", "their", "our", "this", "these", "next"),
        *("dextrose", "dex", "session", "sessions", "round", "rounds", "series", "course", "repeat", "first", "second"),
        *(
            "uh",
            "um",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "last",
            "final",
            "one",
            "two",
            "three",
            "four",
            "el",
            "la",
            "de",
            "una",
        ),
        *("sesion", "sesiones", "#", "in", "office"),
    )
)
#: What a service is called with, behind its name.
_CALLED: Final = frozenset(
    (
        *("injection", "injections", "inj", "injs", "tx", "txs", "therapy", "treatment", "treatments", "session"),
        *("sessions", "series", "shots", "procedure", "visit", "visits"),
    )
)
#: These part a sentence.
_PARTING: Final = frozenset({",", ":", "(", ")", "so", "but", "then", "\u2192", STOP, "and"})

#: Behind its name these make a service the subject of a statement, which orders nothing.
_STATING: Final = frozenset(
    (
        *(
            "is",
            "was",
            "were",
            "are",
            "be",
            "been",
            "has",
            "have",
            "had",
            "did",
            "does",
            "do",
            "will",
            "would",
            "could",
        ),
        *("can", "may", "might", "should", "must", "works", "worked", "helped", "helps", "failed", "gave", "made"),
        *("seems", "seemed", "felt", "went", "came", "vs", "versus", "or", "if", "not", "no", "never", "than", "as"),
        *("ayudo", "fue", "es", "era", "puede", "podria", "no", "ya"),
    )
)
#: Shorter words that end with "ed" are no verbs: "med".
_SHORTEST: Final = 4
#: Actions that may be of something else than what follows.
_NO_VERBS: Final = frozenset({"today", "now", "here", "agreed", "plan", "set", "decided", "planned", "agenda", "go"})
#: More words that order what follows.
_VERBS: Final = frozenset(
    (
        *("sched", "scheduling", "booking", "need", "wanted", "send", "put", "reschedule", "rebook", "ordered", "use"),
        *(
            "switching",
            "changed",
            "switched",
            "agendar",
            "ponerle",
            "poner",
            "vamos",
            "quiero",
            "have",
            "having",
            "perf",
        ),
    )
)
#: Words that lead from an action to its object over others: "put Mr. H. down for".
_LEADING: Final = frozenset({"for", "with", "w", "to", "para", "con", "a"})
_FARTHEST: Final = 6
#: With these a sentence that begins with a service goes on to where and how.
_HOW: Final = frozenset(
    {"to", "for", "of", "at", "on", "in", "into", "over", "w", "with", "around", "both", "using", "a"}
)
_DIRECTIONS: Final = frozenset({"here", "set", "up", "ahead", "back", "down", "out", "in", "returns", "due"})
#: What a sentence begins with, or a clinician does, and orders what follows.
_REQUESTING: Final = frozenset({"requesting", "request"})
_ASKING: Final = frozenset({*_REQUESTING, "requests", "wants", "needs", "want"})
_CLINICIANS: Final = frozenset({"doc", "dr", "md", "provider", "doctor", "attending", "pmr", "ortho", "np", "pa", "i"})
#: "It will be ...", "what I want is ...".
_BEING: Final = {
    "be": frozenset({"will", "to"}),
    "is": frozenset({"want", "order", "plan", "need", "this", "procedure", "treatment", "is"}),
}
#: One of these stands before a colon that leads to what is ordered.
_ORDERING: Final = frozenset(
    (
        *(
            "order",
            "orders",
            "verbal",
            "vo",
            "vorb",
            "rewrite",
            "start",
            "again",
            "plan",
            "need",
            "needs",
            "so",
            "today",
        ),
        *("now", "request", "rq", "rx", "procedure", "proc", "will", "do", "doing", "tx", "service", "orden"),
        *(
            "thing",
            "specify",
            "specified",
            "injection",
            "inj",
            "treatment",
            "decision",
            "want",
            "wants",
            "per",
            "again",
        ),
    )
)
#: Whose words these are no colon says that anything is ordered.
_NOT_ORDERING: Final = frozenset({"prior", "previous", "past", "hx", "history", "tried", "failed", "discussed", "old"})

_BOXES: Final = {"]": "[", ")": "("}
_TICKS: Final = frozenset({"x", "\u2713", "\u2714", "o"})
_TICKED: Final = frozenset({"\u2611", "\u2612"})


class ExplicitOrders:
    """Finds what orders a service in so many words; `actions` are words by which a service is ordered."""

    def __init__(self, plain: PlainWords, actions: Collection[str]) -> None:
        self._plain = plain
        self._verbs = frozenset(actions) - _NO_VERBS | _VERBS

    def find(self, reading: OrderReading, first: int, end: int) -> ExplicitOrder | None:
        """Return what orders in so many words what stands from `first` to before `end`; in a name nothing does."""
        words = reading.tokens.words
        begin, stop = reading.tokens.clause_range(first)
        if reading.is_name or not self._goes_on(words[end:stop]):
            return None
        if reading.heads.reach((first, end), (begin, stop), reading.cues.harmless.before_a_name):
            return None
        start = first
        while start > max(begin, first - _FARTHEST) and _is_small(words[start - 1]):
            start -= 1
        by = self._by(reading, (begin, stop), start, (first, end))
        if by is None:
            return None
        part = next((at for at in range(start - 1, begin - 1, -1) if words[at] in _PARTING), begin - 1) + 1
        until = next((at for at in range(end, stop) if words[at] in _PARTING), stop)
        return ExplicitOrder(by, part, until, start - 1 if by is By.ACTION else -1)

    def _goes_on(self, after: Sequence[str]) -> bool:
        """Tell that what follows a service says how and where it is done, not what became of it."""
        word = next((word for word in after if word not in _CALLED), "")
        if word in _STATING or (word.endswith("ed") and len(word) > _SHORTEST):
            return False
        return not self._plain.name_things((word,))

    def _by(self, reading: OrderReading, clause: tuple[int, int], start: int, mention: tuple[int, int]) -> By | None:
        words, (begin, stop), (first, end) = reading.tokens.words, clause, mention
        if start > begin and words[start - 1] in _TICKED:
            return By.TICK
        if start - begin > 2 and words[start - 3] == _BOXES.get(words[start - 1]) and words[start - 2] in _TICKS:
            return By.TICK
        label, after_label, _ = reading.field(start if start < len(words) else start - 1)
        if label and self._plain.is_order_label(label, reading.tokens):
            between = words[after_label:start]
            if self._plain.are_plain(between):
                return By.LABEL
        heading = reading.cues.heading_over(mention[0])
        if start == begin and heading and self._plain.head_orders(words[slice(*heading)]):
            return By.LABEL
        if start == begin:
            return By.HEAD if self._begins(words, end, stop) else None
        return By.ACTION if self._is_led(words, begin, start, first) else None

    def _begins(self, words: Sequence[str], end: int, stop: int) -> bool:
        """Tell that a sentence that begins with a service goes on with how or where: "Prolo R thumb base, 3 points"."""
        until = next((at for at in range(end, stop) if words[at] in _PARTING), stop)
        said = [word for word in words[end:until] if word not in _CALLED]
        is_how = bool(said) and said[0] in _HOW
        return (is_how or self._plain.are_plain(said[:1], forgiving=True)) and not self._plain.name_things(said)

    def _is_led(self, words: Sequence[str], begin: int, start: int, first: int) -> bool:
        before = words[start - 1]
        if before in _REQUESTING and start - 1 == begin:
            return True
        if before in _ASKING and not _CLINICIANS.isdisjoint(words[begin : start - 1][-2:]):
            return True
        if before == "your" and "next" in words[start:first]:
            return True
        if before == "\u2192" or before in self._verbs:
            return True
        if before in _BEING and start - 2 >= begin:
            return words[start - 2] in _BEING[before]
        part = next((at for at in range(start - 2, begin - 1, -1) if words[at] in _PARTING), begin - 1) + 1
        led = words[part : start - 1]
        if before == ":":
            return not _ORDERING.isdisjoint((*led, words[start - 2])) and _NOT_ORDERING.isdisjoint(led)
        if before in _LEADING:
            return (
                not self._verbs.isdisjoint(led[-_FARTHEST:])
                or list(led[-2:]) == ["plan", "is"]
                or bool(led[-1:] and led[-1] in _DIRECTIONS)
            )
        return False


def _is_small(word: str) -> bool:
    return word in _SMALL or word[0].isdigit()
