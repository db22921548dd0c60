"""Tunes the memory use of a serving process: Python's garbage collector and glibc's allocator."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

# Thresholds of the garbage collector, one for each generation, as gc.set_threshold takes them.

#: GC thresholds while compiled plans run. Plans leave no reference cycles, so a collection would find
#: nothing, but it would traverse all young objects and flush the CPU caches.
OF_PLANS = (100_000, 20, 50)

#: GC thresholds while graphql-core validates or executes. They are lower than OF_PLANS, because
#: validation and execution leave many reference cycles.
OF_CYCLES = (10_000, 5, 5)

# Parameters of mallopt(3). By default, glibc gives each thread of the driver its own arena, and often keeps
# large blocks after they are freed.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024  # minimum size of a large block, in bytes

_PAUSE = 2.0  # seconds between checks for idleness
_IDLE = 0.02  # share of CPU time below which the process counts as idle


class _Thresholds:
    """Manages the garbage collector's thresholds, but only in a serving process."""

    def __init__(self) -> None:
        self._are_ours = False
        self._cyclic = 0  # number of operations that graphql-core is working on

    def take_over(self) -> None:
        """Starts managing the garbage collector's thresholds."""
        self._are_ours = True
        self._set()

    @contextmanager
    def for_cycles(self) -> Iterator[None]:
        """Makes garbage collection more frequent while graphql-core is working."""
        self._cyclic += 1
        self._set()
        try:
            yield
        finally:
            self._cyclic -= 1
            self._set()

    def _set(self) -> None:
        if self._are_ours:
            gc.set_threshold(*(OF_CYCLES if self._cyclic else OF_PLANS))


thresholds = _Thresholds()


def settle() -> None:
    """Configures the garbage collector and the allocator; call it once the application is built.

    Objects that already exist are excluded from later garbage collections.
    """
    gc.collect()
    gc.freeze()
    thresholds.take_over()
    _configure_allocator()


async def tend() -> None:
    """Returns freed memory to the operating system after each busy period. Runs until cancelled."""
    was_busy, before = False, process_time()
    while True:
        await asyncio.sleep(_PAUSE)
        busy = process_time() - before > _IDLE * _PAUSE
        if was_busy and not busy:
            gc.collect()
            _call("malloc_trim", 0)
        was_busy, before = busy, process_time()


def _configure_allocator() -> None:
    """Makes glibc return large blocks as soon as they are freed, and limits the number of its arenas."""
    _call("mallopt", _M_ARENA_MAX, 2)
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE)
    _call("mallopt", _M_TRIM_THRESHOLD, _LARGE)


def _call(function: str, *arguments: int) -> None:
    """Calls a glibc function. Does nothing if the C library isn't glibc."""
    if sys.platform == "linux" and (call := getattr(ctypes.CDLL(None), function, None)):
        call(*arguments)
