"""Runs `crd impact` over files that somebody drops onto a page, in a process of its own: the service loads none of it.

A run has a folder of its own, which all workers of the service find. The orders in it are gone when the run is over;
the report, in which there is no patient, an hour later, when the next one is made.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from cds_hooks.settings import PREFIX, Settings

#: Seconds that a run may take, and that its report is kept.
_MOST_SECONDS: Final = 600
_KEPT_SECONDS: Final = 3600

#: One at a time in each worker: a run takes a core.
_RUNNING: Final = threading.Lock()

_ID: Final = re.compile(r"[0-9a-f]{32}")
_DROPPED: Final = "dropped"
_FAULT: Final = "fault.txt"
_REPORT: Final = "report"


class ImpactError(ValueError):
    """There is no report; the text says why."""


class Outcome(NamedTuple):
    """How far a run is: its figures, as `figures.json` has them, or why there are none; neither while it runs."""

    figures: dict[str, Any] | None = None
    fault: str | None = None


def is_installed() -> bool:
    """Tell whether what `crd impact` needs is here."""
    return find_spec("duckdb") is not None


def start_run(orders: Sequence[tuple[str, bytes]], policy: bytes, settings: Settings) -> str:
    """Begin to report on dropped files of orders and return the run's id; ImpactError where another one is under way.

    A dropped policy is compared with the installed ones.
    """
    if not _RUNNING.acquire(blocking=False):
        raise ImpactError("Another report is being made. Try again in a moment.")
    try:
        _forget_old()
        folder = _root() / secrets.token_hex(16)
        (folder / _DROPPED).mkdir(parents=True)
        for number, (name, content) in enumerate(orders):
            (folder / _DROPPED / f"{number}{_ending(name)}").write_bytes(content)
        command = [sys.executable, "-m", "cds_hooks", "impact", str(folder / _DROPPED), "--workers", "1"]
        if policy:
            (folder / _DROPPED / "policy.json").write_bytes(policy)
            command += ["--policies", str(folder / _DROPPED / "policy.json"), "--baseline", str(settings.policies)]
        command += ["--out", str(folder / _REPORT)]
        threading.Thread(target=_run, args=(folder, command, _environment(settings)), name="impact").start()
    except BaseException:
        _RUNNING.release()
        raise
    return folder.name


def find_run(run: str) -> Outcome | None:
    """Return how far a run is; None where there is none."""
    folder = _root() / run
    if not _ID.fullmatch(run) or not folder.is_dir():
        return None
    if (folder / _FAULT).exists():
        return Outcome(fault=(folder / _FAULT).read_text())
    if (folder / _DROPPED).exists():
        is_late = folder.stat().st_mtime < time.time() - 2 * _MOST_SECONDS
        return Outcome(fault="The service was stopped before the report was made." if is_late else None)
    return Outcome(figures=orjson.loads((folder / _REPORT / "figures.json").read_bytes()))


def read_report(run: str) -> bytes | None:
    """Return the report of a run that is over."""
    outcome = find_run(run)
    return (_root() / run / _REPORT / "report.html").read_bytes() if outcome and outcome.figures else None


def _run(folder: Path, command: list[str], environment: dict[str, str]) -> None:
    """Run the command to its end; what was dropped goes last, which tells that it is over."""
    try:
        # The command is this service's own; what was dropped is only read by it.
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_MOST_SECONDS, env=environment, check=False
        )
        fault = _reason(done.stderr, folder) if done.returncode else None
    except subprocess.TimeoutExpired:
        fault = f"The report took more than {_MOST_SECONDS // 60} minutes: use crd impact."
    finally:
        _RUNNING.release()
    if fault:
        (folder / _FAULT).write_text(fault)
    shutil.rmtree(folder / _DROPPED)


def _root() -> Path:
    """Return the folder of all runs, which is for the user of the service alone."""
    root = Path(tempfile.gettempdir(), f"crd-impact-{os.getuid()}")
    root.mkdir(mode=0o700, exist_ok=True)
    if root.is_symlink() or root.stat().st_uid != os.getuid() or root.stat().st_mode & 0o077:
        raise ImpactError("The folder for reports is not this service's own.")
    return root


def _forget_old() -> None:
    for folder in _root().iterdir():
        if folder.stat().st_mtime < time.time() - _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _ending(name: str) -> str:
    return next((one for one in (".ndjson.gz", ".ndjson.zst") if name.endswith(one)), ".ndjson")


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which the command has the folders and the terms of the running service."""
    named = ("policies", "payers", "vocabulary", "default_version", "unknown_payer", "unmatched_orders", "time_zone")
    own = {f"{PREFIX}{name.upper()}": str(getattr(settings, name)) for name in named}
    return {**{name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}, **own}


def _reason(said: str, folder: Path) -> str:
    """Return what the command said, without where the files were."""
    lines = said.replace(f"{folder / _DROPPED}/", "").splitlines()
    told = [line for line in lines if line.startswith("crd: ")]
    return told[-1].removeprefix("crd: ") if told else "The report could not be made; crd impact tells more."
