"""The server process: granian, a process manager and WSGI server in one, measured at twice gunicorn's throughput."""

import socket
from typing import Any, Final

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from cds_hooks import traces
from cds_hooks.errors import StartError
from cds_hooks.metrics_server import serve_metrics
from cds_hooks.settings import Settings

#: A worker that has not stopped this many seconds after it was told to is ended: calls take 5 at the most.
_PATIENCE: Final = 10


def create_server(settings: Settings, application: str = "cds_hooks.app:create_served_app") -> Any:
    """Return the server process manager; granian chooses its class at import, so it has no static type."""
    traces.check(settings)
    server = Granian(
        application,
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        websockets=False,
        workers_kill_timeout=_PATIENCE,
        log_level=LogLevels(settings.log_level),
        log_dictconfig={
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"generic": {"()": "cds_hooks.logs.JsonFormatter"}},
            "filters": {"intended": {"()": "cds_hooks.logs.IntendedThreads"}},
            "handlers": {
                "console": {
                    "class": "logging.StreamHandler",
                    "filters": ["intended"],
                    "formatter": "generic",
                    "stream": "ext://sys.stderr",
                }
            },
            "loggers": {"_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
        },
    )
    serve_metrics(server, settings)
    return server


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
