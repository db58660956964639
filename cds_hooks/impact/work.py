"""What is to be done, as every process and machine is told it."""

from datetime import date
from typing import Any, NamedTuple

from cds_hooks.impact.answers import Answerer, hash_ids, keep_ids, make_answerer
from cds_hooks.impact.judging import AnswerTerms, Judge
from cds_hooks.impact.rules_package import RulesPackage, unpack_rules
from cds_hooks.impact.sources import FileRange, digest


class Work(NamedTuple):
    """Orders and the rules they are answered by.

    `records` are ranges of files that are only read for coverages, payers and the like, beside those of `orders`.
    `key` makes hashes of ids, and is kept no longer than the work takes; without one ids stay as they are. `apart`:
    each folder is an export of its own, whose ids say nothing in another.
    """

    orders: tuple[FileRange, ...]
    records: tuple[FileRange, ...]
    rules: RulesPackage
    baseline: RulesPackage | None
    terms: AnswerTerms
    today: date
    key: bytes | None
    apart: bool

    @property
    def digest(self) -> str:
        """What tells this work from another, whichever day and key it has."""
        packages = [package.digest if package else None for package in (self.rules, self.baseline)]
        return digest((*self.orders, *self.records, *packages, self.terms, self.key is None, self.apart))

    def make_answerer(self) -> Answerer:
        """Load the rules and return what answers by them."""
        judge = Judge(unpack_rules(self.rules), self.terms)
        baseline = Judge(unpack_rules(self.baseline), self.terms) if self.baseline else None
        return make_answerer(judge, baseline, hash_ids(self.key) if self.key else keep_ids, self.today)


def columns_of(rows: list[Any], part: FileRange, records: list[list[bytes]]) -> list[list[Any]]:
    """Return rows of a range, and the records of each, as the columns of the schema `ASKED`."""
    return [
        [part.number] * len(rows),
        [row.line for row in rows],
        [row.kind for row in rows],
        [row.fault for row in rows],
        [part.folder] * len(rows),
        [row.order for row in rows],
        records,
    ]
