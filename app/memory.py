"""The memory of a process that serves: Python's garbage collector and glibc's allocator."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

#: New containers before the youngest are looked at; how many such looks before the next generation is, and of
#: those before all are. What a plan makes is freed without: a look finds nothing, but passes all that is
#: young, and empties the processor's caches. What graphql-core validates or answers leaves many cycles.
OF_PLANS = (100_000, 20, 50)
OF_CYCLES = (10_000, 5, 5)

# mallopt(3). Each thread of the driver would have an arena of its own, and what was once large and freed
# would stay with the process.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024

_PAUSE = 2.0  # seconds
_IDLE = 0.02  # of them, by CPU time


class _Thresholds:
    """The garbage collector's thresholds, in a process that serves."""

    def __init__(self) -> None:
        self._are_ours = False
        self._cyclic = 0  # how often graphql-core is at work

    def take_over(self) -> None:
        self._are_ours = True
        self._set()

    @contextmanager
    def for_cycles(self) -> Iterator[None]:
        """While graphql-core is at work."""
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
    """Call it when the application is made: what is there stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    thresholds.take_over()
    _give_back_large_blocks()


async def tend() -> None:
    """Gives back what a time of work left over, when there is a pause. It runs until it is cancelled."""
    worked, before = False, process_time()
    while True:
        await asyncio.sleep(_PAUSE)
        busy = process_time() - before > _IDLE * _PAUSE
        if worked and not busy:
            gc.collect()
            _call("malloc_trim", 0)
        worked, before = busy, process_time()


def _give_back_large_blocks() -> None:
    """When they are freed, not at the next pause."""
    _call("mallopt", _M_ARENA_MAX, 2)
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE)
    _call("mallopt", _M_TRIM_THRESHOLD, _LARGE)


def _call(function: str, *arguments: int) -> None:
    """A function of glibc, where that is the C library."""
    if sys.platform == "linux" and (found := getattr(ctypes.CDLL(None), function, None)):
        found(*arguments)
