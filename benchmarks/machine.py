"""The machine that figures come from, and what else ran on it."""

import os
import platform
import sqlite3
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("granian", "flask", "orjson", "sqlalchemy", "pyjwt", "cryptography", "jsonschema-rs")


def describe(folder: Path) -> dict[str, str]:
    """Return a description: processor, memory, kernel, file system of the records, versions, load, commit."""
    cpu = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = int(next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")))
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": f"{len(os.sched_getaffinity(0))} of {cpu[0] if cpu else platform.machine()}",
        "memory": f"{memory / 1024**2:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "records on": _file_system(folder),
        "load at the start": " ".join(f"{one:.2f}" for one in os.getloadavg()),
        "Python": sys.version.split()[0],
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in _PACKAGES},
    }


def commit(checkout: Path) -> str:
    """Return the commit of a checkout, and whether it was changed since."""
    git = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    mounted = [line.split() for line in _lines("/proc/mounts")]
    above = [mount for mount in mounted if folder.resolve().is_relative_to(mount[1])]
    return max(above, key=lambda mount: len(mount[1]))[2] if above else "unknown"


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8", "replace").splitlines()
