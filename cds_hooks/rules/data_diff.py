"""What the documents of two sets of policies differ in, day by day, whether or not a case asks about it.

Each document is laid out as what it says on each day: every code, word, condition and answer by its name. Notes, rights
and the day of review are left out: no answer shows them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

from cards import CodeSystems
from cards.policy import UNKNOWN_START
from cards.policy_codes import expand_codes
from cards.policy_document import ANSWER, answers_of, complete_version

Json = Mapping[str, Any]

#: What a document says at one time: by name, all that is said under it.
_Layout = Mapping[str, tuple[str, ...]]

#: Members that reach no answer, wherever they stand.
_SILENT: Final = frozenset(
    {"$schema", "id", "note", "reviewed", "rights", "retrieved", "versions", "all-versions", "groups"}
)

#: As many codes or words are named on one line.
_MOST_NAMED: Final = 5

_IN_FORCE: Final = "in force"
_GROUPS: Final = "groups"


class DataChange(NamedTuple):
    """What is gone from one part of a policy and what is new in it, from one day to another.

    Without days it is no matter of time; without an `end` it lasts. `date.min` is a start that is not recorded.
    """

    policy: str
    what: str
    gone: tuple[str, ...]
    new: tuple[str, ...]
    start: date | None = None
    end: date | None = None


def compare_documents(
    old: Mapping[str, Json], new: Mapping[str, Json], systems: CodeSystems, only: Collection[str] | None = None
) -> tuple[DataChange, ...]:
    """Return what differs between the documents of two sets, by policy id, or of some of their policies."""
    known = sorted({*old, *new} if only is None else {*old, *new} & set(only))
    return tuple(change for policy in known for change in _compare(policy, old.get(policy), new.get(policy), systems))


def _compare(policy: str, old: Json | None, new: Json | None, systems: CodeSystems) -> Iterator[DataChange]:
    if old is None or new is None:
        yield DataChange(policy, "policy", (policy,) if old else (), (policy,) if new else ())
        return
    always = ({name: value for name, value in one.items() if name not in _SILENT} for one in (old, new))
    yield from (DataChange(policy, *change) for change in _differ(*(dict(_members("", one)) for one in always)))
    days = sorted({_day(key) for one in (old, new) for key in one["versions"]})
    found = [
        (change, number)
        for number, day in enumerate(days)
        for change in _differ(*(_lay_out(one, day, systems) for one in (old, new)))
    ]
    first = dict(reversed(found))
    for change, numbers in _by_change(sorted(found, key=lambda one: (first[one[0]], one[0], one[1]))):
        for start, end in _runs(numbers):
            last = days[end + 1] - timedelta(days=1) if end + 1 < len(days) else None
            yield DataChange(policy, *change, days[start], last)


_Change = tuple[str, tuple[str, ...], tuple[str, ...]]


def _by_change(found: Iterable[tuple[_Change, int]]) -> Iterator[tuple[_Change, list[int]]]:
    for change, group in groupby(found, key=lambda one: one[0]):
        yield change, [number for _, number in group]


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of numbers that follow one another."""
    for _, group in groupby(enumerate(numbers), key=lambda one: one[1] - one[0]):
        run = [number for _, number in group]
        yield run[0], run[-1]


def _differ(old: _Layout | None, new: _Layout | None) -> Iterator[_Change]:
    """Yield what is gone and what is new under each name; one that is not in force differs in that alone."""
    if old is None or new is None:
        if old is not new:
            yield _IN_FORCE, (() if old is None else ("a version",)), (() if new is None else ("a version",))
        return
    others = tuple(f"{group}: " for group in {*old.get(_GROUPS, ())} ^ {*new.get(_GROUPS, ())})
    for name in sorted({*old, *new}):
        if name.startswith(others) and not name.endswith(": codes"):
            continue  # of a group that is gone or new its codes tell enough
        before, after = old.get(name, ()), new.get(name, ())
        gone = tuple(one for one in before if one not in after)
        come = tuple(one for one in after if one not in before)
        if gone or come:
            yield name, gone, come
        elif before != after:
            yield f"order of {name}", before, after


