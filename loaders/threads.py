"""Threads for commands of the driver that block."""

from asyncio import Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from loaders import interruptions, sessions
from loaders.errors import ClientGoneError
from loaders.queue import Command, Queue, in_flight
from loaders.scope import Scope


class Call(Command):
    """A command that is a call of a function with the driver's blocking object, in the caller's context.

    Its future has what the function gives or raises. Cancelled, it ends unheard, and keeps its slot until
    then. (asyncio.to_thread takes a second future and the locks of an executor, which a short call feels.)
    """

    __slots__ = ("call", "context", "is_given_up", "loop", "own")

    def __init__(
        self, scope: Scope | None, client: Any, queue: Queue, call: Callable[[Any], Any], own: Any
    ) -> None:
        self.loop = get_running_loop()
        super().__init__(scope, client, self.loop.create_future(), queue)
        self.call = call
        self.own = own
        self.is_given_up = False
        self.context: Context = copy_context()

    def outcome(self) -> Future[Any]:
        """What the call gives or raises, once its turn has come."""
        return self.future

    def made(self) -> Any:
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
        session = sessions.lend(client)
        self.session_id = session.session_id
        try:
            if self.is_stopped or self.future.done():
                raise ClientGoneError
            with session.bind(end_session=False):
                return self.call(self.own)
        finally:
            self.session_id = None
            if not self.is_stopped:
                sessions.give_back(client, session)

    def start(self) -> None:
        """In a thread that is idle or will soon be, or in a new one."""
        _calls.put(self)
        if len(in_flight) > len(_threads):
            _threads.append(None)
            Thread(target=_work, name="lectern", daemon=True).start()

    def give_up(self) -> None:
        """Its thread is lost until it returns, and its slot is another's."""
        if not self.is_given_up and not self.has_ended:
            self.is_given_up = True
            _threads.pop()
            super().give_up()

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
_threads: list[None] = []  # an entry for each one that is not lost


def _work() -> None:
    while True:
        _made(_calls.get())  # in a frame of its own, so that nothing of it is kept until the next


def _made(call: Any) -> None:
    """A call, and what is queued as long as there is anything: a thread that goes on need not be woken."""
    while call:
        settle: Callable[[Any], None] = call.future.set_result
        try:
            outcome: Any = call.context.run(call.made)
        except BaseException as error:  # or who waits would wait forever
            settle, outcome = call.future.set_exception, error
        call.has_ended = True
        if call.is_given_up:
            _threads.append(None)
        following = call.queue.finish(call)
        with suppress(RuntimeError):  # the loop was closed meanwhile, and nobody waits
            call.loop.call_soon_threadsafe(call.settle, settle, outcome)
        call = following
