"""What is told of a command."""

import asyncio
import time

from loaders import mongo, threads
from loaders.mongo import Database


async def test_a_command_s_time_is_without_the_wait_for_a_thread(database: Database) -> None:
    told: list[float] = []
    token = mongo.observer.set(told.append)
    try:
        busy = [threads.run(time.sleep, 0.5) for _ in range(threads._MOST)]
        assert await mongo.find(database["courses"], {}, size=1) == []
        await asyncio.gather(*busy)
    finally:
        mongo.observer.reset(token)
    assert len(told) == 1
    assert 0 < told[0] < 400
