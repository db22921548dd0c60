"""The observed time of a command, and its errors."""

import asyncio
from threading import Event
from time import monotonic

import pytest
from motor.core import AgnosticBase
from pymongo.errors import OperationFailure

from loaders.mongo import CommandSent, DriverObject, Value, async_commands, commands, threads
from loaders.mongo.database import Database
from loaders.mongo.queue import POOL
from loaders.mongo.scope import Scope, current_scope


async def test_a_command_s_time_excludes_its_wait_in_the_queue(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed: list[CommandSent] = []
    now, released, go_on = 0.0, Event(), asyncio.Event()
    for clock in (threads, async_commands):
        monkeypatch.setattr(clock, "perf_counter", lambda: now)
    is_threaded = isinstance(database["courses"], AgnosticBase)

    def block(_: DriverObject) -> Value:
        return released.wait(5) if is_threaded else go_on.wait()

    token = current_scope.set(Scope(monotonic() + 60, on_command=observed.append))
    try:
        busy = [asyncio.create_task(commands.send(database["courses"], "ping", block)) for _ in range(POOL)]
        await asyncio.sleep(0)
        finding = asyncio.create_task(commands.find(database["courses"], {}, size=1))
        await asyncio.wait([finding], timeout=0.1)
        assert not finding.done()
        now = 100.0
        released.set()
        go_on.set()
        assert await finding == []
        await asyncio.gather(*busy)
    finally:
        current_scope.reset(token)
    assert [c for c in observed if c.kind == "find"] == [CommandSent("find", "courses", 0.0, 0, began=100.0)]


async def test_an_error_of_mongodb_is_not_its_own_cause(database: Database) -> None:
    """Otherwise each failed command would leave a reference cycle."""
    token = current_scope.set(Scope(monotonic() + 5))
    try:
        with pytest.raises(OperationFailure) as failed:
            await commands.find(database["courses"], {"$nonsense": 1}, size=1)
    finally:
        current_scope.reset(token)
    assert failed.value.__cause__ is not failed.value


async def test_the_time_of_a_cancelled_command_ends_when_it_is_cancelled(database: Database) -> None:
    """Its thread may still be waiting for MongoDB."""
    observed: list[CommandSent] = []
    released, go_on = Event(), asyncio.Event()
    is_threaded = isinstance(database["courses"], AgnosticBase)

    def block(_: DriverObject) -> Value:
        return released.wait(5) if is_threaded else go_on.wait()

    token = current_scope.set(Scope(monotonic() + 60, on_command=observed.append))
    try:
        waiting = [
            asyncio.create_task(commands.send(database["courses"], "ping", block)) for _ in range(POOL)
        ]
        queued = asyncio.create_task(commands.send(database["courses"], "queued", block))
        await asyncio.wait([queued], timeout=0.05)
        for task in (queued, *waiting):
            task.cancel()
        await asyncio.gather(queued, *waiting, return_exceptions=True)
    finally:
        released.set()
        current_scope.reset(token)
    times = [(command.kind, command.ms) for command in observed]
    assert len(times) == POOL + 1
    assert min(times) >= ("ping", 0)
    assert any(ms > 0 for kind, ms in times if kind == "ping")
    assert ("queued", 0) in times
