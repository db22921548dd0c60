"""Calls that block, in threads."""

import asyncio
from contextvars import ContextVar
from threading import Event, get_ident

import pytest

from loaders import threads

who: ContextVar[str] = ContextVar("who")


async def test_it_runs_elsewhere_in_the_caller_s_context() -> None:
    who.set("the caller")
    assert await threads.run(lambda argument: (argument, who.get()), 7) == (7, "the caller")
    assert await threads.run(lambda _: get_ident(), None) != get_ident()


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(KeyError, match="gone"):
        await threads.run({"there": 1}.__getitem__, "gone")


async def test_a_cancelled_call_ends_unheard() -> None:
    begun, go_on = Event(), Event()

    def block(_: None) -> str:
        begun.set()
        go_on.wait(5)
        return "heard"

    waiting = asyncio.ensure_future(threads.run(block, None))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    assert await threads.run(lambda argument: argument, "the next") == "the next"
    assert waiting.cancelled()
