"""Ports for servers that tests start, none twice."""

import itertools
import os
import random
import socket

#: Below what Linux gives to outgoing connections (32768 and up), which would take a port between choice and use.
_PORTS = range(10_000, 32_000)

#: Processes of one test run begin far from each other, and none gives a port again before it gave all others.
_STEPS = itertools.count(random.Random(f"{os.getpid()} {os.environ.get('PYTEST_XDIST_TESTRUNUID')}").randrange(len(_PORTS)))  # fmt: skip  # noqa: S311


def free_port() -> int:
    """Return a port that nothing listens on."""
    for step in itertools.islice(_STEPS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", _PORTS[step % len(_PORTS)]))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port")
