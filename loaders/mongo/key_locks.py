"""Limits how many transactions of this process run at once, with a lock for each contended document.

When two transactions write the same document, MongoDB aborts one of them with a write conflict, and it is
retried. Among a hundred, most would be retried over and over and rarely succeed. So only a few run at once,
and transactions that have conflicted over a document take its lock one after another.
"""

from asyncio import Lock, Semaphore, timeout
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf
from time import monotonic
from weakref import WeakValueDictionary

from loaders.mongo.bson_types import DriverObject
from loaders.mongo.command_errors import DeadlineError

_MOST = 10  # transactions at once, not counting those that hold locks


class KeyLocks:
    """The locks of one client's transactions."""

    def __init__(self) -> None:
        self._running = Semaphore(_MOST)
        self._locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def acquired(self, keys: Collection[str], deadline: float = inf) -> AsyncIterator[None]:
        """Holds the lock of each key, first come, first served. Without keys, holds one of the shared places.

        Raises DeadlineError if they are not acquired by the deadline, in seconds of time.monotonic().
        """
        async with AsyncExitStack() as stack:
            try:
                async with timeout(None if deadline == inf else deadline - monotonic()):
                    await self._enter(stack, keys)
            except TimeoutError:
                raise DeadlineError from None
            yield

    async def _enter(self, stack: AsyncExitStack, keys: Collection[str]) -> None:
        if not keys:
            await stack.enter_async_context(self._running)
        for key in sorted(keys):  # in one order for all, so that there is no deadlock
            await stack.enter_async_context(self._locks.setdefault(key, Lock()))

    def is_locked(self, key: str) -> bool:
        """Whether a transaction holds the lock of a key."""
        lock = self._locks.get(key)
        return lock is not None and lock.locked()


_of_clients: dict[int, KeyLocks] = {}  # by the id of their client


def locks_of(client: DriverObject) -> KeyLocks:
    """Returns the locks of a client, Motor's or PyMongo's async one."""
    if (locks := _of_clients.get(id(client))) is None:
        locks = _of_clients[id(client)] = KeyLocks()
    return locks


def forget_locks(client: DriverObject) -> None:
    """Drops the locks of a client that is closed."""
    _of_clients.pop(id(client), None)
