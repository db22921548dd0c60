"""An iteration of the event loop does a limited amount of work, however many tasks are ready at once."""

import asyncio

import pytest

from app.execution import pace
from app.execution.pace import LONGEST, Pace

PIECE = LONGEST / 4


@pytest.mark.parametrize("tasks", [1, 30])
async def test_work_waits_for_the_next_iteration(monkeypatch: pytest.MonkeyPatch, tasks: int) -> None:
    now, iteration, done = 0.0, 0, {0: 0}
    monkeypatch.setattr(pace, "perf_counter", lambda: now)
    own, loop = Pace(), asyncio.get_running_loop()

    def next_iteration() -> None:
        nonlocal iteration
        iteration += 1
        done[iteration] = 0
        loop.call_soon(next_iteration)

    async def work() -> None:
        nonlocal now
        for _ in range(30):
            await own.turn()
            now += PIECE
            done[iteration] += 1

    loop.call_soon(next_iteration)
    await asyncio.gather(*(work() for _ in range(tasks)))
    assert sum(done.values()) == 30 * tasks
    assert max(done.values()) == LONGEST / PIECE + 1


async def test_short_work_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Pace()
    passed: list[str] = []
    asyncio.get_running_loop().call_soon(passed.append, "an iteration")
    monkeypatch.setattr(pace, "perf_counter", lambda: 0.0)
    for _ in range(100):
        await own.turn()
    assert not passed


def test_nothing_waits_for_a_loop_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    own, now = Pace(), 0.0
    monkeypatch.setattr(pace, "perf_counter", lambda: now)
    asyncio.run(own.turn())
    now = 1.0
    asyncio.run(asyncio.wait_for(own.turn(), 5))
