"""Threads for calls that block."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")

_MOST = 10  # at once; more wait for each other more than for MongoDB
_pool = ThreadPoolExecutor(_MOST, "lectern")


def run(function: Callable[[A], T], argument: A) -> Future[T]:
    """What a function gives or raises in a thread, in the caller's context. Cancelled, it ends unheard.

    asyncio.to_thread does the same by way of a second future, which a short call feels.
    """
    loop = get_running_loop()
    future: Future[T] = loop.create_future()
    _pool.submit(copy_context().run, _call, loop, future, function, argument)
    return future


def _call(loop: AbstractEventLoop, future: Future[Any], function: Callable[[A], Any], argument: A) -> None:
    try:
        result = function(argument)
    except BaseException as error:  # or who waits would wait forever
        loop.call_soon_threadsafe(_settle, future, future.set_exception, error)
    else:
        loop.call_soon_threadsafe(_settle, future, future.set_result, result)


def _settle(future: Future[Any], settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.cancelled():
        settle(outcome)
