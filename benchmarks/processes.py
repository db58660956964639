"""What the processes of a service cost: processor time and memory, as Linux counts them in /proc."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

#: Of the clocks of a process: all that its threads have run.
_ALL_THREADS: Final = 2

#: Processor time of children that have ended is counted in these, in seconds.
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")

#: A process that has not ended this many seconds after it was asked to is killed.
_PATIENCE: Final = 15


def family(root: int) -> list[int]:
    """Return a process and all that descend from it, parents first, children in the order they were started."""
    found = [root]
    for process in found:
        for thread in sorted(_listed(f"/proc/{process}/task")):
            found += [int(child) for child in _read(f"/proc/{process}/task/{thread}/children").split()]
    return found


def processor_seconds(process: int) -> float:
    """Return the processor time of a process so far, user and system, those of its threads that ended included.

    By the clock that `clock_getcpuclockid` names, in nanoseconds, where /proc counts hundredths of a second.
    """
    try:
        return time.clock_gettime((~process << 3) | _ALL_THREADS)
    except OSError:  # it has ended
        return 0.0


def family_seconds(root: int) -> float:
    """Return the processor time of a process and its family so far, with that of children it has waited for."""
    ended = _read(f"/proc/{root}/stat").rpartition(")")[2].split()[13:15]
    return sum(map(processor_seconds, family(root))) + sum(map(int, ended)) * _TICK


def memory(process: int, field: str = "VmHWM") -> float:
    """Return the resident memory of a process in MB: the peak so far, or `VmRSS`, what it has now."""
    found = [line.split()[1] for line in _read(f"/proc/{process}/status").splitlines() if line.startswith(f"{field}:")]
    return int(found[0]) / 1024 if found else 0.0


def is_helper(process: int) -> bool:
    """Return whether a process only looks after what others of its family share (multiprocessing)."""
    return "resource_tracker" in _read(f"/proc/{process}/cmdline")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process that this one started, and wait until it has ended."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read(path: str) -> str:
    """Return a file of /proc, nothing if its process has ended."""
    try:
        return Path(path).read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, ProcessLookupError):
        return []
