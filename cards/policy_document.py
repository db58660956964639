"""A version of a policy document with all that holds for it: what the document says once for several of its versions.

`all-versions` has members that every version has unless it says otherwise, and `groups` the groups of codes that
versions name. Readers, the export and the pages for people all see versions so completed.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cards.errors import DocumentError

Json = Mapping[str, Any]

#: The codes of one answer. They belong together: who says `covered` anew takes none of the others over.
_CODES: Final = ("covered", "pa-needed", "info-needed", "documentation", "details", "reason")

#: The words that go with an answer, each taken over unless said anew.
_WORDS: Final = ("verdict", "position", "notes", "next-steps", "prior-authorization")

#: What makes an answer, on a version, a group, or under a condition.
ANSWER: Final = (*_CODES, *_WORDS, "answers")


def complete_version(document: Json, key: str) -> dict[str, Any] | None:
    """Return the version of a document that begins on `key`, complete; None for a `null`, which ends the policy.

    Its `groups` are then the groups themselves by name, each with its whole answer.
    """
    entry = document["versions"][key]
    if entry is None:
        return None
    version = inherit(document.get("all-versions", {}), entry)
    if "groups" in version:
        said: dict[str, Any] = {name: version.pop(name) for name in ANSWER if name in version}
        version["groups"] = dict(_find_groups(document, key, version["groups"], said))
    return version


def outline_version(document: Json, key: str) -> dict[str, Any]:
    """Return the version of a document that begins on `key` for people: each group with only what it says itself."""
    version = inherit(document.get("all-versions", {}), document["versions"][key])
    if "groups" in version:
        version["groups"] = {name: document["groups"][name] for name in version["groups"]}
    return version


def _find_groups(document: Json, key: str, names: Any, said: Json) -> Iterator[tuple[str, dict[str, Any]]]:
    known = document.get("groups", {})
    for number, name in enumerate(names):
        if name not in known:
            path = f"$.versions['{key}'].groups[{number}]"
            raise DocumentError(path, f"no group {name} in this policy (known: {', '.join(sorted(known)) or 'none'})")
        yield name, inherit(said, known[name])


def inherit(outer: Json, inner: Json) -> dict[str, Any]:
    """Return what `inner` says, completed by what `outer` says of the rest."""
    answers_anew = "covered" in inner or "answers" in inner
    left_out = {*_CODES, "answers"} if answers_anew else set()
    taken = {name: value for name, value in outer.items() if name not in left_out}
    merged = taken | dict(inner)
    authorization = {**taken.get("prior-authorization", {}), **inner.get("prior-authorization", {})}
    return {**merged, "prior-authorization": authorization} if authorization else merged


def answers_of(entry: Json) -> Iterator[tuple[Json, dict[str, Any], str]]:
    """Yield the answers of a completed version or group: the conditions, what is said where they hold, its path.

    One without conditions is said of everything that none before it was about.
    """
    if "answers" not in entry:
        yield {}, {name: entry[name] for name in ANSWER if name in entry}, ""
        return
    said = {name: entry[name] for name in ANSWER if name in entry and name != "answers"}
    for number, answer in enumerate(entry["answers"]):
        conditions = answer.get("if", {})
        yield conditions, inherit(said, {k: v for k, v in answer.items() if k != "if"}), f".answers[{number}]"
