"""The terms a policy sets beside its answer: what to document, what to tell later, and within which limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

Json = Mapping[str, Any]

#: Category of each detail code (CRD 2.2, coverageDetailCategories): limits when the answer holds, or helps decide.
DETAIL_CATEGORIES: Final[Mapping[str, str]] = {
    "allowed-quantity": "cat-limitation",
    "allowed-period": "cat-limitation",
    "in-network-copay": "cat-decisional",
    "out-network-copay": "cat-decisional",
    "concurrent-review": "cat-decisional",
    "appropriate-use-needed": "cat-decisional",
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


class Authorization(NamedTuple):
    """How prior authorization is asked for, in words: from whom, how long the review takes, how long it is valid."""

    asked_of: str | None = None
    review: str | None = None
    expedited_review: str | None = None
    valid_for: str | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What there is to know of it, a sentence each."""
        expedited = f", {self.expedited_review} where it is expedited" if self.expedited_review else ""
        told = (
            self.asked_of and f"Request it from {self.asked_of}.",
            self.review and f"The review takes {self.review}{expedited}.",
            self.valid_for and f"An approval is valid for {self.valid_for}.",
        )
        return tuple(sentence for sentence in told if sentence)


#: Nothing is known of how to ask.
NOT_TOLD: Final = Authorization()


@dataclass(frozen=True, eq=False)
class CoverageTerms:
    """Codes of the guide: `documents` of doc-needed, `purposes` of doc-purpose, `info_needed` of info-needed.

    `authorization` is what is known of the review where prior authorization is needed.
    """

    info_needed: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    questionnaires: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    authorization: Authorization = NOT_TOLD


def read_terms(entry: Json) -> CoverageTerms:
    """Read the terms of a policy version that has passed policy.schema.json."""
    documentation = entry.get("documentation", {})
    return CoverageTerms(
        info_needed=tuple(entry.get("info-needed", ())),
        documents=tuple(documentation.get("needed", ())),
        purposes=tuple(documentation.get("purposes", ())),
        questionnaires=tuple(documentation.get("questionnaires", ())),
        details=tuple(read_detail(detail) for detail in entry.get("details", ())),
        authorization=_read_authorization(entry),
    )


#: Answers beside which a policy tells how prior authorization is asked for.
_ASKED_FOR: Final = frozenset({"auth-needed", "performpa", "conditional"})


def _read_authorization(entry: Json) -> Authorization:
    said = entry.get("prior-authorization", {}) if entry.get("pa-needed") in _ASKED_FOR else {}
    return Authorization(
        said.get("request-from"), said.get("review"), said.get("expedited-review"), said.get("valid-for")
    )


def read_detail(entry: Json) -> Detail:
    """Read one detail; its value stands in the one member that names its type."""
    member = next(name for name in _VALUES if name in entry)
    return Detail(entry["code"], {_VALUES[member]: entry[member]}, entry.get("qualification"))
