"""How the C library keeps memory: told once, before workers are forked, where nobody has set it otherwise."""

import ctypes
import os
from typing import Final

#: Options of glibc's `mallopt` (malloc.h) with the variable by which it is set for any program, and a value. Each
#: thread may have an arena of its own, of which none gives back what a large body took: two are enough where one thread
#: at a time runs Python. What is larger than half a MiB is given back at once.
_OPTIONS: Final = (("MALLOC_ARENA_MAX", -8, 2), ("MALLOC_MMAP_THRESHOLD_", -3, 512 * 1024))


def keep_little() -> None:
    """Let the allocator keep less of what it freed; nothing where the C library has no such options (musl, macOS)."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return
    for variable, option, value in _OPTIONS:
        if variable not in os.environ:
            set_option(option, value)
