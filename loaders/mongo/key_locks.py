"""Limits how many transactions of this process run at once, with a lock for each contended document.

When two transactions write the same document, MongoDB aborts one of them with a write conflict, and it is
retried. Among a hundred, most would be retried over and over and rarely succeed. So only a few run at once,
and transactions that have conflicted over a document take its lock one after another.
"""

from asyncio import AbstractEventLoop, Lock, Semaphore, get_running_loop, timeout
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf
from time import monotonic
from weakref import WeakKeyDictionary, WeakValueDictionary

from loaders.mongo.command_errors import DeadlineError

_MOST = 10  # transactions at once, not counting those that hold locks

_running: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()
_locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()


@asynccontextmanager
async def acquired(keys: Collection[str], deadline: float = inf) -> AsyncIterator[None]:
    """Holds the lock of each key, first come, first served. Without keys, holds one of the shared places.

    Raises DeadlineError if they are not acquired by the deadline, in seconds of time.monotonic().
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
    for key in sorted(keys):  # in one order for all, so that there is no deadlock
        await stack.enter_async_context(_locks.setdefault(key, Lock()))


def is_locked(key: str) -> bool:
    """Whether a transaction holds the lock of a key."""
    lock = _locks.get(key)
    return lock is not None and lock.locked()
