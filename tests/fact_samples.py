"""Facts of known numbers, as if many calls had come: for the pages that show them."""

from datetime import date, timedelta

from cds_hooks.store.database import connect
from cds_hooks.store.facts import (
    ANSWER,
    AUTHORIZATION,
    CALL,
    CARD,
    FEEDBACK,
    LEFT_OUT,
    REFUSAL,
    REPEAT,
    SHOWN,
    WITHHELD,
    Tally,
    add_facts,
)

PLAN, OTHER_PLAN = "example-health-plan", "example-blue-plan"
PROLOTHERAPY, OLD = (
    "evicore-cmm-204",
    "a-policy-that-is-no-longer-here-and-has-a-very-long-name-of-its-own-2019-revised",
)
LONG_CLIENT = "clinic-of-the-pneumonoultramicroscopicsilicovolcanoconiosis-foundation-of-north-america"

_VERSION = "2023-05-31"


def seed_facts(url: str, today: date, days: int = 28) -> None:
    """Write facts of some days, today the last; `day_of` says what each day has."""
    tally = Tally()
    for number in range(days):
        _fill(tally, (today - timedelta(days=number)).isoformat(), number)
    engine = connect(url)
    with engine.begin() as connection:
        add_facts(connection, tally)
    engine.dispose()


def _fill(tally: Tally, day: str, number: int) -> None:
    """Count a day: 100 calls of north, the older the fewer answers of the other client."""
    for bound, count in (("25", 60), ("100", 30), ("2000", 6), ("10000", 2)):
        key = (CALL, day, "order-sign", "north", "", "", "", "answered", bound)
        tally.add(key, count)
        tally.microseconds[key] = count * 40_000
    tally.add((CALL, day, "order-sign", "north", "", "", "", "refused", "10"), 2)
    slow = (CALL, day, "order-select", LONG_CLIENT, "", "", "", "answered", "more")
    tally.add(slow, 10 + 30 - number % 30)
    tally.microseconds[slow] = 10_500_000 * (40 - number % 30)
    sign, select = ("order-sign", "north"), ("order-select", LONG_CLIENT)
    basis, none = "a policy in force", "no policy of this service"
    for where, payer, policy, version, verdict, why, count in (
        (sign, PLAN, PROLOTHERAPY, _VERSION, "not-covered", basis, 40),
        (sign, PLAN, PROLOTHERAPY, _VERSION, "conditional", basis, 10),
        (sign, OTHER_PLAN, "medical-policy-2-01-26", "2024-01-01", "covered", basis, 20),
        (sign, "none", "", "", "conditional", "a coverage that cannot be told or is not in force", 5),
        (sign, PLAN, "", "", "conditional", none, 23),
        (select, PLAN, OLD, "2019-01-01", "not-covered", basis, 7),
    ):
        tally.add((ANSWER, day, *where, payer, policy, version, verdict, why), count)
    blue = (*sign, OTHER_PLAN, "medical-policy-2-01-26", "2024-01-01")
    for code, count in (("auth-needed", 9), ("no-auth", 6), ("satisfied", 3), ("performpa", 2)):
        tally.add((AUTHORIZATION, day, *blue, code, ""), count)
    tally.add((AUTHORIZATION, day, *sign, PLAN, PROLOTHERAPY, _VERSION, "conditional", ""), 8)
    prolotherapy, old = (*sign, PLAN, PROLOTHERAPY, _VERSION), (*select, PLAN, OLD, "2019-01-01")
    for where, what, count in ((prolotherapy, SHOWN, 50), (old, SHOWN, 5), (old, WITHHELD, 2)):
        tally.add((CARD, day, *where, what, ""), count)
    for reason, count in (("patient-pays", 6), ("cds-not-applicable", 3), ("", 1)):
        tally.add((FEEDBACK, day, *prolotherapy, "overridden", reason), count)
    tally.add((FEEDBACK, day, *old, "accepted", ""), 1)
    tally.add((REPEAT, day, *prolotherapy, "", ""), 4)
    tally.add((LEFT_OUT, day, *sign, "", "", "", "coverage", ""), 25)
    tally.add((REFUSAL, day, "", "north", "", "", "", "expired", ""), 1)
    tally.add((REFUSAL, day, "", "", "", "", "", "no-token", ""), 3)
