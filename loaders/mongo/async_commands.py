"""Commands sent through PyMongo's async client, on the event loop."""

from asyncio import get_running_loop
from time import perf_counter

from pymongo.errors import PyMongoError

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.bson_types import DriverCall, DriverObject, Result
from loaders.mongo.command_errors import ClientGoneError, DeadlineError
from loaders.mongo.find_commands import Lookup, keyed
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
        lookup: Lookup | None = None,
    ) -> None:
        super().__init__(scope, client, get_running_loop().create_future(), queue, lookup)
        self.call = call
        self.target = target

    def start(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def interrupt(self) -> None:
        """Makes MongoDB kill the command, so that its call fails. This takes up to a second."""
        if self.session_id is not None:
            interruptions.add(self)

    async def outcome(self) -> Result:
        """Waits for a slot and makes the call. Returns the call's result, or raises its error.

        If another command does this one's look-up, returns its documents without a call.
        """
        try:
            looked_up = await self.future
            if looked_up is not None:
                return looked_up
            self.sent = perf_counter()
            if self.scope is None:
                return await self.call(self.target)
            self._require_caller(self.scope)  # the command may have been stopped since it got its slot
            with self.timeout():
                result = await (self.call(self.target) if self.is_write else self._interruptible())
            self._require_caller(self.scope)  # it may have gone on for others
            return result
        finally:
            self.has_ended = True
            self.ended = self.ended or perf_counter()
            if self.merged:
                self.answer_merged()
            if following := self.queue.finish(self):
                following.start()
            self.queue.fill()

    def _require_caller(self, scope: Scope) -> None:
        """Raises an error if nobody waits for the result."""
        if self.is_stopped:
            raise ClientGoneError if scope.gone else DeadlineError

    async def _interruptible(self) -> Result:
        """Makes the call in a separate driver session, so that the call can be killed by the session's id."""
        lent = driver_sessions.lend(self.client)
        self.session_id = lent.id
        try:
            async with lent.session.bind(end_session=False):
                return await (
                    self._looked_up(self.lookup) if self.lookup and self.merged else self.call(self.target)
                )
        except PyMongoError as error:
            if error.timeout:  # MongoDB may still be running the command, so kill it
                self.stop(error)
            raise
        finally:
            # If the command was stopped, keep its session id, which is needed to kill the command in MongoDB.
            if not self.is_stopped:
                self.session_id = None
                driver_sessions.give_back(self.client, lent)

    async def _looked_up(self, lookup: Lookup) -> Result:
        """Looks up the documents of this command and of those that are merged with it. Returns its own."""
        asked = lookup.together(self.merged.values())
        self.found = found = keyed(asked, await asked.fetch(self.target))
        return await self.call(self.target) if found is None else lookup.own(found)