def _day(key: str) -> date:
    return date.min if key == UNKNOWN_START else date.fromisoformat(key)


def _lay_out(document: Json, day: date, systems: CodeSystems) -> _Layout | None:
    """Return what a document says on a day; None where none of its versions is in force."""
    before = [key for key in document["versions"] if _day(key) <= day]
    version = complete_version(document, max(before, key=_day)) if before else None
    return None if version is None else dict(_parts(version, systems))


def _parts(version: Json, systems: CodeSystems) -> Iterator[tuple[str, tuple[str, ...]]]:
    plain = {name: value for name, value in version.items() if name not in (*ANSWER, *_SILENT, "codes", "references")}
    yield from _members("", plain)
    yield "references", tuple(f"{one['title']} {one['url']}" for one in version["references"])
    if "groups" not in version:
        yield from _codes_by_role(version["codes"])
        yield from _answers("", version)
    yield _GROUPS, tuple(version.get("groups", ()))
    for name, group in version.get("groups", {}).items():
        yield f"{name}: service", (group["service"],)
        yield (
            f"{name}: codes",
            tuple(f"{system} {code}" for system, code, _ in expand_codes(group["codes"], "", systems)),
        )
        yield from _answers(f"{name}: ", group)


def _codes_by_role(codes: Sequence[Json]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for role in sorted({code["role"] for code in codes}):
        yield f"{role} codes", tuple(_write_code(code) for code in codes if code["role"] == role)


def _write_code(code: Json) -> str:
    """Return a code with what is said of it in brackets, such as what cards call it."""
    rest = [_write(v) for k, v in code.items() if k not in ("system", "code", "role", *_SILENT)]
    return f"{code['system']} {code['code']}" + (f" ({', '.join(rest)})" if rest else "")


def _answers(prefix: str, entry: Json) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each answer by its members; where there are several, by their number, with their conditions."""
    several = "answers" in entry
    for number, (conditions, said, _) in enumerate(answers_of(entry), start=1):
        named = f"{prefix}answer {number}: " if several else prefix
        yield from _members(f"{named}if ", conditions)
        yield from _members(named, said)


def _members(prefix: str, members: Json) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the members of an object by name, those of objects within it by both names."""
    for name, value in members.items():
        if isinstance(value, Mapping):
            yield from _members(f"{prefix}{name} ", value)
        else:
            yield f"{prefix}{name}", tuple(_write(one) for one in (value if isinstance(value, list) else [value]))


def _write(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(_write(one) for name, one in value.items() if name not in _SILENT)
    if isinstance(value, list):
        return ", ".join(_write(one) for one in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def data_lines(changes: Iterable[DataChange]) -> Iterator[str]:
    """Yield the changes in words, a line each."""
    yield from (": ".join(filter(None, (one.policy, _when(one), _say(one)))) for one in changes)


def _when(change: DataChange) -> str:
    if change.start is None:
        return ""
    until = f" to {change.end}" if change.end else ""
    return f"from {change.start}{until}" if change.start != date.min else f"at any time{' up' * bool(until)}{until}"


def _say(change: DataChange) -> str:
    if change.what == _IN_FORCE:
        return "a version is in force, as none was" if change.new else "no version is in force any more"
    if change.what == "policy":
        return "is new" if change.new else "is gone"
    if len(change.gone) == len(change.new) == 1:
        return f'{change.what}: "{change.gone[0]}" -> "{change.new[0]}"'
    parts = ((change.gone, "is gone", "are gone"), (change.new, "is new", "are new"))
    told = "; ".join(f"{_name(items)} {one if len(items) == 1 else more}" for items, one, more in parts if items)
    return f"{change.what}: {told}"


def _name(items: Sequence[str]) -> str:
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(f'"{one}"' if one.endswith(".") else one for one in items[:_MOST_NAMED]) + more


def data_json(changes: Iterable[DataChange]) -> list[dict[str, Any]]:
    """Return the same for programs; a day that is not there is None."""
    return [{**one._asdict(), **{name: _iso(getattr(one, name)) for name in ("start", "end")}} for one in changes]


def _iso(day: date | None) -> str | None:
    return None if day is None else UNKNOWN_START if day == date.min else day.isoformat()
