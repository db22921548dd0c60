"""A call that occurs at several depths of a plan: each parent is asked for once."""

from asyncio import Future, get_running_loop, sleep, wait
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

#: Iterations of the loop in which others may join a batch; a level above may take one more than another.
_JOINING = 2

#: Gives one entry per parent, in order. It doesn't raise: an exception is the entry of a parent.
Call: TypeAlias = Callable[[list[Any]], Awaitable[Sequence[Any]]]


class _Batch:
    """One call. parents, entries: by the identity of the parent."""

    def __init__(self) -> None:
        self.parents: dict[int, Any] = {}
        self.entries: dict[int, Any] = {}
        self.done: Future[None] = get_running_loop().create_future()


class Recurring:
    """The calls of one function with the same arguments in one run.

    What becomes ready at the same time is one batch, whatever its depth. A parent that was asked for before,
    or is being asked for, is not asked for again. Parents are told apart by identity.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._batches: dict[int, _Batch] = {}
        self._open: _Batch | None = None

    async def __call__(self, parents: list[Any]) -> Sequence[Any]:
        own = dict(zip(map(id, parents), parents, strict=True))
        if unknown := {key: parent for key, parent in own.items() if key not in self._batches}:
            await self._ask(unknown)
        batches = {self._batches[key] for key in own}
        await wait([batch.done for batch in batches])
        return [self._batches[id(parent)].entries[id(parent)] for parent in parents]

    async def _ask(self, parents: dict[int, Any]) -> None:
        """Joins the batch that is open, or makes one."""
        batch = self._open or _Batch()
        batch.parents |= parents
        self._batches |= dict.fromkeys(parents, batch)
        if self._open:
            return
        self._open = batch
        for _ in range(_JOINING):
            await sleep(0)
        self._open = None
        entries = await self._call(list(batch.parents.values()))
        batch.entries = dict(zip(batch.parents, entries, strict=True))
        batch.done.set_result(None)
