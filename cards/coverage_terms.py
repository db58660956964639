"""The terms a policy sets beside its answer: what to document, what to tell later, and within which limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

#: Category of each detail code (CRD 2.2, coverageDetailCategories): limits when the answer holds, or helps decide.
DETAIL_CATEGORIES: Final[Mapping[str, str]] = {
    "allowed-quantity": "cat-limitation",
    "allowed-period": "cat-limitation",
    "in-network-copay": "cat-decisional",
    "out-network-copay": "cat-decisional",
    "concurrent-review": "cat-decisional",
    "appropriate-use-needed": "cat-decisional",
    "auth-out-network-only": "cat-decisional",
    "policy-link": "cat-other",
    "instructions": "cat-decisional",
}

#: The `value[x]` of a detail by the member of a policy file that holds it.
_VALUES: Final[Mapping[str, str]] = {
    "quantity": "valueQuantity",
    "period": "valuePeriod",
    "boolean": "valueBoolean",
    "url": "valueUrl",
    "string": "valueString",
}


@dataclass(frozen=True, eq=False)
class Detail:
    """One `detail` of coverage information: its code, the `value[x]` element as FHIR JSON, and what qualifies it."""

    code: str
    value: Json
    qualification: str | None = None


@dataclass(frozen=True, eq=False)
class CoverageTerms:
    """Codes of the guide: `documents` of doc-needed, `purposes` of doc-purpose, `info_needed` of info-needed.

    `authorization` is how prior authorization is asked for, a sentence each.
    """

    info_needed: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    questionnaires: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    authorization: tuple[str, ...] = ()


def read_terms(entry: Json) -> CoverageTerms:
    """Read the terms of a policy version that has passed policy.schema.json."""
    documentation = entry.get("documentation", {})
    return CoverageTerms(
        info_needed=tuple(entry.get("info-needed", ())),
        documents=tuple(documentation.get("needed", ())),
        purposes=tuple(documentation.get("purposes", ())),
        questionnaires=tuple(documentation.get("questionnaires", ())),
        details=tuple(read_detail(detail) for detail in entry.get("details", ())),
        authorization=_tell_authorization(entry),
    )


#: Answers beside which a policy tells how prior authorization is asked for.
_ASKED_FOR: Final = frozenset({"auth-needed", "performpa", "conditional"})


def _tell_authorization(entry: Json) -> tuple[str, ...]:
    """Return how authorization is asked for, where it may be: of whom, how long it takes, how long it is valid."""
    said = entry.get("prior-authorization", {}) if entry.get("pa-needed") in _ASKED_FOR else {}
    expedited = f", {said['expedited-review']} where it is expedited" if "expedited-review" in said else ""
    told = (
        f"Request it from {said['request-from']}." if "request-from" in said else "",
        f"The review takes {said['review']}{expedited}." if "review" in said else "",
        f"An approval is valid for {said['valid-for']}." if "valid-for" in said else "",
    )
    return tuple(sentence for sentence in told if sentence)


def read_detail(entry: Json) -> Detail:
    """Read one detail; its value stands in the one member that names its type."""
    member = next(name for name in _VALUES if name in entry)
    return Detail(entry["code"], {_VALUES[member]: entry[member]}, entry.get("qualification"))
