"""What a version answers, as its page shows it: of each group of codes, and under which conditions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from cards.conditions import FACTS, Fact
from cards.coverage_terms import read_terms
from cards.policy_document import answers_of

Json = Mapping[str, Any]

#: How the ends of a range of numbers are written.
_ENDS: Final = {"at-least": "at least", "at-most": "at most"}


class AnswerShown(NamedTuple):
    """One answer: the conditions under which it is given, in words, and what the file says then.

    `authorization` is how prior authorization is asked for, a sentence each; none where nobody needs to.
    """

    conditions: tuple[str, ...]
    said: Json
    authorization: tuple[str, ...]


class CodesShown(NamedTuple):
    """A code as a group lists it, or the first to the last of a range, and the code to look it up by."""

    listed: str
    first: str


class GroupShown(NamedTuple):
    """What a version answers about a group of codes. `service` is None for a version without groups."""

    service: str | None
    codes: tuple[CodesShown, ...]
    note: str | None
    answers: tuple[AnswerShown, ...]


def list_answers(version: Json) -> list[GroupShown]:
    """Return the answers of a completed version, by its groups; none where it has a single answer for all its codes."""
    if "groups" in version:
        services = {name: group["service"] for name, group in version["groups"].items()}
        return [_read_group(group, services) for group in version["groups"].values()]
    return [GroupShown(None, (), None, tuple(_read_answers(version, {})))] if "answers" in version else []


def _read_group(group: Json, services: Mapping[str, str]) -> GroupShown:
    codes = (CodesShown(listed, listed.partition(" to ")[0].rpartition(" ")[2]) for listed in group["codes"])
    return GroupShown(group["service"], tuple(codes), group.get("note"), tuple(_read_answers(group, services)))


def _read_answers(entry: Json, services: Mapping[str, str]) -> Iterator[AnswerShown]:
    for conditions, said, _ in answers_of(entry):
        told = (_say_condition(Fact(name), value, services) for name, value in conditions.items())
        yield AnswerShown(tuple(told), said, read_terms(said).authorization)


def _say_condition(fact: Fact, value: Any, services: Mapping[str, str]) -> str:
    """Return a condition in words, such as "the place of service: 19 or 22"."""
    if isinstance(value, Mapping):
        told = " and ".join(f"{_ENDS[end]} {number}" for end, number in value.items())
    else:
        told = " or ".join(services.get(one, one) if fact is Fact.BESIDE else str(one) for one in value)
    return f"{FACTS[fact].words}: {told}"
