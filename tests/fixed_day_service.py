"""Runs the real service (granian, real HTTP) with a fixed calendar day, so that whole responses can be compared."""

import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from cds_hooks import create_app
from cds_hooks.server import create_server
from cds_hooks.settings import read_settings


def app() -> Flask:
    """Return the application on the day that the test gave."""

    def noon(zone: ZoneInfo) -> datetime:
        return datetime.fromisoformat(f"{os.environ['TEST_DAY']}T12:00:00").replace(tzinfo=zone)

    return create_app(clock=noon)


if __name__ == "__main__":
    os.environ["TEST_DAY"] = sys.argv[1]
    here = str(Path(__file__).parent)
    sys.path.insert(0, here)
    os.environ["PYTHONPATH"] = os.pathsep.join((os.environ.get("PYTHONPATH", ""), here))
    create_server(read_settings(), "fixed_day_service:app").serve()
