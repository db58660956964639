"""The policies as one FHIR R4 Bundle of clinical knowledge artifacts, for other engines to read.

A policy keeps one canonical `url`; its dated versions are business versions of it (`url|version`). Each version is a
PlanDefinition (what is held), a Library (which code lists it rests on) and one ValueSet for each role of its codes.
The words that name a service are not in it: FHIR has no element for them, and a ValueSet is no list of words.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from cards import CodeSystems, Vocabulary
from cards.policy_codes import expand_codes
from cards.policy_document import complete_version
from cds_hooks.rules.fhir_actions import describe_actions, document_source, present

Json = Mapping[str, Any]

#: The version key of a policy document whose start the source does not record (policy.schema.json, `versions`).
_UNKNOWN: Final = "unknown"

#: FHIR R4, id: `[A-Za-z0-9\-.]{1,64}`.
_LONGEST_ID: Final = 64

_LIBRARY_TYPES: Final = "http://terminology.hl7.org/CodeSystem/library-type"

#: What a reader must know of a role before using its ValueSet: only definitive codes decide by themselves.
_ROLES: Final[Mapping[str, str]] = {
    "definitive": "Codes each of which alone names the service.",
    "nonspecific": "Codes under which the service may hide. None of them names it: the words of the order must.",
    "unlisted": "Unlisted codes under which the service may hide. They say nothing: the words of the order must.",
}


@dataclass(frozen=True)
class _Version:
    """One version of a policy document, and what is the same in all resources made of it.

    `number` is the business version; `end` is the last day in force, None where no later key is recorded.
    """

    document: Json
    entry: Json
    key: str
    number: str
    end: date | None
    on: date
    base_url: str
    systems: CodeSystems

    @property
    def title(self) -> str:
        """The policy as people cite it: number and title."""
        number = self.document.get("number")
        return f"{number}: {self.document['title']}" if number else str(self.document["title"])

    @property
    def period(self) -> dict[str, str]:
        """The `effectivePeriod`: a Period's end takes in that whole day, so it is the day before the next version."""
        start = None if self.key == _UNKNOWN else self.key
        return present(start=start, end=self.end and self.end.isoformat())

    @property
    def roles(self) -> list[str]:
        """The roles that codes of this version have; each becomes a ValueSet."""
        return sorted({code["role"] for code in self.codes})

    @property
    def codes(self) -> list[Json]:
        """The codes with their roles, those of groups one by one: each of them names its service."""
        groups = self.entry.get("groups", {})
        found: list[Json] = [
            {"system": system, "code": code, "display": group["service"], "role": "definitive"}
            for name, group in groups.items()
            for system, code, _ in expand_codes(group["codes"], f"$.groups['{name}'].codes", self.systems)
        ]
        return found if groups else list(self.entry["codes"])

    def canonical(self, kind: str, *parts: str) -> str:
        """Return the `url` of a resource type, the same for all versions of the policy."""
        return f"{self.base_url}/{kind}/{'.'.join((self.document['id'], *parts))}"


def export_bundle(documents: Iterable[Json], vocabulary: Vocabulary, on: date, base_url: str) -> dict[str, Any]:
    """Return the Bundle (type collection) of policy documents that have passed the loader's checks.

    `on` is the day it is published: versions that ended before it are retired. `base_url` begins every canonical.
    """
    base_url = base_url.rstrip("/")
    resources = [
        resource
        for document in documents
        for version in _versions(document, on, base_url, vocabulary.code_systems)
        for resource in _resources(version, vocabulary)
    ]
    entries = [{"fullUrl": f"{base_url}/{r['resourceType']}/{r['id']}", "resource": r} for r in resources]
    entries.sort(key=lambda entry: str(entry["fullUrl"]))
    return {"resourceType": "Bundle", "id": "crd-policies", "type": "collection", "entry": entries}


def _versions(document: Json, on: date, base_url: str, systems: CodeSystems) -> Iterator[_Version]:
    """Yield the versions that say something: a `null` ends the one before it and is none itself."""
    entries: Json = document["versions"]
    keys = sorted(entries, key=lambda key: "" if key == _UNKNOWN else key)
    numbers = _numbers(entries)
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        end = date.fromisoformat(following) - timedelta(days=1) if following else None
        entry = complete_version(document, key)
        if entry is not None:
            yield _Version(document, entry, key, numbers[key], end, on, base_url, systems)


