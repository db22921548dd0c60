"""Long work on the event loop, a piece at a time, so that other requests run in between."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from time import perf_counter

#: Seconds of an iteration of the loop after which more work waits for the next one.
LONGEST = 0.01

#: Waits for what passes an operation between two pieces of its work; None for one that nothing passes.
giving_way: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("lectern_giving_way", default=None)


class Pace:
    """Knows when the event loop's current iteration began; one for all that runs on a loop."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None
        self._began: float | None = None

    async def turn(self) -> None:
        """To be awaited before each piece of work, of a few milliseconds at most.

        It waits for the next iteration where this one has taken long already, whichever task took the time:
        all tasks that are ready run in one iteration.
        """
        if (give_way := giving_way.get()) is not None:
            await give_way()
        while self._is_long():  # noqa: ASYNC110  # there is no event: it is somebody else's turn
            await sleep(0)

    def _is_long(self) -> bool:
        now, loop = perf_counter(), get_running_loop()
        if self._began is not None and loop is self._loop:
            return now - self._began > LONGEST
        self._loop, self._began = loop, now
        loop.call_soon(self._end)  # in the next iteration, before what waits above
        return False

    def _end(self) -> None:
        self._began = None


pace = Pace()
