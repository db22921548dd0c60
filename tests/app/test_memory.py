"""The memory of a process that serves."""

import asyncio
import gc
from collections.abc import Mapping
from time import process_time

import pytest

from app import memory


async def test_a_pause_after_work_gives_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_PAUSE", 0.2)
    monkeypatch.setattr(memory, "_IDLE", 0.5)
    full: list[str] = []

    def note(phase: str, told: Mapping[str, int]) -> None:
        if phase == "stop" and told["generation"] == 2:
            full.append(phase)

    gc.collect()
    gc.callbacks.append(note)
    tending = asyncio.create_task(memory.tend())
    try:
        await asyncio.sleep(0.5)
        assert full == [], "nothing was done"
        before = process_time()
        while process_time() - before < 0.5:
            pass
        await asyncio.sleep(1)
        assert full == ["stop"]
    finally:
        tending.cancel()
        gc.callbacks.remove(note)
