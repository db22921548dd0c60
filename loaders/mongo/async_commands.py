"""Commands sent through PyMongo's async client, on the event loop."""

from asyncio import get_running_loop

from pymongo.errors import PyMongoError

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.bson_types import DriverCall, DriverObject, Result
from loaders.mongo.command_errors import ClientGoneError, DeadlineError
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope


class Awaited(Command):
    """A command that is sent by calling a coroutine function on the event loop.

    The driver makes the call time out at the deadline. The call is never cancelled, because the driver would
    then close the connection.
    """

    __slots__ = ("call", "target")

    def __init__(
        self,
        scope: Scope | None,
        client: DriverObject,
        queue: Queue,
        call: DriverCall,
        target: DriverObject,
    ) -> None:
        super().__init__(scope, client, get_running_loop().create_future(), queue)
        self.call = call
        self.target = target

    def start(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def interrupt(self, error: Exception) -> None:
        """Makes MongoDB kill the command, so that its call fails. This takes up to a second."""
        if self.session_id is not None:
            interruptions.add(self)

    async def outcome(self) -> Result:
        """Waits for a slot and makes the call. Returns the call's result, or raises its error."""
        try:
            await self.future
            if self.scope is None:
                return await self.call(self.target)
            if self.is_stopped:  # the command may have been stopped since it got its slot
                raise ClientGoneError if self.scope.gone else DeadlineError
            with self.timeout():
                return await (self.call(self.target) if self.is_write else self._interruptible())
        finally:
            self.has_ended = True
            if following := self.queue.finish(self):
                following.start()
            self.queue.fill()

    async def _interruptible(self) -> Result:
        """Makes the call in a separate driver session, so that the call can be killed by the session's id."""
        lent = driver_sessions.lend(self.client)
        self.session_id = lent.id
        try:
            async with lent.session.bind(end_session=False):
                return await self.call(self.target)
        except PyMongoError as error:
            if error.timeout:  # MongoDB may still be running the command, so kill it
                self.stop(error)
            raise
        finally:
            # If the command was stopped, keep its session id, which is needed to kill the command in MongoDB.
            if not self.is_stopped:
                self.session_id = None
                driver_sessions.give_back(self.client, lent)
