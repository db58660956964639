"""Rates as settings and registrations write them: `100/second`, `5000 per 10 minutes`, `none`."""

from limits import RateLimitItem, parse


def read_rate(text: str) -> RateLimitItem | None:
    """Return a rate such as `100/second`, None for `none`; ValueError where it is neither."""
    rate = None if text.strip() == "none" else parse(text)
    if rate is not None and rate.amount < 1:
        raise ValueError("less than one call")
    return rate
