"""Finding terms in what clinicians write, and whether a mention of a service is an order for it.

All work is linear in the length of the text: automatons read it once each, no pattern goes back.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from cards.matching.agreement import AgreementFinder
from cards.matching.asides import find_asides
from cards.matching.bystanders import Surroundings
from cards.matching.cues import CueFinder
from cards.matching.explicit import By
from cards.matching.explicit_orders import ExplicitOrders
from cards.matching.features import FeatureReader
from cards.matching.heads import HeadFinder, HeadsOfText
from cards.matching.lazy import lazy
from cards.matching.mention import Mention, Treatment
from cards.matching.name_tail import NameTails
from cards.matching.ordering import Ordering, OrderReading
from cards.matching.own_codes import OwnCodes
from cards.matching.phrases import Hit, PhraseFinder, longest, spellings
from cards.matching.plainness import DOCTORS, PlainWords
from cards.matching.sessions import Ordered
from cards.matching.stems import Stems
from cards.matching.treatments import TreatmentFinder
from cards.matching.withdrawals import Liveness, WithdrawalFinder
from cards.vocabulary import Cue, Vocabulary, WordList

#: A text that names services more often than this is no order but a document, and in doubt as one.
_MOST_MENTIONS: Final = 40
_TOO_MANY: Final = Cue("negation", "either", 0, "the same, very often")

#: A word of so many other services is in too many texts to look for.
_OFTEN: Final = 3

#: Of an agent, a site or the like one term counts; a longer one that begins before it ends a little later.
_MOST_OTHERS: Final = 8

#: Before a mention these order what the same sentence says was done before.
_AGAIN: Final = frozenset({"repeat", "repeating", "continue", "continuing", "resume"})

#: Behind one of these nobody agrees to pay: "does not have the cash".
_NEGATIONS: Final = frozenset(
    ("not", "cannot", "cant", "doesnt", "dont", "wont", "no", "unable", "refuses", "declines", "never")
)
_NEGATED: Final = 4

#: Kinds of cues by which it is left open which of several is meant.
_OPEN: Final = frozenset({"alternative", "hypothesis"})

#: Kinds of cues by which a service is talked about, and may be what is asked for.
_TALK: Final = frozenset({"consultation", "hypothesis"})


class TermFinder:
    """Finds the terms of many word lists in one pass, and for names of services the cues that reach them.

    `services` are the lists whose terms name a service; the others (agents, sites) are only found. `beside` are those
    whose terms a name that orders a service may have beside it, `agents` those that point to one without its name,
    `codes` for a list of a service the codes of each policy that has it, `open_codes` those that say nothing of what is
    done.
    """

    def __init__(
        self,
        lists: Mapping[str, WordList],
        services: Collection[str],
        vocabulary: Vocabulary,
        beside: Collection[str] = (),
        agents: Collection[str] = (),
        codes: Mapping[str, Sequence[Collection[str]]] | None = None,
        open_codes: Collection[str] = (),
    ) -> None:
        self._services = frozenset(services)
        self._terms: PhraseFinder[tuple[str, str, str]] = PhraseFinder(
            (variant, (name, variant, kind))
            for name, words in lists.items()
            for terms, kind in ((words.terms, "term"), (words.near_names, "near"), (words.look_alikes, "look-alike"))
            for variant in spellings(terms, words.misspelt if kind == "term" else ())
        )
        self.cues: CueFinder = vocabulary.make_once("cues", lambda: CueFinder(vocabulary))
        self._codes = OwnCodes(codes or {})
        self._actions = frozenset(vocabulary.actions)
        self._relations = frozenset(vocabulary.relations)
        self._loose_relations = self._relations.union(vocabulary.loose_relations)
        self.treatments: TreatmentFinder = vocabulary.make_once("treatments", lambda: TreatmentFinder(vocabulary))
        self.things: frozenset[str] = vocabulary.withdrawals.others
        self.withdrawals: WithdrawalFinder = vocabulary.make_once(
            "withdrawals",
            lambda: WithdrawalFinder(vocabulary.withdrawals, vocabulary.other_treatments, vocabulary.place_words),
        )
        self.paying: PhraseFinder[None] = vocabulary.make_once(
            "paying", lambda: PhraseFinder((phrase, None) for phrase in vocabulary.withdrawals.paying)
        )
        self.not_paying = vocabulary.withdrawals.bystanders.not_paying
        self.heads: HeadFinder = vocabulary.make_once("heads", lambda: HeadFinder(vocabulary.heads, vocabulary.actions))
        terms = (term for name in (*services, *beside) for term in lists[name].terms)
        given = (term for name in agents for term in lists[name].terms)
        self.plain = PlainWords(vocabulary, terms, given, open_codes)
        pointing = [lists[name] for name in (*services, *agents)]
        often = Counter(word for phrase in vocabulary.other_services for word in phrase.split())
        common = frozenset(word for word, times in often.items() if times >= _OFTEN)
        terms = (term for words in pointing for term in spellings(words.terms, words.misspelt))
        self._pointing = Stems(terms, common)
        self._pointing_lists = frozenset((*services, *agents))
        names = (form for name in services for form in spellings(lists[name].terms, lists[name].misspelt))
        self.names = frozenset(name for name in names if " " not in name)
        self.tails = NameTails(vocabulary, self.plain, self.names)
        self.explicit = ExplicitOrders(self.plain, vocabulary)
        self._ordering = Ordering(self.plain, self.tails, self._codes, vocabulary)
        self.features = FeatureReader(self.plain.services, vocabulary.place_words)
        self.learned = vocabulary.learned
        self.agreements: AgreementFinder = vocabulary.make_once("agreements", lambda: AgreementFinder(vocabulary))

    def read(self, text: str, *, is_name: bool = False) -> "TextReading":
        """Return a text as written, read; `is_name`: it names the order, so that every word of it counts."""
        return TextReading(self, text, is_name=is_name)

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in a text as written."""
        return self.read(text).mentions

    def may_point(self, text: str) -> bool:
        """Tell whether a text as written may name a service or an agent; where it says no, it names none."""
        return self._pointing.may_be_in(text)

    def points(self, text: str) -> bool:
        """Tell whether a text as written names a service or an agent."""
        return self.may_point(text) and any(one.word_list in self._pointing_lists for one in self.find(text))

    def is_service(self, mention: Mention) -> bool:
        """Tell whether a mention names a service, not an agent, a site or the like."""
        return mention.word_list in self._services

    def find_mentions(self, reading: "TextReading") -> list[Mention]:
        """Return the mentions in a text: every one of a service, and the first of any other word list."""
        services: list[Mention] = []
        others: dict[str, Mention] = {}
        tokens = reading.tokens
        for first, end, (name, term, kind) in longest(self._terms.find_in(tokens, self._first_of_others())):
            if kind == "look-alike":
                continue
            if name not in self._services:
                others.setdefault(name, Mention(name, term, span=tokens.span(first, end)))
            elif len(services) > _MOST_MENTIONS:
                services.append(Mention(name, term, (_TOO_MANY,), span=tokens.span(first, end)))
                break
            else:
                services.append(self._mention(reading, Hit(first, end, (name, term, kind))))
        return [*services, *others.values()]

    def _first_of_others(self) -> Callable[[tuple[str, str, str]], bool]:
        """Return what lets pass every name of a service, and of any other word list the first few terms."""
        left: dict[str, int] = {}

        def is_wanted(entry: tuple[str, str, str]) -> bool:
            name = entry[0]
            if name in self._services:
                return True
            left[name] = left.get(name, _MOST_OTHERS) - 1
            return left[name] >= 0

        return is_wanted

    def _mention(self, reading: "TextReading", hit: Hit[tuple[str, str, str]]) -> Mention:
        tokens, (first, end, (name, term, kind)) = reading.tokens, hit
        explicit = self.explicit.find(reading, first, end)
        reaching = tuple(reading.cues.reaching(first, end, left_out=reading.beside, order=explicit))
        if not _AGAIN.isdisjoint(tokens.words[max(0, first - 2) : first]):
            reaching = tuple(cue for cue in reaching if cue.kind != "history")
        ordered = self._ordering.orders(reading, first, end, name) and not self.explicit.denies(reading, first, end)
        if not reading.is_name and self.agreements.is_of_talk(reaching):
            is_agreed = self.agreements.follows(tokens, end, self.plain, self.names)
            ordered, reaching = (True, ()) if is_agreed else (ordered, reaching)
        is_chosen = first > 0 and tokens.words[first - 1] in self._actions  # "Dr Lee prefers prolotherapy"
        if (reading.is_name and ordered) or is_chosen:
            reaching = tuple(cue for cue in reaching if cue.phrase not in DOCTORS)
        return Mention(
            name,
            term,
            reaching,
            ordered=ordered,
            span=tokens.span(first, end),
            clause=tokens.span(*tokens.clause_range(first)),
            aside=reading.is_name and not ordered and self._is_aside(reading, first, name, reaching),
            is_near=kind == "near",
            first=first,
            end=end,
            explicit=explicit.by if explicit else None,
        )

    def find_first_others(self, reading: "TextReading") -> tuple[int, int]:
        """Return the first token of another service, and of a talk about one; one past the last where there is none."""
        tokens, harmless = reading.tokens, reading.cues.harmless
        services = [hit for hit in self.plain.find_services(tokens) if not harmless.hold(hit.first, hit.end)]
        end = len(tokens.words)
        other = min((hit.first for hit in services if hit.value), default=end)
        return min(other, self.treatments.find_first(tokens)), min(
            (hit.first for hit in services if not hit.value), default=end
        )

    def _is_aside(self, reading: "TextReading", first: int, name: str, cues: Sequence[Cue]) -> bool:
        """Tell that another service, or words that are not plain and a relation, stand before a mention."""
        if reading.names_another_before(first) and not any(cue.kind in _OPEN for cue in cues):
            return True
        tokens = reading.tokens
        is_talked_about = any(cue.kind in _TALK for cue in cues)
        relations = self._relations if is_talked_about else self._loose_relations
        harmless = reading.cues.harmless.before_a_name
        before = self._codes.leave_out(name, harmless.leave_out(tokens.clause_range(first)[0], first))
        related = next((place for place, word in enumerate(before) if word in relations), None)
        return bool(related) and not self.plain.are_plain(before[:related])


