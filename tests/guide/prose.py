"""Rules the guide has in words that its expressions do not decide, where the words are the stronger and sane.

Left out on purpose: "pa-needed should not exist" of 2.0.1's crd-ci-q2, which its own expression contradicts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.guide.definitions import Guide

#: The values of an extension by the name of their part, in their order.
Values = Mapping[str, list[Any]]


@dataclass(frozen=True)
class ProseRule:
    """What must hold in the versions that say so, and where they say it."""

    key: str
    versions: frozenset[str]
    says: str
    source: str
    holds: Callable[[Values, Guide], bool]


def broken_prose(guide: Guide, extension: Mapping[str, Any]) -> list[ProseRule]:
    """Return the rules in words that a well-formed extension breaks."""
    values: dict[str, list[Any]] = {}
    for part in extension["extension"]:
        values.setdefault(part["url"], []).extend(item for name, item in part.items() if name.startswith("value"))
    return [rule for rule in PROSE if guide.version in rule.versions and not rule.holds(values, guide)]


def _is_conditional(values: Values) -> bool:
    return any("conditional" in values.get(name, ()) for name in ("covered", "pa-needed", "doc-needed"))


def _says_what_is_needed_iff_conditional(values: Values, guide: Guide) -> bool:
    del guide
    return ("info-needed" in values) == _is_conditional(values)


def _asks_nothing_if_not_covered(values: Values, guide: Guide) -> bool:
    del guide
    return "not-covered" not in values.get("covered", ()) or not values.keys() & {
        "doc-needed",
        "doc-purpose",
        "questionnaire",
    }


def _has_number_iff_satisfied(values: Values, guide: Guide) -> bool:
    del guide
    return ("satisfied" in values.get("pa-needed", ())) == ("satisfied-pa-id" in values)


def _documents_no_authorization_not_needed(values: Values, guide: Guide) -> bool:
    without = {"satisfied"} if guide.version != "2.2" else {"satisfied", "no-auth"}
    return "withpa" not in values.get("doc-purpose", ()) or not without & set(values.get("pa-needed", ()))


def _explains_other_information(values: Values, guide: Guide) -> bool:
    del guide
    return "OTH" not in values.get("info-needed", ()) or "reason" in values


def _explains_each_foreign_reason(values: Values, guide: Guide) -> bool:
    return all("text" in reason or _codings(reason) <= guide.reasons for reason in values.get("reason", ()))


def _asks_for_a_finer_code_only_if_conditional(values: Values, guide: Guide) -> bool:
    del guide
    asks = any(code == "detail-code" for reason in values.get("reason", ()) for _, code in _codings(reason))
    return _is_conditional(values) or not asks


def _links_to_a_coverage(values: Values, guide: Guide) -> bool:
    del guide
    return all(reference.get("reference") for reference in values.get("coverage", ()))


def _codings(concept: Mapping[str, Any]) -> frozenset[tuple[Any, Any]]:
    return frozenset((coding.get("system"), coding.get("code")) for coding in concept.get("coding", ()))


_ALL = frozenset({"2.0", "2.1", "2.2"})
_SHORTHAND = frozenset({"2.1", "2.2"})

PROSE = (
    ProseRule(
        "q3 both ways",
        _SHORTHAND,  # 2.0.1's text is one-way, and so is its expression
        "info-needed exists if and only if covered, pa-needed or doc-needed is conditional",
        "crd-ci-q3, Description, 2.1 and 2.2",
        _says_what_is_needed_iff_conditional,
    ),
    ProseRule(
        "q4 withpa",
        _ALL,
        "where prior authorization is satisfied (2.2: or not needed), no documents are for it",
        "crd-ci-q4, human text; 2.0.1 compares with 'PA', 2.2 with 'noauth', neither of which is a code",
        _documents_no_authorization_not_needed,
    ),
    ProseRule(
        "q5 satisfied",
        _ALL,
        "satisfied-pa-id exists if and only if pa-needed is satisfied",
        "crd-ci-q5, human text, all versions",
        _has_number_iff_satisfied,
    ),
    ProseRule(
        "q6 OTH",
        _SHORTHAND,
        "info-needed OTH has a reason",
        "crd-ci-q6, Description; 2.1 compares with 'Other', which is no code",
        _explains_other_information,
    ),
    ProseRule(
        "q7 each reason",
        _SHORTHAND,
        "each reason with a coding outside the value set has a text of its own",
        "crd-ci-q7, Description; the expression is content with a text of any reason",
        _explains_each_foreign_reason,
    ),
    ProseRule(
        "detail-code",
        frozenset({"2.0", "2.1"}),  # since 2.2 a code of info-needed
        "the reason detail-code is only present if something is conditional",
        "CodeSystem temp, definition of detail-code",
        _asks_for_a_finer_code_only_if_conditional,
    ),
    ProseRule(
        "not-covered asks nothing",
        _ALL,
        "what is not covered needs no documents and no questionnaire",
        "CodeSystem, definition of not-covered: no coverage or possibility of coverage; crd.md 2.3",
        _asks_nothing_if_not_covered,
    ),
    ProseRule(
        "coverage is a link",
        _ALL,
        "coverage has a literal reference",
        "comment on extension[coverage]: always a link to a Coverage resource on the client's system",
        _links_to_a_coverage,
    ),
)
