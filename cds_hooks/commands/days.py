"""Days as options of commands take them."""

from datetime import date
from typing import Any, Final

import click


class _Day(click.ParamType[date]):
    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read a day as ISO 8601 writes it, such as 2026-01-31."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no day such as 2026-01-31", param, ctx)


#: The type of an option that is a day.
DAY: Final = _Day()
