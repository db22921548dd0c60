"""Splits long work on the event loop into pieces, so that other requests run in between."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from time import perf_counter

#: Seconds. Once an iteration of the event loop has taken this long, more work waits for the next one.
LONGEST = 0.01

#: Awaited between two pieces of an operation's work, to let cheaper operations overtake it; None if none may.
giving_way: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("lectern_giving_way", default=None)


class Pace:
    """Tracks when the event loop's current iteration began. All work on a loop shares one."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None
        self._began: float | None = None

    async def turn(self) -> None:
        """Waits for a turn. Await it before each piece of work; a piece takes a few milliseconds at most.

        If the current iteration has already taken long, this waits for the next one. It does not matter
        which task took the time: all tasks that are ready run in one iteration.
        """
        if (give_way := giving_way.get()) is not None:
            await give_way()
        while self._is_long():  # noqa: ASYNC110  # no event marks the start of an iteration
            await sleep(0)

    def _is_long(self) -> bool:
        now, loop = perf_counter(), get_running_loop()
        if self._began is not None and loop is self._loop:
            return now - self._began > LONGEST
        self._loop, self._began = loop, now
        loop.call_soon(self._end)  # runs in the next iteration, before the tasks that wait in `turn`
        return False

    def _end(self) -> None:
        self._began = None


pace = Pace()
