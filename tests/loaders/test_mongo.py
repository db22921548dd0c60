"""What is told of a command."""

import asyncio
from threading import Event

import pytest

from loaders import mongo, queue
from loaders.mongo import Database
from loaders.queue import POOL
from loaders.threads import Call


async def test_a_command_s_time_is_without_the_wait_for_a_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    now, released = 0.0, Event()
    monkeypatch.setattr(mongo, "perf_counter", lambda: now)
    token = mongo.observer.set(told.append)
    try:
        busy = [Call(None, None, queue.running(), released.wait, 5.0) for _ in range(POOL)]
        for call in busy:
            queue.running().submit(call)
        finding = asyncio.create_task(mongo.find(database["courses"], {}, size=1))
        await asyncio.wait([finding], timeout=1)  # the async client needs no thread, and is done
        now = 100.0
        released.set()
        assert await finding == []
        await asyncio.gather(*(call.future for call in busy))
    finally:
        mongo.observer.reset(token)
    assert told == [0.0]
