"""Reading a policy document of `cards/policies/`: its versions, their groups of codes, the answers of each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from cards.coding import Coding
from cards.conditions import Fact, Named, read_conditions, read_providers, refuse_idle_providers
from cards.coverage_terms import CoverageTerms, read_terms
from cards.errors import DocumentError
from cards.policy import (
    UNKNOWN_START,
    Choice,
    Covered,
    Group,
    Inference,
    Policy,
    PolicyVersion,
    Reference,
    cite_title,
    own_word_list,
)
from cards.policy_codes import Codes, read_codes, read_group_codes
from cards.policy_document import answers_of, complete_version
from cards.vocabulary import Vocabulary

Json = Mapping[str, Any]


def read_policy(document: Json, vocabulary: Vocabulary) -> Policy:
    """Read a policy document that has passed policy.schema.json; DocumentError says what in it cannot be meant."""
    starts: list[date] = []
    versions: list[PolicyVersion | None] = []
    keys, unused = sorted(document["versions"], key=_start), set(document.get("groups", ()))
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        starts.append(_start(key))
        entry = complete_version(document, key)
        end = _start(following) - timedelta(days=1) if following else None
        versions.append(None if entry is None else _Reader(document, key, end, vocabulary).read(entry))
        unused -= set(entry.get("groups", ())) if entry else set()
    if unused:
        name = min(unused)
        raise DocumentError(f"$.groups['{name}']", "no version names this group: nobody's orders are answered by it")
    refuse_idle_providers(document)
    return Policy(
        id=document["id"],
        title=document["title"],
        service=document["service"],
        publisher=document["publisher"],
        number=document.get("number"),
        starts=tuple(starts),
        versions=tuple(versions),
    )


def _start(key: str) -> date:
    return date.min if key == UNKNOWN_START else date.fromisoformat(key)


class _Reader:
    """Reads one version of a document."""

    def __init__(self, document: Json, key: str, end: date | None, vocabulary: Vocabulary) -> None:
        self._document, self._key, self._end = document, key, end
        self._vocabulary = vocabulary
        self._path = f"$.versions['{key}']"
        self._providers = read_providers(document)

    def read(self, entry: Json) -> PolicyVersion:
        """Read a version that is complete."""
        if "references" not in entry:
            raise DocumentError(self._path, "references: missing here and under all-versions")
        return self._read_groups(entry) if "groups" in entry else self._read_plain(entry)

    def _read_plain(self, entry: Json) -> PolicyVersion:
        """Read a version that says the same of all its codes."""
        if "codes" not in entry:
            raise DocumentError(self._path, "codes: missing, and no groups in their place")
        codes = read_codes(entry["codes"], f"{self._where('codes')}.codes", self._vocabulary.code_systems)
        version = self._outline(entry, codes)
        return self._answer(version, entry, self._path, {})

    def _where(self, name: str) -> str:
        """Return the path under which a member of this version stands: in its own entry, or under all-versions."""
        return self._path if name in self._document["versions"][self._key] else "$['all-versions']"

    def _read_groups(self, entry: Json) -> PolicyVersion:
        """Read a version whose codes are in groups, each of which says something of its own."""
        systems = self._vocabulary.code_systems
        codes = {
            name: read_group_codes(group, f"$.groups['{name}'].codes", systems)
            for name, group in entry["groups"].items()
        }
        whole = self._outline(entry, ({c: p for named in codes.values() for c, p in named.items()}, *_NO_OTHERS))
        groups: dict[Coding, PolicyVersion] = {}
        for name, group in entry["groups"].items():
            path, told = f"$.groups['{name}']", Group(name, group["service"])
            part = replace(whole, key=f"{whole.key}:{name}", group=told, definitive=codes[name])
            answer = self._answer(part, group, path, codes)
            twice = groups.keys() & codes[name].keys()
            if twice:
                raise DocumentError(path, f"{min(twice).code} is in two groups of the version {self._key}")
            groups.update(dict.fromkeys(codes[name], answer))
        return replace(whole, groups=groups)

    def _outline(self, entry: Json, codes: Codes) -> PolicyVersion:
        """Return a version without its answer: what it looks for, since when, and on what it rests."""
        document, path, vocabulary = self._document, self._path, self._vocabulary
        definitive, nonspecific, unlisted = codes
        start = None if self._key == UNKNOWN_START else date.fromisoformat(self._key)
        key = f"{document['id']}@{self._key}"
        terms = entry.get("terms", ())
        return PolicyVersion(
            start=start,
            end=self._end,
            label=entry.get("label"),
            covered=Covered.CONDITIONAL,
            pa_needed=None,
            terms_of_coverage=CoverageTerms(),
            verdict="",
            position="",
            notes=(),
            definitive=definitive,
            nonspecific=nonspecific,
            unlisted=unlisted,
            nothing_words=_list_name(entry["unlisted-means-nothing"], path, vocabulary) if unlisted else None,
            inference=_read_inference(entry.get("inference"), f"{path}.inference", vocabulary),
            word_lists=_word_lists(terms, key, path, vocabulary),
            references=tuple(_read_reference(reference) for reference in entry["references"]),
            key=key,
            citation=_cite(document, entry.get("label"), start),
            terms=tuple(term for term in terms if not term.startswith("@")),
            next_steps=(),
        )

    def _answer(self, outline: PolicyVersion, entry: Json, path: str, groups: Mapping[str, Any]) -> PolicyVersion:
        """Return a version with its answer, or with those it chooses among by circumstances."""
        choices: list[Choice] = []
        named = Named(self._vocabulary.code_systems, groups, self._providers)
        for conditions, said, where in answers_of(entry):
            if choices and not choices[-1].conditions:
                raise DocumentError(f"{path}{where}", "never applies: the answer before it has no if")
            read = read_conditions(conditions, f"{path}{where}.if", named)
            choices.append(Choice(read, _say(outline, said, f"{path}{where}")))
            _check_reason(choices, f"{path}{where}")
        if len(choices) == 1 and not choices[0].conditions:
            return choices[0].version
        return replace(outline, choices=tuple(choices), merged={})


#: Groups hold codes that name their service, and no others.
_NO_OTHERS: Final[tuple[frozenset[Coding], frozenset[Coding]]] = (frozenset(), frozenset())


def _say(outline: PolicyVersion, said: Json, path: str) -> PolicyVersion:
    """Return a version that says this one answer; DocumentError where its parts do not go together."""
    _check_answer(said, path)
    return replace(
        outline,
        covered=Covered(said["covered"]),
        pa_needed=said.get("pa-needed"),
        terms_of_coverage=read_terms(said),
        verdict=said["verdict"],
        position=said["position"],
        notes=tuple(said.get("notes", ())),
        next_steps=tuple(said.get("next-steps", ())),
        reason=said.get("reason"),
    )


def _check_answer(said: Json, path: str) -> None:
    """Refuse what the guide's invariants refuse (crd-ci-q2, q3), and answers without their words."""
    for name in ("covered", "verdict", "position"):
        if name not in said:
            raise DocumentError(path, f"{name}: missing, here and in what it is a part of")
    if said["covered"] == "covered" and "pa-needed" not in said:
        raise DocumentError(path, "pa-needed: missing; covered says whether prior authorization is needed")
    if said["covered"] == "not-covered":
        for name in ("pa-needed", "info-needed", "documentation", "details", "reason"):
            if name in said:
                raise DocumentError(path, f"{name}: has no place beside not-covered")
    documents = said.get("documentation", {}).get("needed", ())
    if "conditional" in documents and len(documents) > 1:
        raise DocumentError(path, "documentation: conditional stands alone")
    if "info-needed" in said and "conditional" not in (said["covered"], said.get("pa-needed"), *documents):
        raise DocumentError(path, "info-needed: only where covered, pa-needed or documentation is conditional")


