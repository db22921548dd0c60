"""Threads for calls that block."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import cache
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
A = TypeVar("A")

_MOST = 10  # at once; more wait for each other more than for MongoDB


class _Call(NamedTuple):
    context: Context
    loop: AbstractEventLoop
    future: Future[Any]
    function: Callable[[Any], Any]
    argument: Any


def run(function: Callable[[A], T], argument: A) -> Future[T]:
    """What a function gives or raises in a thread, in the caller's context. Cancelled, it ends unheard.

    asyncio.to_thread does the same by way of a second future and the locks of an executor, which a short call
    feels.
    """
    loop = get_running_loop()
    future: Future[T] = loop.create_future()
    _calls().put(_Call(copy_context(), loop, future, function, argument))
    return future


@cache
def _calls() -> SimpleQueue[_Call]:
    """What the threads take from; they are started with it."""
    calls: SimpleQueue[_Call] = SimpleQueue()
    for number in range(_MOST):
        Thread(target=_work, args=(calls,), name=f"lectern-{number}", daemon=True).start()
    return calls


def _work(calls: SimpleQueue[_Call]) -> None:
    while True:
        _made(calls.get())  # in a frame of its own, so that nothing of it is kept until the next


def _made(call: _Call) -> None:
    settle: Callable[[Any], None] = call.future.set_result
    try:
        outcome: Any = call.context.run(call.function, call.argument)
    except BaseException as error:  # or who waits would wait forever
        settle, outcome = call.future.set_exception, error
    with suppress(RuntimeError):  # the loop was closed meanwhile, and nobody waits
        call.loop.call_soon_threadsafe(_settle, call.future, settle, outcome)


def _settle(future: Future[Any], settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.cancelled():
        settle(outcome)
