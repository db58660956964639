"""The C library keeps little of what was freed."""

import platform
import subprocess
import sys

import pytest

_ARENAS = """
import ctypes, os, threading
from cds_hooks.server.memory import keep_little
keep_little()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
meeting = threading.Barrier(8)
def allocate():
    libc.malloc(100_000)
    meeting.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these options")
@pytest.mark.parametrize(("variables", "arenas"), [({}, 2), ({"MALLOC_ARENA_MAX": "4"}, 4)])
def test_threads_share_two_arenas_unless_a_variable_says_otherwise(variables: dict[str, str], arenas: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ARENAS], capture_output=True, text=True, check=True, env={"PATH": "", **variables}
    )
    assert done.stdout.count("<heap nr=") == arenas
