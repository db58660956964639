"""No test fails because the machine has other things to do."""

import re

from tests.conftest import ROOT

#: Seconds that an answer, a process or a thread is waited for at the least; it comes long before on a quiet machine.
LEAST = 60


def test_what_a_test_waits_for_may_take_a_minute() -> None:
    """A bound that is what the test is about is an argument of the product's own, or compared by the test."""
    short = [
        f"{file.relative_to(ROOT)}:{number}: {found[0]}, but at least {LEAST}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        for found in re.finditer(r"(?<!\w)timeout=([\d.]+)", line)
        if float(found[1]) < LEAST
    ]

    assert short == []
