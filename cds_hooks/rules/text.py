"""A policy as a person reads it: a line of a list, or all of what its file says for one day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from cards import Policy
from cards.conditions import FACTS, Fact
from cards.policy import UNKNOWN_START, PolicyVersion
from cards.policy_document import outline_version

Json = Mapping[str, Any]

#: In the place of `covered`: a version with several answers, by the code's group or by what the order says else.
SEVERAL: Final = ("by-group", "by-circumstances")


def describe_policy(policy: Policy, on: date) -> dict[str, str | None]:
    """Return what a list says of a policy; `covered` and `verdict` are None where no version is in force that day."""
    version = policy.in_force(on)
    covered, verdict = say_answer(version) if version else (None, None)
    return {
        "id": policy.id,
        "publisher": policy.publisher,
        "number": policy.number,
        "title": policy.title,
        "covered": covered,
        "verdict": verdict,
        "first-day": _first_day(policy),
    }


def say_answer(version: PolicyVersion) -> tuple[str, str]:
    """Return what a version says in few words; one with several answers says how many, or on what they depend."""
    if version.groups:
        names = {group.group.name for group in version.groups.values() if group.group}
        return SEVERAL[0], count(len(names), "group of codes", "groups of codes")
    if version.choices:
        asked = (FACTS[fact].words for fact in Fact if fact in version.asks)
        return SEVERAL[1], f"depends on {' and '.join(asked)}"
    return version.covered.value, version.verdict


def _first_day(policy: Policy) -> str | None:
    return next((_day(start) for start, version in _history(policy) if version), None)


def _history(policy: Policy) -> Iterator[tuple[date, PolicyVersion | None]]:
    yield from zip(policy.starts, policy.versions, strict=True)


def _day(start: date) -> str:
    return UNKNOWN_START if start == date.min else start.isoformat()


def list_lines(rows: Sequence[Mapping[str, str | None]]) -> Iterator[str]:
    """Yield one line per described policy, in columns."""
    lines = [_columns(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    for line in lines:
        yield "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1]])


def _columns(row: Mapping[str, str | None]) -> tuple[str, ...]:
    says = _in_few_words(row["covered"], row["verdict"])
    since = _SINCE.get(row["first-day"], f"from {row['first-day']}")
    return row["id"] or "", row["publisher"] or "", row["number"] or "-", row["title"] or "", says, since


def _in_few_words(covered: str | None, verdict: str | None) -> str:
    if covered is None:
        return "nothing in force"
    return str(verdict) if covered in SEVERAL else f"{covered}: {verdict}"


_SINCE: Final = {None: "never in force", UNKNOWN_START: "start not recorded"}


def version_key(policy: Policy, on: date) -> str | None:
    """Return the key, in its file, of the version in force on a day."""
    version = policy.in_force(on)
    if version is None:
        return None
    return _day(version.start or date.min)


#: Members that a policy's own lines do not repeat; `$schema` is for editors.
_SHOWN_ELSEWHERE: Final = ("$schema", "id", "versions", "all-versions", "groups")


def show_lines(policy: Policy, document: Json, on: date, words: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield everything the file says for a day; members that are new to the format show like all others.

    `words` are the word lists of the vocabulary by name: those the version refers to are spelled out.
    """
    yield f"{policy.id}: {policy.name}"
    yield from _members({name: value for name, value in document.items() if name not in _SHOWN_ELSEWHERE}, "  ")
    yield ""
    key = version_key(policy, on)
    if key is None:
        yield f"On {on} no version is in force. The versions of this policy:"
    else:
        named = "whose start is not recorded" if key == "unknown" else f"of {key}"
        yield f"On {on} the version {named} is in force{_end(policy, on)}:"
        yield from _version_lines(outline_version(document, key), words)
        yield ""
        yield "All versions:"
    yield from (f"  {_day(start)}: {_says(version)}" for start, version in _history(policy))


def _end(policy: Policy, on: date) -> str:
    following = next((start for start in policy.starts if start > on), None)
    return f", up to the day before {following}" if following else ""


def _says(version: PolicyVersion | None) -> str:
    return ": ".join(say_answer(version)) if version else "ends"


def _version_lines(version: Json, words: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The members in the file's order, the codes by role, then the word lists that any member names."""
    for name, value in version.items():
        yield from _members({name: _codes_by_role(value) if name == "codes" else value}, "  ")
    named = dict.fromkeys(text for text in _texts(version) if text.startswith("@") and text[1:] in words)
    if named:
        yield from _members({"word lists": {name: ", ".join(words[name[1:]]) for name in named}}, "  ")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _codes_by_role(codes: Iterable[Json]) -> dict[str, list[Any]]:
    roles: dict[str, list[Any]] = {}
    for code in codes:
        named = f"{code['system']} {code['code']}"
        named = f"{named}: {code['display']}" if "display" in code else named
        rest = {k: v for k, v in code.items() if k not in ("system", "code", "display", "role")}
        roles.setdefault(code["role"], []).append({"code": named, **rest} if rest else named)
    return roles


def _members(members: Json, indent: str = "") -> Iterator[str]:
    """Write any JSON object as indented lines."""
    for name, value in members.items():
        if isinstance(value, Mapping | list) and value:
            yield f"{indent}{name}:"
            yield from _members(value, f"{indent}  ") if isinstance(value, Mapping) else _items(value, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _items(items: Sequence[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping) and item:
            first, *rest = _members(item)
            yield f"{indent}- {first}"
            yield from (f"{indent}  {line}" for line in rest)
        elif isinstance(item, list) and item:
            yield f"{indent}-"
            yield from _items(item, f"{indent}  ")
        else:
            yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, [], {}) else str(value)


def count(number: int, one: str, more: str) -> str:
    """Return a number with its noun: "1 case", "2 cases"."""
    return f"{number} {one if number == 1 else more}"
