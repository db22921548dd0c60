"""The memory of a gateway's process."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app import memory
from app.execution import Executor, Operation, Prepared, reference_engine
from loaders.mongo import Database
from resolvers.schema import schema
from tests.support import request_for


class Process:
    """Drives the memory management of a process.

    The test sets its clock of CPU time. A pause is an iteration of the event loop.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cpu = 0.0
        self.done: list[str] = []
        monkeypatch.setattr(memory, "_PAUSE", 0)
        monkeypatch.setattr(memory, "process_time", lambda: self.cpu)
        monkeypatch.setattr(memory, "gc", SimpleNamespace(collect=lambda: self.done.append("collect")))
        monkeypatch.setattr(memory, "_call", self._call)

    def _call(self, function: str, *_: Any) -> None:
        self.done.append(function)

    async def pauses(self, *worked: float) -> None:
        """Makes pauses, each after some seconds of CPU time."""
        for seconds in worked:
            self.cpu += seconds
            await asyncio.sleep(0)


async def test_a_pause_after_work_returns_memory_once(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch)
    tending = asyncio.create_task(memory.tend())
    try:
        await process.pauses(0, 0, 0, 0)
        assert process.done == [], "nothing was done"
        await process.pauses(1, 1, 1)
        assert process.done == [], "it is at work"
        await process.pauses(0, 0, 0, 0)
        assert process.done == ["collect", "malloc_trim"]
        await process.pauses(1, 0, 0)
        assert process.done == ["collect", "malloc_trim"] * 2
    finally:
        tending.cancel()


async def test_garbage_is_collected_more_often_while_graphql_core_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only in a gateway: elsewhere Lectern doesn't set the thresholds."""
    told: list[tuple[int, ...]] = []
    monkeypatch.setattr(memory, "gc", SimpleNamespace(set_threshold=lambda *to: told.append(to)))
    thresholds = memory._Thresholds()
    monkeypatch.setattr(reference_engine, "thresholds", thresholds)
    executor, request = Executor(schema), request_for(cast("Database", None))
    prepared = executor.prepare(Operation("{ __schema { queryType { name } } }"))
    assert isinstance(prepared, Prepared)

    await executor.run(prepared, request)
    assert told == []

    thresholds.take_over()
    assert told.pop() == memory.OF_PLANS
    await asyncio.gather(executor.run(prepared, request), executor.run(prepared, request))
    assert told == [memory.OF_CYCLES] * 3 + [memory.OF_PLANS]
