"""Whose code the samples of a profile were in: py-spy's raw stacks, summed up by parts of the service.

A sample belongs to the innermost frame of this service's own: what a library does is done for who called it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

#: The parts of a call, by the beginning of a module's path: the first that fits counts.
_PARTS: Final[Mapping[str, str]] = {
    "cds_hooks/telemetry/": "logs and metrics",
    "cds_hooks/store/": "recording",
    "cds_hooks/answering/recording": "recording",
    "cds_hooks/answering/summary": "recording",
    "cds_hooks/web/": "HTTP: admission, headers, errors",
    "cds_hooks/auth/": "HTTP: admission, headers, errors",
    "cds_hooks/console/": "HTTP: admission, headers, errors",
    "cds_hooks/hooks/": "reading the request: JSON, its schema, its parts",
    "cds_hooks/strict_json": "reading the request: JSON, its schema, its parts",
    "cds_hooks/fhir/": "reading the request: JSON, its schema, its parts",
    "cds_hooks/answering/": "finding what belongs to each order",
    "cards/response/": "writing cards and coverage information",
    "cards/matching/": "deciding",
    "cards/decision": "deciding",
    "cards/answer_choice": "deciding",
    "cards/circumstances": "deciding",
    "cards/conditions": "deciding",
    "cards/policy": "deciding",
    "cards/": "reading orders, coverages and references",
}
_ELSE: Final = "the server, and waiting for the interpreter's lock"

#: A frame as py-spy writes it: `name (path:line)`.
_FRAME: Final = re.compile(r"\(((?:.*/)?((?:cds_hooks|cards)/[^:]*)):\d+\)$")


def sum_up(stacks: Iterable[str]) -> list[tuple[str, float]]:
    """Return the share of the samples that each part has, the largest first; a stack is `frame;frame;… count`."""
    found: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        if count.isdecimal():
            found[_part_of(stack.split(";"))] += int(count)
    total = found.total() or 1
    return [(part, count / total) for part, count in found.most_common()]


def _part_of(frames: list[str]) -> str:
    for frame in reversed(frames):
        if known := _FRAME.search(frame):
            return next(part for beginning, part in (*_PARTS.items(), ("", _ELSE)) if known[2].startswith(beginning))
    return _ELSE
