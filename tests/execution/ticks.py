"""MongoDB commands that all take one tick: what is sent together is answered together.

How many commands are sent depends on what is ready at the same time, and in which order. With ticks that is
so by the operation alone, and the engines' commands can be compared.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any
from unittest.mock import patch

from app.execution import pace
from loaders.mongo import commands, queue
from tests.execution.hooked import Hook

#: Iterations of the loop without a new command, after which none will come before an answer does.
QUIET = 40

_AT_ONCE = 64  # commands


@contextmanager
def timeless() -> Iterator[None]:
    """Nothing waits by the clock: no work for the next iteration of the loop, and no command for a slow one
    to stop counting.
    """
    with patch.object(queue, "FAST", _AT_ONCE):
        wide = queue.Queue()
    with patch.object(commands, "running", lambda: wide), patch.object(pace, "LONGEST", inf):
        yield


class Ticks:
    """A hook (tests/execution/hooked.py). sent: every command, in order. disturb: a hook for the answers."""

    def __init__(self, disturb: Hook | None = None) -> None:
        self.sent: list[str] = []
        self._disturb = disturb
        self._running = 0
        self._answered: dict[int, asyncio.Future[None]] = {}  # by the place of the command in `sent`
        self._clock: asyncio.Task[None] | None = None

    async def __call__(self, collection: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        place = len(self.sent)
        self.sent.append(f"{command} {collection}")
        self._running += 1
        try:
            found = await (self._disturb(collection, command, send) if self._disturb else send())
        finally:
            self._running -= 1
            answered = self._answered[place] = asyncio.get_running_loop().create_future()
            if self._clock is None:
                self._clock = asyncio.create_task(self._tick())
            await answered
        return found

    async def all_sent(self) -> list[str]:
        """`sent`, with what is sent after an answer that doesn't wait for it: graphql-core goes on with
        fields of what has become null.
        """
        quiet = 0
        while quiet < QUIET:
            await asyncio.sleep(0)
            quiet = 0 if self._running or self._clock else quiet + 1
        return self.sent

    async def _tick(self) -> None:
        """Answers all when nothing more is sent, in the order of their sending: MongoDB's is by chance, and
        of two calls that need the same document, the first sends for it.
        """
        quiet, sent = 0, len(self.sent)
        while quiet < QUIET:
            await asyncio.sleep(0)
            quiet = 0 if self._running or len(self.sent) > sent else quiet + 1
            sent = len(self.sent)
        self._clock, answered, self._answered = None, self._answered, {}
        for _, future in sorted(answered.items()):
            if not future.done():
                future.set_result(None)
