"""Commands sent through PyMongo's async client, on the event loop."""

from asyncio import Task, get_running_loop
from contextvars import Context
from time import perf_counter

from pymongo.errors import ConnectionFailure, PyMongoError

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.bson_types import DriverCall, DriverObject, Result, Stored
from loaders.mongo.command_errors import ClientGoneError, DeadlineError
from loaders.mongo.finds import Lookup
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope


class Awaited(Command):
    """A command that is sent by calling a coroutine function on the event loop.

    The driver makes the call time out at the deadline. The call is never cancelled, because the driver would
    then close the connection.

    sharing: the task that makes the call, if the command has followers.
    """

    __slots__ = ("call", "sharing", "target")

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
        self.sharing: Task[None] | None = None

    def start(self) -> None:
        if (merged := self.merged_lookup()) is not None:
            # A task of its own, because the call goes on for the followers if this command is stopped. Its
            # context is fresh, because otherwise another command's deadline might apply to it.
            self.sharing = get_running_loop().create_task(self._shared(merged), context=Context())
        elif not self.future.done():
            self.future.set_result(None)

    def interrupt(self) -> None:
        """Makes MongoDB kill the command, so that its call fails. This takes up to a second."""
        self.is_interrupted = True
        if self.session_id is not None:
            interruptions.add(self)

    async def outcome(self) -> Result:
        """Waits for a slot and makes the call. Returns the call's result, or raises its error.

        If the command is merged with others, waits for its documents instead.
        """
        try:
            documents = await self.future
            if documents is not None:
                return documents
            self.sent = perf_counter()
            if self.scope is None:
                return await self.call(self.target)
            if self.is_stopped:  # the command may have been stopped since it got its slot
                raise ClientGoneError if self.scope.gone else DeadlineError
            with self.timeout():
                return await (self.call(self.target) if self.is_write else self._interruptible(self.call))
        finally:
            if self.sharing is None:
                self._end()

    async def _shared(self, merged: Lookup) -> None:
        """Looks up the documents of this command and of its followers."""
        self.sent = perf_counter()
        failure: Exception | None = None
        own: list[Stored] | None = None
        try:
            with self.timeout():
                own = self.share(await self._interruptible(merged.fetch))
        except Exception as error:
            is_final = isinstance(error, ConnectionFailure | DeadlineError) or self.is_interrupted
            failure = error if is_final else None  # otherwise, the key of a follower may be the reason
        self.ended = perf_counter()
        self.answer_followers(failure)
        if failure is not None:
            self.fail(failure)
        elif not self.future.done():
            if own is None:  # `outcome` makes the call for this command alone, and ends it
                self.sharing = None
            self.future.set_result(own)
        if self.sharing is not None:
            self._end()

    def _end(self) -> None:
        """Gives back the slot. A command without one has nothing to give back."""
        self.has_ended = True
        if self.sent and not self.is_merged and self.sharing is None:
            self.ended = perf_counter()
        if following := self.queue.finish(self):
            following.start()
        self.queue.fill()

    async def _interruptible(self, call: DriverCall) -> Result:
        """Makes a call in a separate driver session, so that it can be killed by the session's id."""
        lent = driver_sessions.lend(self.client)
        self.session_id = lent.id
        try:
            async with lent.session.bind(end_session=False):
                return await call(self.target)
        except PyMongoError as error:
            if error.timeout:  # MongoDB may still be running the command, so kill it
                self.is_stopped = True
                self.interrupt()
            raise
        finally:
            # If the command was interrupted, keep its session id, which is needed to kill it in MongoDB.
            if not self.is_interrupted:
                self.session_id = None
                driver_sessions.give_back(self.client, lent)
