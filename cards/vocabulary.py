"""The shared vocabulary: code systems, word lists and context cues, each written once for all policies."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cards.coding import CodeSystem, CodeSystems, Coding, fold_system
from cards.errors import DocumentError
from cards.word_kinds import (
    AntecedentWords,
    BystanderWords,
    ExplicitWords,
    HeadWords,
    LearnedLimits,
    LearnedWeights,
    LearnedWords,
    WithdrawalWords,
)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase that, near a service's name, says that it may not be what is ordered (see cues.schema.json)."""

    kind: str
    side: str
    reach: int
    phrase: str


class CodePattern(NamedTuple):
    """One code of a code system, or all that start so."""

    system: str
    code: str
    is_prefix: bool

    def matches(self, coding: Coding) -> bool:
        """Tell whether a code is meant."""
        if coding.system != self.system:
            return False
        return coding.code.startswith(self.code) if self.is_prefix else coding.code == self.code


@dataclass(frozen=True, slots=True)
class WordList:
    """Terms, and codes that stand for the same; `look_alikes` hold a term but mean something else.

    `near_names` are those of procedures near the one that the terms name: it may be meant, or not. Of the words
    `misspelt` a typing error counts too.
    """

    terms: tuple[str, ...]
    look_alikes: tuple[str, ...] = ()
    near_names: tuple[str, ...] = ()
    misspelt: tuple[str, ...] = ()
    codes: tuple[CodePattern, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """What the policies of a deployment share.

    `made` keeps what finds its words in a text: it is the same for every set of policies, and takes long to make.
    """

    code_systems: CodeSystems
    lists: Mapping[str, WordList]
    cues: tuple[Cue, ...]
    pseudo_cues: tuple[str, ...]
    behind_a_name: tuple[str, ...]
    agreements: tuple[str, ...]
    talk: tuple[str, ...]
    actions: tuple[str, ...]
    other_treatments: tuple[str, ...]
    other_services: tuple[str, ...]
    consultations: tuple[str, ...]
    relations: tuple[str, ...]
    loose_relations: tuple[str, ...]
    plain_words: tuple[str, ...]
    open_words: tuple[str, ...]
    means: tuple[str, ...]
    place_words: tuple[str, ...]
    misspelt_words: tuple[str, ...]
    imaging_words: tuple[str, ...]
    other_things: tuple[str, ...]
    heads: HeadWords
    explicit: ExplicitWords
    past_openers: tuple[str, ...]
    past_treatments: tuple[str, ...]
    past_outcomes: tuple[str, ...]
    compound_parts: tuple[str, ...]
    compound_adjectives: tuple[str, ...]
    whole_words: frozenset[str]
    labels: tuple[str, ...]
    order_labels: tuple[str, ...]
    withdrawals: WithdrawalWords
    learned: Mapping[str, LearnedWords] = field(default_factory=dict, repr=False)
    made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def make_once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what was made of these words under a name, or else make it."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]


def read_code_systems(document: Json) -> CodeSystems:
    """Read code-systems.json, which has passed its schema; a name or spelling used twice is refused."""
    seen: dict[str, str] = {}
    systems: dict[str, CodeSystem] = {}
    for number, entry in enumerate(document["codeSystems"]):
        path = f"$.codeSystems[{number}]"
        system = _read_code_system(entry, path)
        if system.name in systems:
            raise DocumentError(f"{path}.name", f"{system.name} is there twice")
        for spelling in (system.name, system.uri, *system.aliases):
            known = seen.setdefault(fold_system(spelling), system.name)
            if known != system.name:
                raise DocumentError(path, f"{spelling} is already a spelling of {known}")
        systems[system.name] = system
    return CodeSystems(systems)


def _read_code_system(entry: Json, path: str) -> CodeSystem:
    pattern = entry.get("procedure-codes")
    try:
        re.compile(pattern or "")
    except re.error:
        raise DocumentError(f"{path}.procedure-codes", "is not a regular expression") from None
    return CodeSystem(
        name=entry["name"],
        uri=entry["uri"],
        aliases=tuple(alias if isinstance(alias, str) else alias["spelling"] for alias in entry["aliases"]),
        names_a_service=entry["names-a-service"],
        procedure_codes=pattern,
        segments=tuple(entry.get("segments", ())),
        form=entry.get("form", ""),
        of_diagnoses=entry.get("of-diagnoses", False),
        add_ons=frozenset(code["code"] for code in entry.get("add-on-codes", ())),
    )


def read_vocabulary(
    systems: CodeSystems, words: Json, cues: Json, plain: Json, withdrawals: Json, learned: Json | None = None
) -> Vocabulary:
    """Read words.json, cues.json, plain-words.json, withdrawals.json and learned.json, which have passed their schemas.

    Without learned.json nothing is read a second time.
    """
    return Vocabulary(
        code_systems=systems,
        lists={name: _read_list(entry, f"$.lists['{name}']", systems) for name, entry in words["lists"].items()},
        cues=tuple(
            Cue(group["kind"], group["side"], group["reach"], phrase)
            for group in cues["cues"]
            for phrase in group["terms"]
        ),
        pseudo_cues=tuple(cues["pseudo-cues"]),
        behind_a_name=tuple(cues["behind-a-name"]),
        agreements=tuple(cues["agreements"]),
        talk=tuple(cues["talk"]),
        actions=tuple(cues["actions"]),
        other_treatments=tuple(cues["other-treatments"]),
        other_services=tuple(cues["other-services"]),
        consultations=tuple(cues["consultations"]),
        relations=tuple(cues["relations"]),
        loose_relations=tuple(cues["loose-relations"]),
        plain_words=_read_plain(plain, only_in_open_names=False),
        open_words=_read_plain(plain, only_in_open_names=True),
        means=_words_of(plain, "means"),
        place_words=_words_of(plain, "places"),
        misspelt_words=_words_of(plain, "misspelt"),
        imaging_words=_words_of(plain, "imaging"),
        other_things=tuple(plain["other-things"]),
        heads=HeadWords(**{kind: tuple(words) for kind, words in plain["heads"].items()}),
        explicit=ExplicitWords(**_word_sets(plain["explicit"])),
        past_openers=tuple(plain["past"]["openers"]),
        past_treatments=tuple(plain["past"]["treatments"]),
        past_outcomes=tuple(plain["past"]["outcomes"]),
        compound_parts=tuple(plain["compounds"]["parts"]),
        compound_adjectives=tuple(plain["compounds"]["adjectives"]),
        whole_words=frozenset(plain["whole-words"]),
        labels=tuple(plain["labels"]),
        order_labels=tuple(plain["order-labels"]),
        withdrawals=_read_withdrawals(withdrawals),
        learned=_read_learned(learned or {"lists": {}}, words["lists"]),
    )


def _read_learned(document: Json, lists: Json) -> Mapping[str, LearnedWords]:
    for name in document["lists"]:
        if name not in lists:
            raise DocumentError("$.lists", f"learned.json has weights for {name}, a list that words.json has not")
    return {
        name: LearnedWords(
            ordered=LearnedWeights(**entry["ordered"]),
            stands=LearnedWeights(**entry["stands"]),
            concerns=LearnedWeights(**entry["concerns"]),
            limits=LearnedLimits(**{limit.replace("-", "_"): share for limit, share in entry["limits"].items()}),
        )
        for name, entry in document["lists"].items()
    }


def _read_plain(document: Json, *, only_in_open_names: bool) -> tuple[str, ...]:
    groups = document["groups"]
    chosen = [group for group in groups if group.get("only-in-open-names", False) is only_in_open_names]
    return tuple(dict.fromkeys(word for group in chosen for word in group["words"]))


def _words_of(document: Json, property_name: str) -> tuple[str, ...]:
    """Return the words of the groups that have a property."""
    return tuple(word for group in document["groups"] if group.get(property_name, False) for word in group["words"])


def _word_sets(document: Json) -> dict[str, frozenset[str]]:
    return {kind.replace("-", "_"): frozenset(words) for kind, words in document.items()}


def _read_withdrawals(document: Json) -> WithdrawalWords:
    def phrases(name: str) -> tuple[str, ...]:
        return tuple(document[name])

    def words(name: str) -> frozenset[str]:
        return frozenset(document[name])

    return WithdrawalWords(
        statements=phrases("statements"),
        switches=phrases("switches"),
        verbs=phrases("verbs"),
        states=phrases("states"),
        hints=phrases("hints"),
        harmless=phrases("harmless"),
        reinstatements=phrases("reinstatements"),
        renewals=phrases("renewals"),
        directions=phrases("directions"),
        movements=phrases("movements"),
        paying=phrases("paying"),
        objects=words("objects"),
        subjects=words("subjects"),
        others=words("others"),
        boundaries=words("boundaries"),
        conditions=words("conditions"),
        negations=words("negations"),
        days=words("days"),
        past=words("past"),
        left=frozenset(document["sides"]["left"]),
        right=frozenset(document["sides"]["right"]),
        bystanders=BystanderWords(**_word_sets(document["bystanders"])),
        antecedents=AntecedentWords(**_word_sets(document["antecedents"])),
    )


def _read_list(entry: Json, path: str, code_systems: CodeSystems) -> WordList:
    for number, code in enumerate(entry.get("codes", ())):
        if code["system"] not in code_systems.by_name:
            raise DocumentError(f"{path}.codes[{number}].system", f"no code system {code['system']}")
    return WordList(
        terms=tuple(entry["terms"]),
        look_alikes=tuple(entry.get("look-alikes", ())),
        near_names=tuple(entry.get("near-names", ())),
        misspelt=tuple(entry.get("misspelt", ())),
        codes=tuple(pattern for code in entry.get("codes", ()) for pattern in read_patterns(code, code_systems)),
    )


def read_patterns(code: Json, code_systems: CodeSystems) -> tuple[CodePattern, ...]:
    """Read `{"system", "code"}` or `{"system", "starts-with"}`, in each way that the code can be read."""
    system, prefix = code["system"], code.get("starts-with")
    if prefix is not None:
        return (CodePattern(system, code_systems.prefix(system, prefix), is_prefix=True),)
    return tuple(CodePattern(*coding, is_prefix=False) for coding in code_systems.readings(system, code["code"]))
