"""What a policy says, as the actions of a PlanDefinition: one for each answer, with its conditions in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cards.coverage_terms import read_terms
from cards.policy_document import answers_of

Json = Mapping[str, Any]

#: Code system of CRD 2.0.1 that the codes of `covered` and `pa-needed` are from.
_COVERAGE_CODES: Final = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"

#: Codes that CRD 2.0.1 does not have.
_LATER_CODES: Final = frozenset({"OTH", "patient", "detail-code", "auth-out-network"})


def describe_actions(entry: Json) -> Iterator[dict[str, Any]]:
    """Yield the actions of a complete version: those of each of its groups within one for the group."""
    source = entry["references"][0]
    if "groups" not in entry:
        yield from _answers(entry, source)
        return
    for name, group in entry["groups"].items():
        codes = f"For {', '.join(group['codes'])}."
        described = {"prefix": name, "title": group["service"], "description": codes}
        yield {**described, "action": list(_answers(group, source))}


def _answers(entry: Json, source: Json) -> Iterator[dict[str, Any]]:
    for conditions, said, _ in answers_of(entry):
        yield _action(conditions, said, source)


def _action(conditions: Json, said: Json, source: Json) -> dict[str, Any]:
    """Return one answer: the verdict, its sentences, and the guide's own codes (PlanDefinition.action.code).

    The next steps of a clinician are actions within it. The first answer whose conditions hold is given.
    """
    codes = [(name, said[name]) for name in ("covered", "pa-needed") if name in said]
    codes += [("info-needed", code) for code in said.get("info-needed", ())]
    codes += [("doc-needed", code) for code in said.get("documentation", {}).get("needed", ())]
    codes += [("reason", said["reason"])] if "reason" in said else []
    sentences = [said["position"], *said.get("notes", ()), *read_terms(said).authorization]
    return present(
        title=said["verdict"],
        description=" ".join(sentences),
        code=[
            {"coding": [{"system": _COVERAGE_CODES, "code": code}], "text": f"{name}: {code}"}
            for name, code in codes
            if code not in _LATER_CODES
        ],
        documentation=[document_source(source)],
        condition=[_condition(name, value) for name, value in conditions.items()],
        action=[{"description": step} for step in said.get("next-steps", ())],
    )


def _condition(fact: str, value: Any) -> dict[str, Any]:
    """Return a condition in words: the policies' facts are no expression language that another engine could run."""
    if isinstance(value, Mapping):
        words = " and ".join(f"{name.replace('-', ' ')} {number}" for name, number in value.items())
    else:
        words = f"one of {', '.join(value)}"
    return {"kind": "applicability", "expression": {"language": "text/plain", "expression": f"{fact}: {words}"}}


def document_source(reference: Json) -> dict[str, Any]:
    """Return a source; R4's RelatedArtifact has no date of access, so the citation says it, as citations do."""
    title, url = reference["title"], reference["url"]
    citation = f"{title}. {url}" + (f" (retrieved {reference['retrieved']})" if "retrieved" in reference else "")
    return {"type": "documentation", "display": title, "citation": citation, "url": url}


def present(**elements: Any) -> dict[str, Any]:
    """Return the elements that are there: FHIR JSON has no null and nothing empty."""
    return {name: value for name, value in elements.items() if value not in (None, "", [], {})}
