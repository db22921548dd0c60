"""The memory of a process that serves: Python's garbage collector and glibc's allocator."""

import ctypes
import gc
import sys

#: New containers before the youngest are looked at; how many such looks before the next generation is, and of
#: those before all are. What a plan makes has no cycles and dies young; what graphql-core makes has many.
_THRESHOLDS = (10_000, 5, 5)

# mallopt(3). Each thread of the driver would have an arena of its own, and what was once large and freed
# would stay with the process.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024


def settle() -> None:
    """Call it when the application is made: what is there stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    if sys.platform == "linux":
        _give_back()


def _give_back() -> None:
    """Makes large blocks go back to the system when they are freed, where the C library is glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