#: When each reason is one: what its answer says of prior authorization, and what that rests on.
_REASONS: Final = {
    "gold-card": "gold-card is why pa-needed is no-auth, in an answer if ordered-by a list of providers",
    "auth-out-network": "auth-out-network is why pa-needed is not no-auth, after an answer if performed-by the network",
}


def _check_reason(choices: Sequence[Choice], path: str) -> None:
    """Refuse a reason for the last of some choices that cannot be its reason."""
    *_, last = choices
    version, asked = last.version, {condition.fact for choice in choices for condition in choice.conditions}
    if version.reason == "gold-card":
        fits = version.pa_needed == "no-auth" and any(one.fact is Fact.ORDERED_BY for one in last.conditions)
    else:
        fits = version.pa_needed != "no-auth" and Fact.PERFORMED_BY in asked
    if version.reason and not fits:
        raise DocumentError(path, f"reason: {_REASONS[version.reason]}")


def _cite(document: Json, label: str | None, start: date | None) -> str:
    """Return the version as people cite it: publisher, number and title, version, since when."""
    version = f", {label}" if label else ""
    since = f"in force from {start}" if start else "in force; its start is not recorded"
    return f"{document['publisher']}, {cite_title(document.get('number'), document['title'])}{version}, {since}"


def _word_lists(terms: Any, version_key: str, path: str, vocabulary: Vocabulary) -> frozenset[str]:
    lists: set[str] = set()
    for number, term in enumerate(terms):
        named = term.startswith("@")
        lists.add(_list_name(term, f"{path}.terms[{number}]", vocabulary) if named else own_word_list(version_key))
    return frozenset(lists)


def _read_inference(entry: Json | None, path: str, vocabulary: Vocabulary) -> Inference | None:
    if entry is None:
        return None

    def lists(name: str) -> frozenset[str]:
        return frozenset(_list_name(term, f"{path}.{name}", vocabulary) for term in entry.get(name, ()))

    return Inference(
        agents=lists("agents"),
        places=lists("sites") | lists("indications"),
        injections=lists("injection-words"),
        exclusions=lists("exclusions"),
        regulated=lists("regulated"),
        regulatory_note=entry.get("regulatory-note"),
    )


def _list_name(term: str, path: str, vocabulary: Vocabulary) -> str:
    if term[1:] not in vocabulary.lists:
        known = ", ".join(f"@{name}" for name in sorted(vocabulary.lists))
        raise DocumentError(path, f"word list {term} is not in the vocabulary (known: {known})")
    return term[1:]


def _read_reference(entry: Json) -> Reference:
    retrieved = date.fromisoformat(entry["retrieved"]) if "retrieved" in entry else None
    return Reference(entry["title"], entry["url"], retrieved)
