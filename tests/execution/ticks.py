"""A clock on which each MongoDB command takes one tick: commands sent together are answered together.

How many commands are sent depends on what is ready at the same time, and in which order. With ticks, both
depend on the operation alone, so the commands of the engines can be compared.
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

#: Iterations of the event loop without a new command after which the next one can only follow an answer.
QUIET = 40

_AT_ONCE = 64  # commands


@contextmanager
def timeless() -> Iterator[None]:
    """Turns off everything that depends on time: pauses in long work, and the slow commands of the queue."""
    with patch.object(queue, "FAST", _AT_ONCE):
        wide = queue.Queue()
    with patch.object(commands, "queue_of", lambda client: wide), patch.object(pace, "LONGEST", inf):
        yield


class Ticks:
    """A hook (tests/execution/hooked.py). sent: all commands, in order. disturb: a hook for the answers."""

    def __init__(self, disturb: Hook | None = None) -> None:
        self.sent: list[str] = []
        self._disturb = disturb
        self._running = 0
        self._answered: dict[int, asyncio.Future[None]] = {}  # by the index of the command in `sent`
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
        """Returns `sent` once no command follows any more.

        graphql-core may send commands after its answer, for fields of a value that became null.
        """
        quiet = 0
        while quiet < QUIET:
            await asyncio.sleep(0)
            quiet = 0 if self._running or self._clock else quiet + 1
        return self.sent

    async def _tick(self) -> None:
        """Answers all commands once no more are sent, in the order in which they were sent.

        MongoDB answers in a random order. Of two calls that need the same document, the first sends the
        command.
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
