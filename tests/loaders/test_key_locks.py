"""Key locks: few transactions run at once, and conflicting ones run one after another."""

from asyncio import Event, create_task, gather, sleep, timeout

from bson import ObjectId

from loaders.mongo.database import Database
from loaders.mongo.key_locks import KeyLocks
from loaders.mongo.transactions import Transaction, transaction

A = ObjectId()


async def test_ten_transactions_run_at_once_and_more_wait() -> None:
    locks = KeyLocks()
    running, go_on = [], Event()

    async def run(n: int) -> None:
        async with locks.acquired(()):
            running.append(n)
            await go_on.wait()

    tasks = [create_task(run(n)) for n in range(12)]
    await sleep(0.01)
    assert running == list(range(10))
    go_on.set()
    await gather(*tasks)
    assert running == list(range(12))


async def test_a_holder_of_a_lock_does_not_wait_for_those_without() -> None:
    locks = KeyLocks()
    go_on = Event()

    async def run() -> None:
        async with locks.acquired(()):
            await go_on.wait()

    tasks = [create_task(run()) for _ in range(10)]
    await sleep(0.01)
    async with timeout(1), locks.acquired({"a"}):
        assert locks.is_locked("a")
    go_on.set()
    await gather(*tasks)


async def test_a_lock_is_first_come_first_served() -> None:
    locks = KeyLocks()
    had: list[tuple[int, str]] = []

    async def run(n: int) -> None:
        async with locks.acquired({"a"}):
            had.append((n, "begin"))
            await sleep(0)
            had.append((n, "end"))

    await gather(*(run(n) for n in range(3)))
    assert had == [(n, what) for n in range(3) for what in ("begin", "end")]


async def test_several_locks_at_once_cause_no_deadlock() -> None:
    locks = KeyLocks()

    async def run(*keys: str) -> None:
        for _ in range(20):
            async with locks.acquired(dict.fromkeys(keys)):
                await sleep(0)

    async with timeout(5):
        await gather(run("a", "b"), run("b", "a"), run("b", "c"), run("c", "a"))


async def test_a_key_is_locked_while_somebody_holds_its_lock() -> None:
    locks = KeyLocks()
    assert not locks.is_locked("a")
    async with locks.acquired({"a"}):
        assert locks.is_locked("a")
        assert not locks.is_locked("b")
    assert not locks.is_locked("a")


async def test_conflicting_transactions_are_retried_once_or_twice(database: Database) -> None:
    """Without the locks, 60 transactions take several hundred attempts."""
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
