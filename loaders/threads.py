"""Threads for commands of the driver that block."""

from asyncio import get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from loaders.queue import Command, Queue
from loaders.scope import Scope


class Call(Command):
    """A command that is a call of a function, with the command and the arguments, in the caller's context.

    Its future has what the function gives or raises. Cancelled, it ends unheard, and keeps its slot until
    then. (asyncio.to_thread takes a second future and the locks of an executor, which a short call feels.)
    """

    __slots__ = ("arguments", "context", "function", "loop", "queue")

    def __init__(
        self, scope: Scope | None, client: Any, queue: Queue, function: Callable[..., Any], *arguments: Any
    ) -> None:
        self.loop = get_running_loop()
        super().__init__(scope, client, self.loop.create_future())
        self.queue = queue
        self.function = function
        self.arguments = arguments
        self.context: Context = copy_context()

    def start(self) -> None:
        """In a thread that is idle, or in a new one."""
        _calls.put(self)
        try:
            _idle.pop()
        except IndexError:
            Thread(target=_work, name="lectern", daemon=True).start()

    def settle(self, settle: Callable[[Any], None], outcome: Any) -> None:
        """In the loop: the function has returned."""
        self.queue.finish(self)
        if not self.future.done():
            settle(outcome)


_calls: SimpleQueue[Call] = SimpleQueue()
_idle: list[None] = []  # an entry for each thread that will take a call that is not put yet


def _work() -> None:
    while True:
        _made(_calls.get())  # in a frame of its own, so that nothing of it is kept until the next


def _made(call: Call) -> None:
    settle: Callable[[Any], None] = call.future.set_result
    try:
        outcome: Any = call.context.run(call.function, call, *call.arguments)
    except BaseException as error:  # or who waits would wait forever
        settle, outcome = call.future.set_exception, error
    _idle.append(None)
    with suppress(RuntimeError):  # the loop was closed meanwhile, and nobody waits
        call.loop.call_soon_threadsafe(call.settle, settle, outcome)
