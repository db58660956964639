"""What tells one state of files from another: of policies, payers and words, and of registrations and their keys.

They are looked at again and again. inotify (watchfiles) is told nothing of what another machine writes to NFS; polling
as watchfiles does it there compares times of modification alone, which `cp -p` and rsync leave as they were. A look at
10,000 files takes 30 ms; who looks decides how often, and what to do about a change.
"""

import os
from collections.abc import Iterable

#: When a file was written and last changed in any way, which one it is, and how long; None where there is none.
State = tuple[int, int, int, int] | None


def states_of(paths: Iterable[str]) -> dict[str, State]:
    """Return the state of each file; links are followed to what they mean now, as Kubernetes changes what it mounts."""
    return {path: _state_of(path) for path in paths}


def _state_of(path: str) -> State:
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size
