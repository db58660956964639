"""Runs the real service with keys that are kept for a second instead of minutes, so that an outage need not last long."""

import os
from pathlib import Path

from flask import Flask

from cds_hooks.app import create_served_app
from cds_hooks.auth import jwks_cache
from cds_hooks.server.process import create_server
from cds_hooks.settings import read_settings

#: Seconds; those of `jwks` are 300, 86400, 30 and 10.
SHORTEST, STALE, PATIENCE, REST = 0.6, 60.0, 1.0, 0.3


def app() -> Flask:
    """Return the application."""
    jwks_cache.SHORTEST, jwks_cache.STALE, jwks_cache.PATIENCE, jwks_cache.REST = SHORTEST, STALE, PATIENCE, REST
    return create_served_app()


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join((os.environ.get("PYTHONPATH", ""), str(Path(__file__).parent)))
    create_server(read_settings(), "quick_keys_service:app").serve()
