"""Spreads long work over several iterations of the event loop, so that other requests can run in between."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from time import perf_counter

#: In seconds. Once an iteration of the event loop has taken this long, further work waits for the next one.
LONGEST = 0.01

#: A function that an operation awaits between two pieces of its work, so that cheaper operations can run
#: first. None if the operation doesn't give way to others.
giving_way: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("lectern_giving_way", default=None)


class Pace:
    """Tracks when the event loop's current iteration began. All work on an event loop shares one instance."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None
        self._began: float | None = None

    async def turn(self) -> None:
        """Waits until a piece of work may run. Await this before each piece of work.

        A piece of work should take a few milliseconds at most.

        If the current iteration of the event loop has already taken too long, this waits for the next one. It
        does not matter which task took the time, because all tasks that are ready share one iteration.
        """
        if (give_way := giving_way.get()) is not None:
            await give_way()
        while self._is_long():  # noqa: ASYNC110  # asyncio has no event for the start of an iteration
            await sleep(0)

    def _is_long(self) -> bool:
        now, loop = perf_counter(), get_running_loop()
        if self._began is not None and loop is self._loop:
            return now - self._began > LONGEST
        self._loop, self._began = loop, now
        # The loop calls `_end` on its next iteration, before it resumes the tasks that are waiting in `turn`.
        loop.call_soon(self._end)
        return False

    def _end(self) -> None:
        self._began = None


pace = Pace()