def _numbers(entries: Json) -> dict[str, str]:
    """Return each version's business version: the publisher's label, made fit for the `|version` of a canonical.

    A canonical has no space and one `|`. A label used twice would make `url|version` mean two resources.
    """
    labels = {key: str((entry or {}).get("label") or key) for key, entry in entries.items()}
    numbers = {key: re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-") or key for key, label in labels.items()}
    if len(set(numbers.values())) < len(numbers):
        return {key: f"{number}-{key}" for key, number in numbers.items()}
    return numbers


def _resources(version: _Version, vocabulary: Vocabulary) -> Iterator[dict[str, Any]]:
    yield _plan_definition(version)
    yield _library(version)
    for role in version.roles:
        yield _value_set(version, role, vocabulary)


def _plan_definition(version: _Version) -> dict[str, Any]:
    """Return what the version holds; `topic` is the service, `library` leads to the codes."""
    entry, document = version.entry, version.document
    number = document.get("number")
    return _metadata(version, "PlanDefinition") | present(
        identifier=[{"value": number}] if number else None,
        title=version.title,
        subtitle=entry.get("label"),
        description=entry.get("position"),
        topic=[{"text": document["service"]}],
        lastReviewDate=document["reviewed"],
        effectivePeriod=version.period,
        relatedArtifact=[*map(document_source, entry["references"]), *map(_evidence, entry.get("evidence", ()))],
        library=[f"{version.canonical('Library')}|{version.number}"],
        action=list(describe_actions(entry)),
    )


def _library(version: _Version) -> dict[str, Any]:
    """Return the collection of the version's code lists; `content` is left out, there is no logic to carry."""
    return _metadata(version, "Library") | present(
        title=f"{version.title}: codes",
        type={"coding": [{"system": _LIBRARY_TYPES, "code": "asset-collection"}]},
        lastReviewDate=version.document["reviewed"],
        effectivePeriod=version.period,
        relatedArtifact=[
            {
                "type": "depends-on",
                "display": f"{role} codes",
                "resource": f"{version.canonical('ValueSet', role)}|{version.number}",
            }
            for role in version.roles
        ],
    )


def _value_set(version: _Version, role: str, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the codes of one role, one `compose.include` for each code system."""
    codes = [code for code in version.codes if code["role"] == role]
    meaning = _ROLES.get(role, f"Codes with the role {role}.")
    return _metadata(version, "ValueSet", role) | {
        "title": f"{version.title}: {role} codes",
        "description": " ".join([meaning, *_labelled_otherwise(codes)]),
        "compose": {"include": _includes(codes, vocabulary)},
    }


def _includes(codes: Iterable[Json], vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Return `compose.include`, sorted; a `display` only where the policy gives one (CPT descriptors are the AMA's)."""
    systems: dict[str, dict[str, dict[str, str]]] = {}
    for code in codes:
        concept = present(code=code["code"].strip().upper(), display=code.get("display"))
        systems.setdefault(vocabulary.code_systems.uri(code["system"]), {}).setdefault(concept["code"], concept)
    return [
        {"system": uri, "concept": [concepts[code] for code in sorted(concepts)]}
        for uri, concepts in sorted(systems.items())
    ]


def _labelled_otherwise(codes: Iterable[Json]) -> Iterator[str]:
    """Yield a sentence for each code seen under other systems: a concept there would be a code that is not in them."""
    for code in codes:
        if code.get("also-labelled"):
            yield f"{code['code']} is also seen labelled as {', '.join(code['also-labelled'])}."


def _metadata(version: _Version, kind: str, *parts: str) -> dict[str, Any]:
    """Return the elements that every conformance resource has; `date` must change when `status` does."""
    document = version.document
    return {
        "resourceType": kind,
        "id": _id(document["id"], version.key, *parts),
        "url": version.canonical(kind, *parts),
        "version": version.number,
        "name": _name(document["id"], version.key, *parts),
        "status": "retired" if version.end and version.end < version.on else "active",
        "date": version.on.isoformat(),
        "publisher": document["publisher"],
        "copyright": document["rights"],
    }


def _id(*parts: str) -> str:
    """Return a legal id; policy ids have no dot, so no two meet, and a long one ends in a digest of the whole."""
    whole = ".".join(parts)
    if len(whole) <= _LONGEST_ID:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{whole[: _LONGEST_ID - 17]}.{digest}"


def _name(*parts: str) -> str:
    """Return a name fit for generated code (R4 pdf-0, lib-0, vsd-0: `[A-Z]([A-Za-z0-9_]){0,254}`)."""
    return re.sub(r"[^A-Za-z0-9_]", "_", "_".join(("Policy", *parts)))[:255]


def _evidence(evidence: Json) -> dict[str, Any]:
    """Return a work that the policy rests on."""
    display = "The source's decision rests on it." if evidence.get("carries-the-decision") else None
    return present(type="citation", display=display, citation=evidence["citation"], url=evidence.get("url"))
