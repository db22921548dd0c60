"""Commands of PyMongo's async client, which block nobody."""

from asyncio import get_running_loop
from collections.abc import Callable
from typing import Any

from pymongo.errors import PyMongoError

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.command_errors import ClientGoneError
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope


class Awaited(Command):
    """A command that is a call of a coroutine function with the driver's object.

    The driver ends it at the deadline. (Cancelled, it would take its connection with it.)
    """

    __slots__ = ("call", "own")

    def __init__(
        self, scope: Scope | None, client: Any, queue: Queue, call: Callable[[Any], Any], own: Any
    ) -> None:
        super().__init__(scope, client, get_running_loop().create_future(), queue)
        self.call = call
        self.own = own

    def start(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def interrupt(self, error: Exception) -> None:
        """It fails when MongoDB has ended it, within a second."""
        if self.session_id is not None:
            interruptions.add(self)

    async def outcome(self) -> Any:
        """What the call gives or raises, once its turn has come."""
        try:
            await self.future
            if self.scope is None:
                return await self.call(self.own)
            if self.is_stopped:
                raise ClientGoneError
            with self.timeout():
                return await (self.call(self.own) if self.is_write else self._interruptible())
        finally:
            self.has_ended = True
            if following := self.queue.finish(self):
                following.start()
            self.queue.fill()

    async def _interruptible(self) -> Any:
        """In a session by which it can be ended."""
        lent = driver_sessions.lend(self.client)
        self.session_id = lent.id
        try:
            async with lent.session.bind(end_session=False):
                return await self.call(self.own)
        except PyMongoError as error:
            if error.timeout:  # MongoDB may be at it still
                self.stop(error)
            raise
        finally:
            if not self.is_stopped:  # else its id is needed, also when its task is cancelled
                self.session_id = None
                driver_sessions.give_back(self.client, lent)
