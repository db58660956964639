"""The records that came with one order, found by the references to them, and the coverages among them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import orjson

from cards import CodeSystems, Coverage, literal_reference, read_coverage, read_reference, record_key
from cards.references import is_usable_id

Json = dict[str, Any]

#: The elements of a Coverage that say who pays, and when.
_PAYING: Final = ("status", "order", "period", "payor", "type", "class", "contained")

#: So many different kinds of coverage are remembered; people have few.
_MOST_KINDS: Final = 20_000


class HeldCoverage(NamedTuple):
    """A coverage that came with an order. `kind` numbers what was read once for all that say the same of who pays.

    `coverage` has no reference; `can_be_named`: this one has an id for it. `is_own`: it insures the order's patient.
    """

    kind: int
    coverage: Coverage
    can_be_named: bool
    is_own: bool


class Insurance(NamedTuple):
    """The coverages of an order in the order of their ids, and those that it names, by place; None: it did not come."""

    held: tuple[HeldCoverage, ...]
    named: tuple[int | None, ...]


class HeldRecords:
    """The records of one order, by `Type/id`."""

    def __init__(self, contents: Sequence[bytes]) -> None:
        read = [(resource, content) for content in contents if isinstance(resource := orjson.loads(content), dict)]
        self._by_key = {f"{one.get('resourceType')}/{one.get('id')}": (one, content) for one, content in read}

    def resolve(self, reference: str) -> Json | None:
        """Return what a literal reference names; None where it did not come."""
        found = self._by_key.get(record_key(reference))
        return found[0] if found else None

    def payers_of(self, coverage: Json) -> Iterator[bytes]:
        """Yield the payers of a Coverage that came, as their own bytes."""
        payors = coverage.get("payor")
        for payor in payors if isinstance(payors, list) else (payors,):
            found = self._by_key.get(record_key(literal_reference(payor) or ""))
            yield found[1] if found else b""

    def coverages(self) -> list[tuple[str, Json]]:
        """Return the Coverages by key, in the order of their keys."""
        found = [(k, one) for k, (one, _) in self._by_key.items() if one.get("resourceType") == "Coverage"]
        return sorted(found, key=_first) if len(found) > 1 else found


def _first(item: tuple[str, Json]) -> str:
    return item[0]


class CoverageReader:
    """Reads the coverages of orders; of the many that differ in whom they insure alone, only one."""

    def __init__(self, code_systems: CodeSystems) -> None:
        self._code_systems = code_systems
        self._kinds: dict[tuple[bytes, ...], tuple[int, Coverage]] = {}
        self._numbers = count()

    def read(self, held: HeldRecords, patient: str | None, insurance: Iterable[str]) -> Insurance:
        """Read the coverages of a patient, and those that the order names, whoever they insure.

        Of an order's insurance, ClaimResponses are none.
        """
        named = [record_key(one) for one in insurance if _may_be_coverage(one)]
        found: list[HeldCoverage] = []
        places: dict[str, int] = {}
        for key, resource in held.coverages():
            is_own = patient is not None and _beneficiary(resource) == patient
            if is_own or key in named:
                places[key] = len(found)
                identity = resource.get("id")
                can_be_named = isinstance(identity, str) and is_usable_id(identity)
                found.append(HeldCoverage(*self._find(resource, held), can_be_named, is_own))
        return Insurance(tuple(found), tuple([places.get(key) for key in named]))

    def _find(self, resource: Json, held: HeldRecords) -> tuple[int, Coverage]:
        said: Json = {name: resource[name] for name in _PAYING if name in resource}
        key = (orjson.dumps(said), *held.payers_of(resource))
        found = self._kinds.get(key)
        if found is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            coverage = read_coverage(said, self._code_systems, held.resolve)
            found = self._kinds[key] = next(self._numbers), coverage
        return found


def _may_be_coverage(reference: str) -> bool:
    return (read_reference(reference).key or "Coverage/").startswith("Coverage/")


def _beneficiary(resource: Json) -> str | None:
    reference = literal_reference(resource.get("beneficiary"))
    return record_key(reference) if reference else None
