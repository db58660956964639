"""HealthChain, the peer that is compared with: from PyPI, in an environment of its own, its versions locked by hashes.

It serves a card that is always the same (benchmarks/static_card), by uvicorn with uvloop and httptools, at its
best.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from benchmarks.services import ROOT, Plan

PATH: Final = "/cds/cds-services/order-sign-crd"
_FOLDER: Final = ROOT / ".venv-healthchain"
_LOCK: Final = ROOT / "benchmarks" / "requirements-healthchain.txt"
_CARD: Final = ROOT / "benchmarks" / "static_card"
_PYTHON: Final = _FOLDER / "bin" / "python"
_SERVE: Final = ("-m", "uvicorn", "--app-dir", str(_CARD), "app:app", "--port", "{port}")
_HOW: Final = ("--workers", "{workers}", "--log-level", "warning", "--no-access-log")


def plan() -> Plan | None:
    """Return how to start it, installing it first where it is not yet; None where it cannot be installed."""
    try:
        _install()
    except subprocess.CalledProcessError as error:
        print(f"bench: HealthChain could not be installed, so it is not compared with\n{error.stderr}", file=sys.stderr)
        return None
    return Plan("HealthChain", command=(str(_PYTHON), *_SERVE, *_HOW))


def _install() -> None:
    digest, stamp = hashlib.sha256(_LOCK.read_bytes()).hexdigest(), _FOLDER / "installed"
    if _read(stamp) == digest:
        return
    print("Setting up .venv-healthchain (once) ...", flush=True)
    venv.create(_FOLDER, with_pip=True, clear=True)
    how = ("--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(_LOCK))
    subprocess.run([str(_PYTHON), "-m", "pip", "install", *how], check=True, capture_output=True, text=True)
    stamp.write_text(digest)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
