"""Commands of PyMongo's async client, which block nobody."""

from asyncio import Timeout, get_running_loop, timeout
from collections.abc import Callable
from typing import Any

from loaders import interruptions, sessions
from loaders.queue import Command, Queue
from loaders.scope import Scope


class Awaited(Command):
    """A command that is a call of a coroutine function with the driver's object."""

    __slots__ = ("call", "error", "limit", "own")

    def __init__(
        self, scope: Scope | None, client: Any, queue: Queue, call: Callable[[Any], Any], own: Any
    ) -> None:
        super().__init__(scope, client, get_running_loop().create_future(), queue)
        self.call = call
        self.own = own
        self.error: Exception | None = None
        self.limit: Timeout | None = None

    def start(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def interrupt(self, error: Exception) -> None:
        """It raises the error at once; MongoDB ends it within a second."""
        self.error = error
        if self.limit:
            self.limit.reschedule(get_running_loop().time())
            interruptions.add(self)

    async def outcome(self) -> Any:
        """What the call gives or raises, once its turn has come."""
        try:
            await self.future
            return await self._bounded()
        finally:
            for following in self.queue.finish(self):
                following.start()

    async def _bounded(self) -> Any:
        if self.scope is None:
            return await self.call(self.own)
        if self.is_write:
            with self.timeout():
                return await self.call(self.own)
        try:
            async with timeout(None) as self.limit:
                return await self._interruptible()
        except TimeoutError:
            raise self.error or TimeoutError from None

    async def _interruptible(self) -> Any:
        """In a session by which it can be ended."""
        if self.error:
            raise self.error
        session = sessions.lend(self.client)
        self.session_id = session.session_id
        try:
            async with session.bind(end_session=False):
                return await self.call(self.own)
        finally:
            if not self.is_stopped:  # by its connection alone a blocked command would not be ended
                self.session_id = None
                sessions.give_back(self.client, session)
