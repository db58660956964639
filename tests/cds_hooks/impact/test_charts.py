"""Figures of a report as its tables and charts show them."""

import pytest

from cds_hooks.impact.charts import write_share


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.0, "0.0 %"), (0.0001, "< 0.1 %"), (11 / 2000, "0.6 %"), (1 / 3, "33.3 %"), (1.0, "100.0 %")],
)
def test_a_share_is_written_alike_on_the_page_in_the_report_and_in_the_terminal(share: float, written: str) -> None:
    assert write_share(share) == written
