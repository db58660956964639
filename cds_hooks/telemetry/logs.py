"""Structured logs, one JSON object a line on standard error.

They hold no patient data: only the names, counts and codes that this package writes itself ever go in,
never a value of a request. `record` is the only way to write one. It is twenty lines of our own because it is on
the path of every call: structlog's chain of processors costs four times as much.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import orjson

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_least = _LEVELS["info"]


def configure(level: str) -> None:
    """Write only records of at least this level."""
    global _least
    _least = _LEVELS[level]


def record(level: str, event: str, **facts: Any) -> None:
    """Write one record. `facts` must be names, counts, codes and durations only."""
    if _LEVELS[level] >= _least:
        line = {"time": datetime.now(UTC), "level": level, "event": event, **facts}
        sys.stderr.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
        sys.stderr.buffer.flush()


class IntendedThreads(logging.Filter):
    """Drops granian's advice to have fewer threads: here most of them wait for FHIR servers (`make bench-fetch`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written."""
        return not record.getMessage().startswith("Configuration allows spawning up to")


class JsonFormatter(logging.Formatter):
    """Writes the records of the server process (granian) in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        time = datetime.fromtimestamp(record.created, UTC)
        fields = {"time": time, "level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name}
        return orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()


def where(error: Exception) -> str | None:
    """Return the file and line that an error comes from, which name no patient; its text might."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else None
