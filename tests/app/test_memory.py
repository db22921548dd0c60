"""The memory of a process that serves."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from app import memory


class Process:
    """What a process does about its memory, on a clock of CPU time that the test sets; a pause is a turn of
    the event loop.
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
        """So many pauses, with so much CPU time in each."""
        for seconds in worked:
            self.cpu += seconds
            await asyncio.sleep(0)


async def test_a_pause_after_work_gives_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
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
