"""What is said of the format of policies is what they are read by."""

import re

from cards.conditions import Fact
from tests.conftest import ROOT

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def test_the_documents_name_each_fact_that_a_condition_can_ask() -> None:
    table = (ROOT / "docs" / "policy-format.md").read_text().partition("| fact | holds if |")[2].partition("\n\n")[0]
    counted = re.search(r"There are (\w+) facts", (ROOT / "docs" / "first-policy.md").read_text())

    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == [fact.value for fact in Fact]
    assert counted
    assert counted[1] == NUMBERS[len(Fact)]
