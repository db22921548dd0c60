"""Admission control: which requests run now, which wait in a queue, and which are refused.

The total price (see app.execution.pricing) of the requests that run at the same time is limited. Under
overload, further requests wait for their turn. If all of them ran together, all would finish late or never.
docs/protection.md explains the design.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from itertools import count
from time import monotonic

from starlette.exceptions import HTTPException

from app.error_codes import OVERLOADED

CHEAP = 2_000  # the maximum price of a cheap operation: 20 ms of CPU time
_CHEAP_FACTOR = 2  # capacity for cheap queries, as a multiple of the capacity for expensive ones

_TEXTS_AT_ONCE = 16_000  # characters of documents parsed per iteration of the event loop
_LARGE_BODY = 16_000  # bytes; when overloaded, the server refuses larger bodies without reading them

_MOST_WAITING = 5_000  # maximum number of waiting requests per kind of work; each takes about 20 kB
_MOST_BYTES = 64_000_000  # maximum total body size of waiting requests per kind of work, in bytes

_PAUSE = 0.002  # length of a pause that an expensive query makes while mutations are in flight, in seconds
_MAX_PAUSED = 0.5  # maximum total time of the pauses that one expensive query makes for mutations, in seconds

#: A cheaper request can run before an earlier one only if it arrives at most this many seconds later. The
#: limit keeps expensive requests from waiting forever.
_HEAD_START = 1.0


class OverloadedError(HTTPException):
    """The queue is full, or a request has waited in it for too long."""

    code, limit = OVERLOADED, "LECTERN_ADMISSION_WAIT"

    def __init__(self, wait: float) -> None:
        # Retry-After is random, so that clients refused at the same time don't all retry at the same time. It
        # can be as short as one second, so that the queue doesn't run empty before the first clients retry.
        seconds = random.randint(1, max(1, round(3 * wait)))  # noqa: S311 # not for cryptography
        super().__init__(503, "The server is overloaded: try again later.", {"retry-after": str(seconds)})


class Lane:
    """Admits requests up to its capacity and queues the rest.

    The queue is first come, first served, except that cheaper requests have a head start.

    capacity: the maximum total price of the admitted requests. wait: the maximum time in the queue, in
    seconds. A request that isn't admitted is refused after a random time between `wait` / 2 and `wait`.
    """

    def __init__(self, capacity: int, wait: float) -> None:
        self.capacity, self._wait = capacity, wait
        self.used = self.waiting = 0
        self._bytes = 0
        self._queue: list[tuple[float, int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    @property
    def is_full(self) -> bool:
        """Whether the queue refuses further requests."""
        return self.waiting >= _MOST_WAITING or self._bytes >= _MOST_BYTES

    def enter(self, price: int) -> bool:
        """Admits a request if this is possible without waiting. Returns whether the request was admitted.

        If so, call `leave` once the request has finished. A request whose price exceeds the whole capacity is
        admitted only if no other request is running.
        """
        if self._queue or not self._fits(price):
            return False
        self.used += price
        return True

    async def wait(self, price: int, size: int) -> None:
        """Queues a request until it is admitted. Call `leave` once the request has finished.

        size: the approximate memory that the request holds while it waits, in bytes.

        Raises OverloadedError if the queue is full or the request has waited for too long.
        """
        if self.is_full:
            raise OverloadedError(self._wait)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = monotonic() + _HEAD_START * min(price / self.capacity, 1)
        heappush(self._queue, (due, next(self._numbers), price, ready))
        self.waiting += 1
        self._bytes += size
        self._advance()  # this request might be admitted immediately
        try:
            # The timeout is random, because refusing all waiting requests at the same moment would block the
            # event loop and leave the queue empty.
            async with asyncio.timeout(self._wait * random.uniform(0.5, 1)):  # noqa: S311 # not for cryptography
                await ready
        except (TimeoutError, asyncio.CancelledError) as ended:
            if not ready.cancelled():  # the request has been admitted in the meantime
                self.used -= price
            self._advance()
            if isinstance(ended, TimeoutError):
                raise OverloadedError(self._wait) from None
            raise
        finally:
            self.waiting -= 1
            self._bytes -= size

    def leave(self, price: int) -> None:
        """Gives back the capacity that an admitted request used."""
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
    """The lanes of a process, each of which limits one kind of work.

    The five lanes are for cheap queries, expensive queries, cheap mutations, expensive mutations, and the
    parsing of documents.

    capacity: the maximum total price in a lane. It is doubled for cheap queries, and doesn't apply to
    parsing. wait: see `Lane`.
    """

    def __init__(self, capacity: int = 50_000, wait: float = 5) -> None:
        self._wait = wait
        self.cheap = Lane(capacity * _CHEAP_FACTOR, wait)
        self.expensive = Lane(capacity, wait)
        self.writes = Lane(capacity, wait)
        self.expensive_writes = Lane(capacity, wait)
        self.texts = Lane(_TEXTS_AT_ONCE, wait)

    def giving_way(self) -> Callable[[], Awaitable[None]]:
        """Returns a function that an expensive query awaits between slices of its work.

        Each query needs its own function. The function sleeps while mutations are in flight, but for at most
        half a second in total. A mutation makes about a dozen round trips to MongoDB. If the query didn't
        sleep, the mutation would wait for a slice of the query after each round trip.
        """
        left = _MAX_PAUSED

        async def give_way() -> None:
            nonlocal left
            while (self.writes.used or self.expensive_writes.used) and left > 0:
                left -= _PAUSE
                await asyncio.sleep(_PAUSE)

        return give_way

    def lane(self, price: int, *, is_query: bool) -> Lane:
        """Returns the lane for a query or mutation with this price."""
        if is_query:
            return self.cheap if price <= CHEAP else self.expensive
        return self.writes if price <= CHEAP else self.expensive_writes

    def check(self, length: int) -> None:
        """Raises OverloadedError if a request should be refused before its body is read.

        That is the case if the queue for cheap queries is full. A large body is also refused if the queue for
        expensive queries or for parsing is full. length: length of the body, in bytes.
        """
        if self.cheap.is_full or (length > _LARGE_BODY and (self.expensive.is_full or self.texts.is_full)):
            raise OverloadedError(self._wait)
