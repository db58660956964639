"""How the C library keeps memory: its default is not made for a thread for each connection."""

import ctypes
from contextlib import suppress
from typing import Final

#: glibc's names in malloc.h for the number of arenas, and for the size from which memory is had from the system itself.
_ARENA_MAX: Final = -8
_MMAP_THRESHOLD: Final = -3

#: Python's own lock lets one thread work at a time: two arenas are enough, where 256 threads would get 16 of them, each
#: with the largest bodies it has ever seen.
_ARENAS: Final = 2
_LARGE: Final = 512 * 1024


def keep_memory_small() -> None:
    """Let threads share arenas, and give large buffers back at once; elsewhere than with glibc nothing changes.

    To be called before threads are started.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_MMAP_THRESHOLD, _LARGE)
