"""Combines equal calls (same function and arguments) at different depths. Passes each parent only once."""

from asyncio import Future, get_running_loop, sleep, wait
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from app.execution.compiler import Value

#: A batch stays open for this many iterations of the event loop, so that calls at other depths can join it.
#: A call at another depth can become ready one iteration later than the first call.
_JOINING = 2

#: A function that returns one entry per parent, in order. It never raises. If it fails for a parent, the
#: parent's entry is an exception.
Call: TypeAlias = Callable[[list[Value]], Awaitable[Sequence[Value]]]


class Recurring:
    """All calls to one function with the same arguments in one execution, at any depth.

    Calls that become ready at the same time form one batch, regardless of their depth. A parent whose result
    has been loaded, or is in flight, is not requested again. Parents are compared by identity.

    joined: whether several of the calls can be ready at the same time. It is False if the calls are nested in
    one another.
    """

    def __init__(self, *, joined: bool) -> None:
        self._joining = _JOINING if joined else 0
        self._requested: dict[int, Value] = {}  # keeps the parents alive, so that no id() is reused
        self._entries: dict[int, Value] = {}
        self._done: dict[int, Future[None]] = {}
        self._open: dict[int, Value] | None = None  # parents in the open batch, to which more can be added

    async def __call__(self, parents: list[Value], call: Call) -> Sequence[Value]:
        """Returns a result, or an exception, for each parent, in order."""
        by_id = dict(zip(map(id, parents), parents, strict=True))
        if unknown := by_id.keys() - self._requested.keys():
            await self._request({key: parent for key, parent in by_id.items() if key in unknown}, call)
        if missing := by_id.keys() - self._entries.keys():
            await wait({self._done[key] for key in missing})
        return list(map(self._entries.__getitem__, map(id, parents)))

    async def _request(self, parents: dict[int, Value], call: Call) -> None:
        """Adds the parents to the open batch.

        If there is none, opens one, waits for a moment so that further parents can join it, and then makes
        the call.
        """
        self._requested |= parents
        if self._open is not None:
            self._done |= dict.fromkeys(parents, self._done[next(iter(self._open))])
            self._open |= parents
            return
        done = get_running_loop().create_future()
        self._done |= dict.fromkeys(parents, done)
        self._open = batch = parents
        for _ in range(self._joining):
            await sleep(0)
        self._open = None
        self._entries |= zip(batch, await call(list(batch.values())), strict=True)
        done.set_result(None)
