"""Turns: few transactions at once, and those that were in each other's way one after the other."""

from asyncio import Event, create_task, gather, sleep, timeout

from bson import ObjectId

from loaders.mongo import key_locks
from loaders.mongo.commands import Database
from loaders.mongo.transactions import Transaction, transaction

A = ObjectId()


async def test_ten_run_at_once_and_more_wait() -> None:
    running, go_on = [], Event()

    async def run(n: int) -> None:
        async with key_locks.acquired(()):
            running.append(n)
            await go_on.wait()

    tasks = [create_task(run(n)) for n in range(12)]
    await sleep(0.01)
    assert running == list(range(10))
    go_on.set()
    await gather(*tasks)
    assert running == list(range(12))


async def test_whose_turn_it_is_waits_for_nobody_without_one() -> None:
    go_on = Event()

    async def run() -> None:
        async with key_locks.acquired(()):
            await go_on.wait()

    tasks = [create_task(run()) for _ in range(10)]
    await sleep(0.01)
    async with timeout(1), key_locks.acquired({"a"}):
        assert key_locks.is_locked("a")
    go_on.set()
    await gather(*tasks)


async def test_those_with_one_key_come_in_the_order_in_which_they_asked() -> None:
    had: list[tuple[int, str]] = []

    async def run(n: int) -> None:
        async with key_locks.acquired({"a"}):
            had.append((n, "begin"))
            await sleep(0)
            had.append((n, "end"))

    await gather(*(run(n) for n in range(3)))
    assert had == [(n, what) for n in range(3) for what in ("begin", "end")]


async def test_those_with_the_same_keys_never_wait_for_each_other_forever() -> None:
    async def run(*keys: str) -> None:
        for _ in range(20):
            async with key_locks.acquired(dict.fromkeys(keys)):
                await sleep(0)

    async with timeout(5):
        await gather(run("a", "b"), run("b", "a"), run("b", "c"), run("c", "a"))


async def test_a_key_is_taken_while_somebody_has_its_turn() -> None:
    assert not key_locks.is_locked("a")
    async with key_locks.acquired({"a"}):
        assert key_locks.is_locked("a")
        assert not key_locks.is_locked("b")
    assert not key_locks.is_locked("a")


async def test_transactions_that_want_the_same_begin_again_once_or_twice(database: Database) -> None:
    """Without turns, 60 of them take several hundred attempts."""
    await database["things"].insert_one({"_id": A, "n": 0})
    attempts = 0

    async def work(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        thing = await tx.get("things", A)
        await sleep(0.005)
        await tx.patch("things", thing, n=thing["n"] + 1)

    await gather(*(transaction(database, work) for _ in range(60)))
    assert await database["things"].find_one({"_id": A}) == {"_id": A, "n": 60}
    assert attempts <= 2 * 60 + 20