class TextReading(OrderReading):
    """One text of an order, and what it names, found when it is asked for."""

    def __init__(self, finder: TermFinder, text: str, *, is_name: bool) -> None:
        super().__init__(text, finder.cues, finder.plain, is_name=is_name)
        self._finder = finder

    @lazy
    def mentions(self) -> list[Mention]:
        """What the text names."""
        return self._finder.find_mentions(self)

    def names_another_before(self, index: int) -> bool:
        """Tell that another service or treatment is named before a token, and no talk that may be about this one."""
        other, talk = self._first_others
        return other < index <= talk

    @lazy
    def _first_others(self) -> tuple[int, int]:
        return self._finder.find_first_others(self)

    @lazy
    def heads(self) -> HeadsOfText:
        """The words that are plain elsewhere and may be ordered themselves."""
        return self._finder.heads.find_in(self.tokens)

    @lazy
    def beside(self) -> frozenset[int]:
        """The tokens that say nothing behind a service: what was tried, what refers, until when, on other things."""
        asides = find_asides(self.tokens.words, self._finder.things)
        return self.past | self.references | self.cues.of_things | asides

    @lazy
    def past(self) -> frozenset[int]:
        """The tokens that say what was tried before the service."""
        return self._finder.tails.find_past(self.tokens.words, is_name=self.is_name)

    @lazy
    def treatments(self) -> Sequence[Treatment]:
        """The treatments, of those given instead of a service, that the text names."""
        return list(self._finder.treatments.find_in(self, self.past, self._find_services, self._finder.explicit))

    def _find_services(self) -> Sequence[Mention]:
        return [mention for mention in self.mentions if self._finder.is_service(mention)]

    def liveness(self, ordered: Ordered, *, is_paid: bool) -> Liveness:
        """Return what the text says of whether the order stands; `is_paid`: the patient pays for it."""
        orders = sorted(one.first for one in self._find_services() if one.explicit is By.ACTION and not one.cues)
        labels = sorted(one for one in self.labels if not self._finder.plain.is_order_label(one, self.tokens))
        return self._finder.withdrawals.find_in(self.tokens, ordered, Surroundings(labels, orders, is_paid))

    @lazy
    def says_who_pays(self) -> bool:
        """Tell that the text says that the patient pays."""
        return any(self._tells_of_paying(hit.first) for hit in self._finder.paying.find_in(self.tokens))

    def _tells_of_paying(self, first: int) -> bool:
        begin, stop = self.tokens.clause_range(first)
        before = self.tokens.words[max(begin, first - _NEGATED) : first]
        is_negated = before[-1:] != [","] and not _NEGATIONS.isdisjoint(before)  # "insurer says no, she pays"
        return not is_negated and self._finder.not_paying.isdisjoint(self.tokens.words[begin:stop])
