"""Admission control: which requests run now, which wait in a queue, and which are refused.

The total price (app.execution.cost) of the requests running at once is bounded, so that requests finish one
after another instead of all together, late or never. docs/protection.md explains the design.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from itertools import count
from time import monotonic

from starlette.exceptions import HTTPException

from app.error_codes import OVERLOADED

CHEAP = 2_000  # the highest price in the cheap lanes: 20 ms of CPU
_CHEAP_FACTOR = 2  # capacity of the cheap lane, relative to the other lanes

_TEXTS_AT_ONCE = 16_000  # bytes parsed in one iteration of the event loop
_LARGE_BODY = 16_000  # bytes: decoding a larger body takes longer than refusing it

_MOST_WAITING = 5_000  # requests in a lane's queue; each takes about 20 kB
_MOST_BYTES = 64_000_000  # of all bodies in a lane's queue

_PAUSE = 0.002  # seconds that an expensive query sleeps at a time while a mutation is in flight
_MAX_PAUSED = 0.5  # seconds that it sleeps altogether

#: The most seconds by which a cheaper request may overtake another, so that no request waits for ever.
_HEAD_START = 1.0


class OverloadedError(HTTPException):
    """The queue is full, or a request has waited in it for too long."""

    code = OVERLOADED

    def __init__(self, wait: float) -> None:
        # Random, so that clients refused together don't return together. It starts at one second, so that
        # the queue doesn't run empty meanwhile.
        seconds = random.randint(1, max(1, round(3 * wait)))  # noqa: S311 # not for cryptography
        super().__init__(503, "The server is overloaded: try again later.", {"retry-after": str(seconds)})


class Lane:
    """Admits requests up to its capacity and queues the rest.

    The queue is first come, first served, except that cheaper requests have a head start.

    capacity: the highest total price of the admitted requests. wait: seconds; a request that isn't admitted
    is refused after between half of that and all of it.
    """

    def __init__(self, capacity: int, wait: float) -> None:
        self.capacity, self._wait = capacity, wait
        self.used = self.waiting = 0
        self._bytes = 0
        self._queue: list[tuple[float, int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    @property
    def is_full(self) -> bool:
        """Whether the queue accepts no more requests."""
        return self.waiting >= _MOST_WAITING or self._bytes >= _MOST_BYTES

    def enter(self, price: int) -> bool:
        """Tries to admit a request without waiting. If it returns True, `leave` must be called later.

        A request whose price exceeds the whole capacity is admitted alone.
        """
        if self._queue or not self._fits(price):
            return False
        self.used += price
        return True

    async def wait(self, price: int, size: int) -> None:
        """Queues a request until it is admitted. `leave` must be called later.

        size: roughly the bytes of memory that the request holds while it waits.

        Raises OverloadedError if the queue is full or the wait is over.
        """
        if self.is_full:
            raise OverloadedError(self._wait)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = monotonic() + _HEAD_START * min(price / self.capacity, 1)
        heappush(self._queue, (due, next(self._numbers), price, ready))
        self.waiting += 1
        self._bytes += size
        self._advance()  # it may be first in the queue and fit already
        try:
            # Random as well: refusing all at once would block the event loop and leave the queue empty.
            async with asyncio.timeout(self._wait * random.uniform(0.5, 1)):  # noqa: S311 # likewise
                await ready
        except (TimeoutError, asyncio.CancelledError) as ended:
            if not ready.cancelled():  # it was admitted at the same moment
                self.used -= price
            self._advance()
            if isinstance(ended, TimeoutError):
                raise OverloadedError(self._wait) from None
            raise
        finally:
            self.waiting -= 1
            self._bytes -= size

    def leave(self, price: int) -> None:
        """Ends the turn of an admitted request."""
        self.used -= price
        self._advance()

    def _advance(self) -> None:
        """Admits requests from the front of the queue for as long as the next one fits."""
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
    """The lanes of a process: cheap and dear (expensive) queries, the same for mutations, and texts.

    capacity: the highest total price in a lane; cheap queries have twice as much. wait: as in `Lane`.
    """

    def __init__(self, capacity: int = 50_000, wait: float = 5) -> None:
        self._wait = wait
        self.cheap = Lane(capacity * _CHEAP_FACTOR, wait)
        self.dear = Lane(capacity, wait)
        self.writes = Lane(capacity, wait)
        self.dear_writes = Lane(capacity, wait)
        self.texts = Lane(_TEXTS_AT_ONCE, wait)

    def giving_way(self) -> Callable[[], Awaitable[None]]:
        """Returns a function that one expensive query awaits between slices of its work.

        It sleeps while mutations are in flight, for half a second in total over the whole query. A mutation
        makes a dozen round trips to MongoDB, and after each would wait for a slice of the query.
        """
        left = _MAX_PAUSED

        async def give_way() -> None:
            nonlocal left
            while (self.writes.used or self.dear_writes.used) and left > 0:
                left -= _PAUSE
                await asyncio.sleep(_PAUSE)

        return give_way

    def lane(self, price: int, *, is_query: bool) -> Lane:
        """The lane for an operation: a query, or otherwise a mutation."""
        if is_query:
            return self.cheap if price <= CHEAP else self.dear
        return self.writes if price <= CHEAP else self.dear_writes

    def check(self, length: int) -> None:
        """Refuses a request before its body is read if it probably couldn't even be queued.

        length: bytes of the body. Raises OverloadedError.
        """
        if self.cheap.is_full or (length > _LARGE_BODY and (self.dear.is_full or self.texts.is_full)):
            raise OverloadedError(self._wait)
