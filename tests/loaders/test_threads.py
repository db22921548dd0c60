"""Calls that block, in threads."""

import asyncio
from asyncio import Future
from collections.abc import Callable
from contextvars import ContextVar
from threading import Barrier, Event, get_ident
from typing import Any

import pytest

from loaders import queue
from loaders.threads import Call

who: ContextVar[str] = ContextVar("who")


def run(function: Callable[[Any], Any], argument: Any) -> Future[Any]:
    call = Call(None, None, queue.running(), function, argument)
    queue.running().submit(call)
    return call.future


async def test_it_runs_elsewhere_in_the_caller_s_context() -> None:
    who.set("the caller")
    assert await run(lambda argument: (argument, who.get()), 7) == (7, "the caller")
    assert await run(lambda _: get_ident(), None) != get_ident()


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(KeyError, match="gone"):
        await run({"there": 1}.__getitem__, "gone")


def test_a_loop_that_is_closed_meanwhile_takes_no_thread_with_it() -> None:
    go_on = Event()

    async def leave() -> None:
        for _ in range(20):
            run(lambda _: go_on.wait(5), None)

    asyncio.run(leave())
    go_on.set()

    async def count() -> set[int]:
        here = Barrier(10)
        return set(await asyncio.gather(*(run(lambda _: here.wait(5), None) for _ in range(10))))

    assert asyncio.run(count()) == set(range(10))


async def test_a_cancelled_call_ends_unheard() -> None:
    begun, go_on = Event(), Event()

    def block(_: None) -> str:
        begun.set()
        go_on.wait(5)
        return "heard"

    waiting = asyncio.ensure_future(run(block, None))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    assert await run(lambda argument: argument, "the next") == "the next"
    assert waiting.cancelled()
