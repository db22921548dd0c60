"""What is told of a command."""

import asyncio
from threading import Event

import pytest

from loaders import mongo, threads
from loaders.mongo import Database


async def test_a_command_s_time_is_without_the_wait_for_a_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    now, released = 0.0, Event()
    monkeypatch.setattr(mongo, "perf_counter", lambda: now)
    token = mongo.observer.set(told.append)
    try:
        busy = [threads.run(released.wait, 5.0) for _ in range(threads._MOST)]
        finding = asyncio.create_task(mongo.find(database["courses"], {}, size=1))
        await asyncio.wait([finding], timeout=1)  # the async client needs no thread, and is done
        now = 100.0
        released.set()
        assert await finding == []
        await asyncio.gather(*busy)
    finally:
        mongo.observer.reset(token)
    assert told == [0.0]
