"""Turns of the transactions of this process.

Of two that write the same document MongoDB lets one go on, and ends the other, which begins again. Of a
hundred, most begin again and again and are seldom done: so only a few run at once, and those that have been
in each other's way wait for each other.
"""

from asyncio import AbstractEventLoop, Lock, Semaphore, get_running_loop, timeout
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf
from time import monotonic
from weakref import WeakKeyDictionary, WeakValueDictionary

from loaders.mongo.command_errors import DeadlineError

_MOST = 10  # at once; those whose turn it is are not counted

_running: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()
_locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()


@asynccontextmanager
async def taken(keys: Collection[str], deadline: float = inf) -> AsyncIterator[None]:
    """The turn at each of the keys: first come, first served. Without keys, a turn among all.

    Raises DeadlineError where it doesn't come by the deadline, in seconds of time.monotonic().
    """
    async with AsyncExitStack() as stack:
        try:
            async with timeout(None if deadline == inf else deadline - monotonic()):
                await _enter(stack, keys)
        except TimeoutError:
            raise DeadlineError from None
        yield


async def _enter(stack: AsyncExitStack, keys: Collection[str]) -> None:
    if not keys:
        running = _running.setdefault(get_running_loop(), Semaphore(_MOST))
        await stack.enter_async_context(running)
    for key in sorted(keys):  # in one order, so that no two wait for each other
        await stack.enter_async_context(_locks.setdefault(key, Lock()))


def is_taken(key: str) -> bool:
    """Whether anybody has the turn at a key."""
    lock = _locks.get(key)
    return lock is not None and lock.locked()
