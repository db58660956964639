"""The server process: granian, a process manager and WSGI server in one, measured at twice gunicorn's throughput."""

import resource
import socket
from typing import Any, Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from cds_hooks.errors import StartError
from cds_hooks.fhir.access import MOST_SIDE_BY_SIDE
from cds_hooks.server.tls import tls_options
from cds_hooks.settings import Settings
from cds_hooks.telemetry import traces
from cds_hooks.telemetry.metrics_server import serve_metrics

#: A worker that has not stopped this many seconds after SIGTERM is killed: calls take 5 at the most.
_PATIENCE: Final = 10

#: So much of request line and headers is always read; granian refuses (431) what is longer as it notices, which is
#: below twice as much. Of HTTP only 1.1 is spoken: granian has no limits of time for HTTP/2.
MOST_HEADER_BYTES: Final = 32 * 1024

#: Open files of a worker beside connections: data, databases, the server's own.
_OTHER_FILES: Final = 128


def create_server(settings: Settings, application: str = "cds_hooks.app:create_served_app") -> Any:
    """Return the server process manager; granian chooses its class at import, so it has no static type."""
    allow_open_files(settings)
    traces.check(settings)
    server = Granian(
        application,
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        backpressure=settings.connections,
        blocking_threads=settings.connections,  # one may wait for a slow body each; CRD_THREADS of them work
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.header_timeout * 1000), max_buffer_size=MOST_HEADER_BYTES
        ),
        **tls_options(settings),
        respawn_failed_workers=True,
        websockets=False,
        workers_kill_timeout=_PATIENCE,
        log_level=LogLevels(settings.log_level),
        log_dictconfig={
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"intended": {"()": "cds_hooks.telemetry.logs.IntendedThreads"}},
            "handlers": {"queue": {"()": "cds_hooks.telemetry.logs.queue_handler"}},
            "loggers": {
                "_granian": {"handlers": ["queue"], "filters": ["intended"], "level": "WARNING", "propagate": False}
            },
        },
    )
    serve_metrics(server, settings)
    return server


def allow_open_files(settings: Settings) -> None:
    """Raise the limit of open files as far as all connections of a worker may need; StartError where it cannot be."""
    needed = settings.connections + MOST_SIDE_BY_SIDE * settings.threads + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise StartError(f"CRD_CONNECTIONS={settings.connections}: needs {needed} open files; the limit here is {hard}")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def check_free(settings: Settings) -> None:
    """Say plainly that the address is taken; the server process would only say so in passing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = error.strerror or str(error)
            where = f"{settings.host}, port {settings.port}"
            raise StartError(
                f"cannot listen on {where}: {reason}; choose another port with --port or CRD_PORT"
            ) from None
