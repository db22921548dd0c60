"""MongoDB commands that all take one tick: what is sent together is answered together.

How many commands graphql-core's DataLoaders send depends on what is ready at the same time. With ticks that
is so by the operation alone, and the engines' commands can be compared.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.execution.hooked import Hook

#: Iterations of the loop without a new command, after which none will come before an answer does.
QUIET = 40


class Ticks:
    """A hook (tests/execution/hooked.py). sent: every command, in order. disturb: a hook for the answers."""

    def __init__(self, disturb: Hook | None = None) -> None:
        self.sent: list[str] = []
        self._disturb = disturb
        self._running = 0
        self._answered: list[asyncio.Future[None]] = []
        self._clock: asyncio.Task[None] | None = None

    async def __call__(self, collection: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        self.sent.append(f"{command} {collection}")
        self._running += 1
        try:
            found = await (self._disturb(collection, command, send) if self._disturb else send())
        finally:
            self._running -= 1
            answered = asyncio.get_running_loop().create_future()
            self._answered.append(answered)
            if self._clock is None:
                self._clock = asyncio.create_task(self._tick())
            await answered
        return found

    async def _tick(self) -> None:
        """Answers all when nothing more is sent."""
        quiet, sent = 0, len(self.sent)
        while quiet < QUIET:
            await asyncio.sleep(0)
            quiet = 0 if self._running or len(self.sent) > sent else quiet + 1
            sent = len(self.sent)
        self._clock, answered, self._answered = None, self._answered, []
        for future in answered:
            if not future.done():
                future.set_result(None)
