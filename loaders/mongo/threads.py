"""Threads for commands of the driver that block."""

from asyncio import Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.command_errors import ClientGoneError
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope


class Call(Command):
    """A command that is a call of a function with the driver's blocking object, in the caller's context.

    Its future has what the function gives or raises. If it is cancelled, its result is discarded and its slot
    is kept until the call returns. (asyncio.to_thread takes a second future and the locks of an executor,
    which a short call feels.)
    """

    __slots__ = ("call", "context", "loop", "own")

    def __init__(
        self, scope: Scope | None, client: Any, queue: Queue, call: Callable[[Any], Any], own: Any
    ) -> None:
        self.loop = get_running_loop()
        super().__init__(scope, client, self.loop.create_future(), queue)
        self.call = call
        self.own = own
        self.context: Context = copy_context()

    def outcome(self) -> Future[Any]:
        """What the call gives or raises, once its turn has come."""
        return self.future

    def run(self) -> Any:
        """In a thread."""
        if self.scope is None:
            return self.call(self.own)
        if not self.is_write:
            return self._interruptible()
        with self.timeout():
            return self.call(self.own)

    def _interruptible(self) -> Any:
        """In a session by which it can be ended."""
        client = self.client.delegate
        lent = driver_sessions.lend(client)
        self.session_id = lent.id
        try:
            if self.is_stopped or self.future.done():
                raise ClientGoneError
            with lent.session.bind(end_session=False):
                return self.call(self.own)
        finally:
            self.session_id = None
            if not self.is_stopped:
                driver_sessions.give_back(client, lent)

    def start(self) -> None:
        """In a thread that is idle, or in a new one."""
        _calls.put(self)
        try:
            _idle.pop()
        except IndexError:
            with suppress(RuntimeError):  # the system has no more of them: the next that is idle takes it
                Thread(target=_work, name="lectern", daemon=True).start()

    def interrupt(self, error: Exception) -> None:
        """Its future fails at once; MongoDB ends it within a second."""
        if not self.future.done():
            self.future.set_exception(error)
        interruptions.add(self)

    def settle(self, settle: Callable[[Any], None], outcome: Any) -> None:
        """In the loop: the function has returned."""
        self.queue.fill()
        if not self.future.done():
            settle(outcome)


_calls: SimpleQueue[Call] = SimpleQueue()
_idle: list[None] = []  # an entry for each thread that will take a call that is not put yet


def _work() -> None:
    while True:
        _run(_calls.get())  # in a frame of its own, so that nothing of it is kept until the next


def _run(call: Any) -> None:
    """A call, and what is queued as long as there is anything: a thread that goes on need not be woken."""
    while call:
        settle: Callable[[Any], None] = call.future.set_result
        try:
            outcome: Any = call.context.run(call.run)
        except BaseException as error:  # or who waits would wait forever
            settle, outcome = call.future.set_exception, error
        call.has_ended = True
        following = call.queue.finish(call)
        if following is None:
            _idle.append(None)  # before the loop goes on, and has the next call
        try:  # noqa: SIM105  # suppress takes longer, for each command
            call.loop.call_soon_threadsafe(call.settle, settle, outcome)
        except RuntimeError:  # the loop was closed meanwhile, and nobody waits
            pass
        call = following
