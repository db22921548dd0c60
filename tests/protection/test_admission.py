"""Admission control: capacity, queueing, overtaking and refusals."""

import asyncio
import random
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from app.protection import admission
from app.protection.admission import CHEAP, Admission, Lane, OverloadedError
from tests.support import receives_for_driver

CAPACITY = 1_000


@pytest.fixture(autouse=True)
async def _no_task_is_left() -> AsyncIterator[None]:
    """Ends the tasks that a test leaves waiting. Otherwise nobody would read their errors."""
    before = asyncio.all_tasks()
    yield
    left = {task for task in asyncio.all_tasks() - before if not receives_for_driver(task)}
    left.discard(asyncio.current_task())
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@pytest.fixture
def lane() -> Lane:
    return Lane(CAPACITY, wait=5)


async def soon() -> None:
    """Lets other tasks run."""
    for _ in range(5):
        await asyncio.sleep(0)


def waiting(lane: Lane, price: int, turns: list[int]) -> asyncio.Task[None]:
    """A task that waits in a lane, and appends its price to `turns` when it is admitted."""

    async def wait() -> None:
        await lane.wait(price, 0)
        turns.append(price)

    return asyncio.create_task(wait())


def test_a_request_that_fits_is_admitted_at_once(lane: Lane) -> None:
    assert lane.enter(600)
    assert lane.enter(400)
    assert not lane.enter(1)
    lane.leave(400)
    assert not lane.enter(401)
    assert lane.enter(400)


def test_a_request_above_the_capacity_is_admitted_alone(lane: Lane) -> None:
    assert lane.enter(10 * CAPACITY)
    assert not lane.enter(1)
    lane.leave(10 * CAPACITY)
    assert lane.enter(1)
    assert not lane.enter(10 * CAPACITY)


async def test_other_requests_wait_for_their_turn(lane: Lane) -> None:
    assert lane.enter(CAPACITY)
    turns: list[int] = []
    tasks = [waiting(lane, price, turns) for price in (500, 500, 500)]
    await soon()
    assert (turns, lane.waiting) == ([], 3)
    lane.leave(CAPACITY)
    await soon()
    assert (turns, lane.waiting, lane.used) == ([500, 500], 1, CAPACITY)
    lane.leave(500)
    await asyncio.gather(*tasks)
    assert (len(turns), lane.waiting) == (3, 0)


async def test_a_small_request_does_not_bypass_the_queue(lane: Lane) -> None:
    assert lane.enter(600)
    waiting(lane, 500, [])
    await soon()
    assert not lane.enter(1)


