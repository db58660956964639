"""Whom this service says it answers for."""

import dataclasses

import pytest

from cards.payer_directory import PayerDirectory
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import read_settings


@pytest.mark.parametrize(
    ("payers", "said"),
    [
        (1, "Plan 1"),
        (2, "Plan 1 and Plan 2"),
        (3, "Plan 1, Plan 2 and Plan 3"),
        (12, "Plan 1, Plan 2, Plan 3, Plan 4, Plan 5, Plan 6, Plan 7, Plan 8, Plan 9, Plan 10 and 2 more"),
    ],
)
def test_payers_are_named_in_words_the_first_ten_of_many(payers: int, said: str) -> None:
    payer = read_rules(read_settings()).payers.default
    served = [
        dataclasses.replace(payer, id=f"plan-{n}", name=f"Plan {n}", is_default=n == 1) for n in range(1, payers + 1)
    ]
    assert PayerDirectory(tuple(served)).names == said
