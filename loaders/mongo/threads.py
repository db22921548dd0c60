"""Threads that run the commands of the blocking driver."""

from asyncio import Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.bson_types import DriverCall, DriverObject, Result
from loaders.mongo.command_errors import ClientGoneError
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope


class Call(Command):
    """A command that calls a function with an object of the blocking driver, in the caller's context.

    Its future gets what the function returns or raises. If the future is cancelled, the result is discarded,
    and the slot is kept until the call returns. asyncio.to_thread would add a second future and an executor's
    locks, a noticeable cost for a short call.
    """

    __slots__ = ("call", "context", "loop", "target")

    def __init__(
        self,
        scope: Scope | None,
        client: DriverObject,
        queue: Queue,
        call: DriverCall,
        target: DriverObject,
    ) -> None:
        self.loop = get_running_loop()
        super().__init__(scope, client, self.loop.create_future(), queue)
        self.call = call
        self.target = target
        self.context: Context = copy_context()

    def outcome(self) -> Future[Result]:
        """The future of what the call returns or raises."""
        return self.future

    def run(self) -> Result:
        """Makes the call; runs in a thread."""
        if self.scope is None:
            return self.call(self.target)
        if not self.is_write:
            return self._interruptible()
        with self.timeout():
            return self.call(self.target)

    def _interruptible(self) -> Result:
        """Makes the call in a session of its own, through which it can be killed."""
        client = self.client.delegate
        lent = driver_sessions.lend(client)
        self.session_id = lent.id
        try:
            if self.is_stopped or self.future.done():
                raise ClientGoneError
            with lent.session.bind(end_session=False):
                return self.call(self.target)
        finally:
            self.session_id = None
            if not self.is_stopped:
                driver_sessions.give_back(client, lent)

    def start(self) -> None:
        """Hands the call to an idle thread, or starts a new one."""
        _calls.put(self)
        try:
            _idle.pop()
        except IndexError:
            with suppress(RuntimeError):  # the system's limit of threads: the next idle one takes the call
                Thread(target=_work, name="lectern", daemon=True).start()

    def interrupt(self, error: Exception) -> None:
        """Fails the future at once; MongoDB kills the command within a second."""
        if not self.future.done():
            self.future.set_exception(error)
        interruptions.add(self)

    def settle(self, settle: Callable[[Any], None], outcome: Any) -> None:  # a result or an exception
        """Completes the future by `settle(outcome)`; runs in the event loop after the call has returned."""
        self.queue.fill()
        if not self.future.done():
            settle(outcome)


_calls: SimpleQueue[Call] = SimpleQueue()
_idle: list[None] = []  # one entry for each thread that is free to take another call


def _work() -> None:
    while True:
        _run(_calls.get())  # in a frame of its own, so that it keeps no reference to the last call


def _run(call: Any) -> None:  # a Call, but the queue is typed for its base class, Command
    """Runs a call, then queued ones for as long as there are any: this saves waking another thread."""
    while call:
        settle: Callable[[Any], None] = call.future.set_result  # or set_exception: the types differ
        try:
            outcome: Any = call.context.run(call.run)  # or an exception
        except BaseException as error:  # whatever it is: the caller would wait forever
            settle, outcome = call.future.set_exception, error
        call.has_ended = True
        following = call.queue.finish(call)
        if following is None:
            _idle.append(None)  # before the loop continues and submits the next call
        try:  # noqa: SIM105  # suppress is slower, and this runs for every command
            call.loop.call_soon_threadsafe(call.settle, settle, outcome)
        except RuntimeError:  # the loop was closed meanwhile, so nobody waits
            pass
        call = following
