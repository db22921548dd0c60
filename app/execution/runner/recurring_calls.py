"""A call that occurs at several depths of a plan: each parent is asked for once."""

from asyncio import Future, get_running_loop, sleep, wait
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

#: Iterations of the loop in which others may join a batch; a level above may take one more than another.
_JOINING = 2

#: Gives one entry per parent, in order. It doesn't raise: an exception is the entry of a parent.
Call: TypeAlias = Callable[[list[Any]], Awaitable[Sequence[Any]]]


class Recurring:
    """The calls of one function with the same arguments in one run.

    What becomes ready at the same time is one batch, whatever its depth. A parent that was asked for before,
    or is being asked for, is not asked for again. Parents are told apart by identity.

    joined: whether calls may be ready at the same time; no call is, with those below it.
    """

    def __init__(self, *, joined: bool) -> None:
        self._joining = _JOINING if joined else 0
        self._asked: dict[int, Any] = {}  # parents, kept so that no other gets the identity of one
        self._entries: dict[int, Any] = {}
        self._coming: dict[int, Future[None]] = {}
        self._open: dict[int, Any] | None = None  # what a batch has so far that others may join

    async def __call__(self, parents: list[Any], call: Call) -> Sequence[Any]:
        """The entry of each parent, in order."""
        own = dict(zip(map(id, parents), parents, strict=True))
        if unknown := own.keys() - self._asked.keys():
            await self._ask({key: parent for key, parent in own.items() if key in unknown}, call)
        if missing := own.keys() - self._entries.keys():
            await wait({self._coming[key] for key in missing})
        return list(map(self._entries.__getitem__, map(id, parents)))

    async def _ask(self, parents: dict[int, Any], call: Call) -> None:
        """Joins the batch that is open, or makes one and sees to it."""
        self._asked |= parents
        if self._open is not None:
            self._coming |= dict.fromkeys(parents, self._coming[next(iter(self._open))])
            self._open |= parents
            return
        done = get_running_loop().create_future()
        self._coming |= dict.fromkeys(parents, done)
        self._open = batch = parents
        for _ in range(self._joining):
            await sleep(0)
        self._open = None
        self._entries |= zip(batch, await call(list(batch.values())), strict=True)
        done.set_result(None)
