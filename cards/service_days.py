"""The days an order's service is meant for, and which of them counts.

An order is judged on the first day its service may take place on, since the coverage and the policy in force at the
beginning decide about it. What the order says of the service itself (occurrence, start, period) goes before what it
says of the dosage, and that before what it says of the supply. A course that began before the call is judged on the
day of the call: what is ordered now is the rest of it. Of a month or a year alone no day is known, so the coverage has
to hold for all of it that is still to come.

A dateTime's day is the one written, whatever its zone: the zone is the client's, and so is the calendar on its wall.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from cards.elements import Fault, Json, Reading

#: FHIR R4 date, dateTime and instant: a year, a month, a day, or a day and a time.
_DATE_TIME: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?\Z")

#: Where orders say when, the first that is there: a date, a Period or a Timing.
_OCCURRENCES: Final = (
    "occurrenceDateTime",
    "occurrencePeriod",
    "occurrenceTiming",
    "start",
    "requestedPeriod",
    "period",
)


class ServiceDays(NamedTuple):
    """When a service is meant for: it begins on a day from `first` to `latest`, and may go on until `end`."""

    first: date
    latest: date
    end: date

    def day_from(self, on: date) -> date:
        """Return the day that counts for an order placed on a day: that day if the service may be on it."""
        return on if self.first <= on <= self.end else self.first

    def last_from(self, on: date) -> date:
        """Return the last day that `day_from` may be: another one only where no day is known."""
        return max(self.day_from(on), self.latest)


def read_service_days(reading: Reading, resource: Json, kind: str) -> ServiceDays | None:
    """Return the days an order says its service is meant for; what is no date is a fault."""
    for element in _OCCURRENCES:
        value = resource.get(element)
        if value is not None and (days := _read_occurrence(reading, value, f"{kind}.{element}")):
            # Whoever was admitted in December was admitted in December: an Encounter is judged on its first day.
            return days._replace(end=days.latest) if element == "period" else days
    return min(_read_dosages(reading, resource, kind), default=None) or _read_validity(reading, resource, kind)


def _read_dosages(reading: Reading, resource: Json, kind: str) -> Iterator[ServiceDays]:
    dosages = resource.get("dosageInstruction")
    for number, dosage in enumerate(dosages if isinstance(dosages, list) else ()):
        timing = dosage.get("timing") if isinstance(dosage, dict) else None
        if days := _read_occurrence(reading, timing, f"{kind}.dosageInstruction[{number}].timing"):
            yield days


def _read_validity(reading: Reading, resource: Json, kind: str) -> ServiceDays | None:
    dispense = resource.get("dispenseRequest")
    validity = dispense.get("validityPeriod") if isinstance(dispense, dict) else None
    return _read_occurrence(reading, validity, f"{kind}.dispenseRequest.validityPeriod")


def _read_occurrence(reading: Reading, value: Any, path: str) -> ServiceDays | None:
    """Read a dateTime, a Period or a Timing; of a list the first."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        return _read_events(reading, value.get("event"), path) or _read_period(reading, _bounds(value), path)
    return None if value is None else _read_date(reading, value, path)


def _bounds(value: Json) -> Json:
    """Return the Period of a Timing, else what may be one itself."""
    repeat = value.get("repeat")
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    return bounds if isinstance(bounds, dict) else value


def _read_events(reading: Reading, events: Any, path: str) -> ServiceDays | None:
    """Read the events of a Timing: it begins with the first and ends with the last."""
    found = [_read_date(reading, event, path) for event in (events if isinstance(events, list) else [events]) if event]
    days = sorted(day for day in found if day)
    return days[0]._replace(end=days[-1].end) if days else None


def _read_period(reading: Reading, period: Json, path: str) -> ServiceDays | None:
    """Read a Period; one without an end goes on."""
    if period.get("start") is None:
        return None
    start = _read_date(reading, period["start"], path)
    end = _read_date(reading, period["end"], path) if period.get("end") is not None else None
    return start._replace(end=end.end if end else date.max) if start else None


def _read_date(reading: Reading, value: Any, path: str) -> ServiceDays | None:
    """Read a FHIR date, dateTime or instant of any precision."""
    found = _DATE_TIME.match(value) if isinstance(value, str) else None
    try:
        if found:
            return _days_of(*(int(part) if part else None for part in found.groups()))
    except ValueError:
        pass
    reading.faults.append(Fault(path, "must be a date that there is"))
    return None


def _days_of(year: int | None, month: int | None, day: int | None) -> ServiceDays:
    """Return the days of a date as far as it is known; ValueError where there is no such date."""
    first = date(year or 0, month or 1, day or 1)
    last_month = month or 12
    last = first if day else date(first.year, last_month, calendar.monthrange(first.year, last_month)[1])
    return ServiceDays(first, last, last)
