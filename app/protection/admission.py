"""Admission: who may run now, who waits for a turn, and who is sent away.

What runs at once is bounded by its price (app.execution.cost), so that requests finish one after another
instead of all together, late or never. docs/protection.md says why it is done this way.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from itertools import count
from time import monotonic

from starlette.exceptions import HTTPException

from app.observing import Throttled

CHEAP = 2_000  # the price of a query up to which it passes the dearer ones: 20 ms
_CHEAP_AT_ONCE = 2  # times as much as of dear ones

_TEXTS_AT_ONCE = 16_000  # bytes that are parsed in one round of the event loop
_LARGE_BODY = 16_000  # bytes: to decode more takes longer than to refuse

_MOST_WAITING = 5_000  # in a lane; each takes about 20 kB
_MOST_BYTES = 64_000_000  # of the bodies of all that wait in a lane

_PAUSE = 0.002  # seconds
_MOST_GIVEN = 0.5  # seconds

#: Seconds by which cheaper ones may overtake the dearest, so that these don't wait forever.
_HEAD_START = 1.0


_REFUSED = Throttled("requests are refused: too many wait, or no turn came within ADMISSION_WAIT")


class OverloadedError(HTTPException):
    """Too many requests wait, or this one has waited too long."""

    code = "OVERLOADED"

    def __init__(self, wait: float) -> None:
        # Spread, so that those who were sent away together don't come back together, and from soon on, so
        # that the queue is not empty meanwhile.
        seconds = random.randint(1, max(1, round(3 * wait)))  # noqa: S311  # nothing is kept secret by it
        super().__init__(503, "The server is overloaded: try again later.", {"retry-after": str(seconds)})


class Lane:
    """Admits what fits into its capacity. The rest waits, first come, first served, except that cheaper ones
    have a head start.

    capacity: the most that the prices of those inside add up to. wait: the most seconds that one waits; half
    of that is the least before it is refused.
    """

    def __init__(self, capacity: int, wait: float) -> None:
        self.capacity, self._wait = capacity, wait
        self.used = self.waiting = 0
        self._bytes = 0
        self._queue: list[tuple[float, int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return self.waiting >= _MOST_WAITING or self._bytes >= _MOST_BYTES

    def enter(self, price: int) -> bool:
        """Whether it may pass at once; then `leave` has to be called. What is dearer than the whole capacity
        passes alone.
        """
        if self._queue or not self._fits(price):
            return False
        self.used += price
        return True

    async def wait(self, price: int, size: int) -> None:
        """Waits for a turn, which `leave` ends. size: about the bytes of memory that it holds meanwhile.

        Raises OverloadedError.
        """
        if self.is_full:
            raise OverloadedError(self._wait)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = monotonic() + _HEAD_START * min(price / self.capacity, 1)
        heappush(self._queue, (due, next(self._numbers), price, ready))
        self.waiting += 1
        self._bytes += size
        self._advance()  # it may be in front already, and small enough
        try:
            # Spread as well: to send all away at once would hold the loop and leave the queue empty.
            async with asyncio.timeout(self._wait * random.uniform(0.5, 1)):  # noqa: S311
                await ready
        except (TimeoutError, asyncio.CancelledError) as ended:
            if not ready.cancelled():  # its turn came in the same moment
                self.used -= price
            self._advance()
            if isinstance(ended, TimeoutError):
                raise OverloadedError(self._wait) from None
            raise
        finally:
            self.waiting -= 1
            self._bytes -= size

    def leave(self, price: int) -> None:
        """Ends a turn."""
        self.used -= price
        self._advance()

    def _advance(self) -> None:
        """Gives turns to those in front, as many as fit."""
        while self._queue:
            _, _, next_price, ready = self._queue[0]
            if not ready.done():
                if not self._fits(next_price):
                    return
                self.used += next_price
                ready.set_result(None)
            heappop(self._queue)

    def _fits(self, price: int) -> bool:
        return self.used + price <= self.capacity or not self.used


class Admission:
    """The lanes of a process: for cheap and for dear queries, the same for mutations, and for new texts.

    capacity: the price of what runs at once in a lane; of cheap queries twice as much. wait: seconds.
    """

    def __init__(self, capacity: int = 50_000, wait: float = 5) -> None:
        self._wait = wait
        self.cheap = Lane(capacity * _CHEAP_AT_ONCE, wait)
        self.dear = Lane(capacity, wait)
        self.writes = Lane(capacity, wait)
        self.dear_writes = Lane(capacity, wait)
        self.texts = Lane(_TEXTS_AT_ONCE, wait)

    def giving_way(self) -> Callable[[], Awaitable[None]]:
        """For one dear query: waits while mutations are in flight, for half a second in all its work. They
        make a dozen round trips to MongoDB, and after each would wait for a piece of it.
        """
        left = _MOST_GIVEN

        async def give_way() -> None:
            nonlocal left
            while (self.writes.used or self.dear_writes.used) and left > 0:
                left -= _PAUSE
                await asyncio.sleep(_PAUSE)

        return give_way

    def lane(self, price: int, *, is_query: bool) -> Lane:
        if is_query:
            return self.cheap if price <= CHEAP else self.dear
        return self.writes if price <= CHEAP else self.dear_writes

    def check(self, length: int) -> None:
        """Refuses a request before its body is read, where it probably could not even wait.

        length: of the body. Raises OverloadedError.
        """
        if self.cheap.is_full or (length > _LARGE_BODY and (self.dear.is_full or self.texts.is_full)):
            raise OverloadedError(self._wait)
