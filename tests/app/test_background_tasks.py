"""Background tasks survive unexpected errors."""

import asyncio

import pytest
from structlog.testing import capture_logs

from app import background
from app.background import failures, supervised


async def test_a_task_that_fails_is_restarted_logged_once_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "_PAUSE", 0.01)
    started, works = 0, asyncio.Event()

    async def work() -> None:
        nonlocal started
        started += 1
        if started <= 3:
            raise ValueError("unexpected")
        works.set()
        await asyncio.Event().wait()

    before = failures["a test"]
    with capture_logs() as logged:
        task = asyncio.create_task(supervised("a test", work))
        await asyncio.wait_for(works.wait(), 30)
    (line,) = logged
    assert (line["event"], line["task"]) == ("a background task failed and is restarted", "a test")
    assert str(line["exc_info"]) == "unexpected"
    assert failures["a test"] - before == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started == 4


async def test_a_task_that_returns_has_ended() -> None:
    async def work() -> None: ...

    await asyncio.wait_for(supervised("a test", work), 30)