async def test_cheaper_requests_overtake_until_the_head_start_is_used_up(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(admission, "monotonic", lambda: now)
    assert lane.enter(CAPACITY)
    turns: list[int] = []
    for at, price in ((0.0, 1_000), (0.5, 100), (0.89, 101), (0.91, 99)):
        now = at
        waiting(lane, price, turns)
        await soon()
    lane.leave(CAPACITY)
    await soon()
    assert turns == [100, 101]
    lane.leave(201)
    await soon()
    assert turns == [100, 101, 1_000]
    lane.leave(1_000)
    await soon()
    assert turns == [100, 101, 1_000, 99]


async def test_a_request_that_overtakes_and_fits_is_admitted_at_once(lane: Lane) -> None:
    assert lane.enter(500)
    turns: list[int] = []
    dear = waiting(lane, CAPACITY, turns)
    await soon()
    await lane.wait(100, 0)
    assert (lane.used, lane.waiting) == (600, 1)
    lane.leave(500)
    lane.leave(100)
    await dear
    assert turns == [CAPACITY]


async def test_the_wait_is_bounded() -> None:
    lane = Lane(CAPACITY, wait=0.02)
    assert lane.enter(CAPACITY)
    began = monotonic()
    with pytest.raises(OverloadedError) as refused:
        await lane.wait(1, 0)
    assert refused.value.status_code == 503
    assert monotonic() - began > 0.009
    assert (lane.waiting, lane.used) == (0, CAPACITY)
    lane.leave(CAPACITY)
    assert lane.used == 0


def test_retry_after_is_spread_over_three_times_the_wait() -> None:
    seconds = {int((OverloadedError(5).headers or {})["retry-after"]) for _ in range(2_000)}
    assert seconds == set(range(1, 16))
    assert (OverloadedError(0.1).headers or {})["retry-after"] == "1"


async def test_the_queue_has_a_maximum_length(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_MOST_WAITING", 2)
    assert lane.enter(CAPACITY)
    tasks = [waiting(lane, 1, []) for _ in range(2)]
    await soon()
    with pytest.raises(OverloadedError):
        await lane.wait(1, 0)
    tasks[0].cancel()
    await soon()
    tasks.append(waiting(lane, 1, []))
    await soon()
    assert lane.waiting == 2


async def test_the_queue_has_a_maximum_size(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_MOST_BYTES", 100)
    assert lane.enter(CAPACITY)
    tasks = [asyncio.create_task(lane.wait(1, size)) for size in (99, 1)]
    await soon()
    assert not any(task.done() for task in tasks)
    with pytest.raises(OverloadedError):
        await lane.wait(1, 0)


async def test_a_request_that_leaves_the_queue_holds_up_nobody(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lane.enter(500)
    turns: list[int] = []
    large = waiting(lane, 600, turns)
    await soon()
    too_late_to_overtake = monotonic() + 2
    monkeypatch.setattr(admission, "monotonic", lambda: too_late_to_overtake)
    waiting(lane, 500, turns)
    await soon()
    assert turns == []
    large.cancel()
    await soon()
    assert turns == [500]


async def test_a_turn_given_to_a_cancelled_request_is_passed_on(lane: Lane) -> None:
    assert lane.enter(CAPACITY)
    turns: list[int] = []
    first, _ = waiting(lane, CAPACITY, turns), waiting(lane, CAPACITY, turns)
    await soon()
    lane.leave(CAPACITY)
    first.cancel()
    await soon()
    assert (turns, lane.used) == ([CAPACITY], CAPACITY)


@pytest.mark.parametrize("seed", range(10))
async def test_the_capacity_is_never_exceeded_or_lost(seed: int) -> None:
    chance, lane, most = random.Random(seed), Lane(CAPACITY, wait=0.01), 0

    async def work(price: int) -> None:
        nonlocal most
        await asyncio.sleep(chance.random() / 100)
        if not lane.enter(price):
            await lane.wait(price, price)
        try:
            most = max(most, lane.used)
            await asyncio.sleep(chance.random() / 500)
        finally:
            lane.leave(price)

    tasks = [asyncio.create_task(work(chance.randint(1, CAPACITY))) for _ in range(300)]
    for task in chance.sample(tasks, 100):
        asyncio.get_running_loop().call_later(chance.random() / 50, task.cancel)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), OverloadedError, asyncio.CancelledError}
    assert most <= CAPACITY
    assert (lane.used, lane.waiting) == (0, 0)
    assert lane.enter(CAPACITY)


def test_cheap_queries_have_a_separate_and_larger_lane() -> None:
    own = Admission(CAPACITY, 1)
    assert own.lane(CHEAP, is_query=True) is own.cheap
    assert own.lane(CHEAP + 1, is_query=True) is own.expensive
    assert own.lane(CHEAP, is_query=False) is own.writes
    assert own.lane(CHEAP + 1, is_query=False) is own.expensive_writes
    assert own.expensive.enter(CAPACITY)
    assert own.cheap.enter(2 * CAPACITY)
    assert not own.cheap.enter(1)


@pytest.mark.parametrize(
    ("full", "length", "refused"),
    [
        ("cheap", 0, True), ("expensive", 16_000, False), ("expensive", 16_001, True),
        ("texts", 16_000, False), ("texts", 16_001, True),
    ],
)  # fmt: skip
async def test_a_body_is_not_read_if_its_request_could_not_be_queued(
    full: str, length: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_MOST_WAITING", 1)
    own = Admission(CAPACITY, 1)
    lane: Lane = getattr(own, full)
    own.check(1_000_000)
    assert lane.enter(lane.capacity)
    task = waiting(lane, 1, [])
    await soon()
    if refused:
        with pytest.raises(OverloadedError):
            own.check(length)
    else:
        own.check(length)
    task.cancel()


@pytest.mark.parametrize("name", ["writes", "expensive_writes"])
async def test_an_expensive_query_gives_way_to_mutations_but_not_for_ever(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_MAX_PAUSED", 0.05)
    own = Admission(CAPACITY, 1)
    give_way = own.giving_way()
    lane: Lane = getattr(own, name)
    await asyncio.wait_for(give_way(), 0.001)
    assert lane.enter(1)
    waits = asyncio.ensure_future(give_way())
    await soon()
    assert not waits.done()
    lane.leave(1)
    await waits
    assert lane.enter(1)
    async with asyncio.timeout(1):
        await give_way()
    await asyncio.wait_for(give_way(), 0.001)
