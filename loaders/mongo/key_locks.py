"""Limits the concurrent transactions of this process, with a lock for each contended document.

When two transactions write the same document, MongoDB aborts one of them with a write conflict, and the
aborted transaction is retried. If a hundred transactions ran concurrently, most would be retried over and
over, and rarely succeed. Therefore, only a few run concurrently. Transactions that have conflicted over a
document take its lock, and so run one after another.
"""

from asyncio import Lock, Semaphore, timeout
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf
from time import monotonic
from weakref import WeakValueDictionary, finalize

from loaders.mongo.bson_types import DriverObject
from loaders.mongo.command_errors import DeadlineError

_MOST = 10  # maximum number of concurrent transactions, not counting those that hold locks


class KeyLocks:
    """Locks on documents, for the transactions of one MongoDB client."""

    def __init__(self) -> None:
        self._running = Semaphore(_MOST)
        self._locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def acquired(self, keys: Collection[str], deadline: float = inf) -> AsyncIterator[None]:
        """Holds the lock of each key while the context lasts; without keys, holds a transaction slot.

        There are _MOST slots. Locks and slots are granted first come, first served. Raises DeadlineError if
        they aren't acquired by the deadline, a time on the time.monotonic() clock in seconds.
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
        for key in sorted(keys):  # every transaction uses this order, so that there is no deadlock
            await stack.enter_async_context(self._locks.setdefault(key, Lock()))

    def is_locked(self, key: str) -> bool:
        """Returns whether a transaction holds a key's lock."""
        lock = self._locks.get(key)
        return lock is not None and lock.locked()


_of_clients: dict[int, KeyLocks] = {}  # keyed by the client's id()


def locks_of(client: DriverObject) -> KeyLocks:
    """Returns the locks for a MongoDB client."""
    if (locks := _of_clients.get(id(client))) is None:
        locks = _of_clients[id(client)] = KeyLocks()
        finalize(client, _of_clients.pop, id(client), None).atexit = False
    return locks
