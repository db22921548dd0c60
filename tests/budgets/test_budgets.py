"""The budgets of processes that share one MongoDB: commands, memory."""

import asyncio
import tracemalloc
from asyncio import gather
from time import monotonic

import bson
import pytest

from app.budgets import RateLimitedError
from app.budgets.bucket import Bucket
from app.budgets.budgets import MOST_BUCKETS
from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests.budgets.clients import admitted, budgets_of, charge, until_level

LEASE = "findAndModify budgets"


async def test_requests_share_a_lease(database: Database, mongo_commands: list[str]) -> None:
    budgets = budgets_of(database)
    for _ in range(10):
        await charge(budgets).take(75)
    assert mongo_commands == [LEASE]  # 750 of a slice of 1,000


async def test_a_process_admits_exactly_the_size(database: Database) -> None:
    assert await admitted(budgets_of(database), 100) == 100


@pytest.mark.parametrize("classes", ["public=1:1", "public=1:7", "public=1:19"])
async def test_tiny_budgets_are_exact(database: Database, classes: str) -> None:
    size, began = int(classes.rpartition(":")[2]), monotonic()
    assert size <= await admitted(budgets_of(database, classes), 1) <= size + (monotonic() - began)


async def test_two_processes_share_a_budget(database: Database) -> None:
    one, two = budgets_of(database), budgets_of(database)
    await charge(one).take(5_000)
    assert await admitted(two, 5_000) == 1
    assert await admitted(one, 5_000) == 0


async def test_concurrent_requests_of_two_processes_are_exact(database: Database) -> None:
    processes = [budgets_of(database, "public=1:1000") for _ in range(2)]

    async def request(number: int) -> bool:
        try:
            await charge(processes[number % 2]).take(10)
        except RateLimitedError:
            return False
        return True

    results = await gather(*map(request, range(400)))
    for budgets in processes:  # what one process holds and doesn't need, the other can have
        await budgets.close()
    rest = await admitted(processes[0], 10)
    assert sum(results) + rest in {100, 101}  # a point is restored in a second


async def test_refused_requests_send_no_command(database: Database, mongo_commands: list[str]) -> None:
    budgets = budgets_of(database, "public=1:10000")
    await charge(budgets).take(10_000)
    mongo_commands.clear()
    for _ in range(1_000):
        with pytest.raises(RateLimitedError):
            await charge(budgets).take(5_000)
    assert mongo_commands == []


async def test_another_process_asks_once(database: Database, mongo_commands: list[str]) -> None:
    await charge(budgets_of(database)).take(10_000)
    other = budgets_of(database)
    mongo_commands.clear()
    for _ in range(100):
        with pytest.raises(RateLimitedError):
            await charge(other).take(5_000)
    assert mongo_commands == [LEASE]


async def test_an_address_of_a_network_has_the_budget_of_the_network(database: Database) -> None:
    budgets = budgets_of(database)
    await charge(budgets, "2001:db8::1").take(10_000)
    assert await admitted(budgets, 10_000, "2001:db8::2") == 0
    assert await admitted(budgets, 10_000, "2001:db8:0:1::1") == 1  # another /64 of the same /48


async def test_a_viewer_has_a_budget_whatever_the_address(database: Database) -> None:
    budgets = budgets_of(database)
    viewer = Viewer(subject="someone")
    await budgets.charge(None, viewer, "192.0.2.1").take(10_000)
    with pytest.raises(RateLimitedError):
        await budgets.charge(None, viewer, "192.0.2.2").take(10_000)
    await charge(budgets).take(10_000)  # others at the address have their own


async def test_a_new_role_has_a_budget_of_its_own(database: Database) -> None:
    budgets = budgets_of(database, "public=1:10,student=1:20")
    await budgets.charge(None, Viewer(subject="someone"), "").take(10)
    await budgets.charge(None, Viewer(frozenset({"STUDENT"}), subject="someone"), "").take(20)


async def test_the_difference_is_given_back(database: Database) -> None:
    budgets = budgets_of(database)
    first = charge(budgets)
    await first.take(10_000)
    first.settle(40)
    first.settle(10_000)  # a second time does nothing
    assert budgets.points["public"] == first.spent == 40
    await charge(budgets).take(9_960)
    with pytest.raises(RateLimitedError):
        await charge(budgets).take(10)


async def test_a_request_pays_at_least_a_point_and_at_most_its_price(database: Database) -> None:
    budgets = budgets_of(database)
    for price, actual, spent in ((0, 0, 1), (10, 0, 1), (10, 11, 10), (10, 10, 10)):
        own = charge(budgets)
        await own.take(price)
        own.settle(actual)
        assert own.spent == spent


async def test_what_was_taken_before_counts_towards_the_price_and_is_given_back_unless_it_is_kept(
    database: Database,
) -> None:
    budgets = budgets_of(database)
    for is_kept, price, actual, spent in (
        (True, 100, 0, 30),
        (True, 100, 40, 40),
        (True, 20, 0, 30),
        (False, 100, 0, 1),
        (False, 20, 10, 10),
    ):
        own, before = charge(budgets), budgets.points["public"]
        await own.take(30)
        if is_kept:
            own.keep()
        await own.take(price)
        assert own.spent == max(30, price)
        own.settle(actual)
        assert own.spent == budgets.points["public"] - before == spent
    await charge(budgets).take(10_000 - budgets.points["public"])
    with pytest.raises(RateLimitedError):
        await charge(budgets).take(10)


async def test_points_are_returned_at_the_end(database: Database) -> None:
    budgets = budgets_of(database)
    await charge(budgets).take(10)
    assert (await database["budgets"].find_one())["level"] < 9_100  # type: ignore[index]
    await budgets.close()
    assert (await database["budgets"].find_one())["level"] >= 9_990  # type: ignore[index]


async def test_points_are_returned_after_a_while(database: Database) -> None:
    budgets = budgets_of(database, "public=100:10000")  # kept for 2.5 s
    await charge(budgets).take(10)
    running = asyncio.create_task(budgets.run())
    await until_level(database, 9_990)
    running.cancel()


async def test_only_buckets_with_points_are_looked_at(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    returns = Bucket.returns

    def noting(bucket: Bucket, now: float) -> int:
        looked_at.append(bucket.client)
        return returns(bucket, now)

    monkeypatch.setattr(Bucket, "returns", noting)
    budgets = budgets_of(database, "public=1000:10000")  # kept for 0.25 s
    for number in range(1_000):
        charge(budgets, f"10.0.{number // 250}.{number % 250}")
    await charge(budgets, "10.0.0.0").take(10)
    running = asyncio.create_task(budgets.run())
    await until_level(database, 9_990)
    assert set(looked_at) == {"public  address 10.0.0.0"}
    looked_at.clear()
    await charge(budgets, "10.0.0.1").take(10)
    await until_level(database, 9_990, 2)
    assert set(looked_at) == {"public  address 10.0.0.1"}
    assert budgets.known == 1_000
    running.cancel()


async def test_points_that_come_back_late_are_returned_too(database: Database) -> None:
    budgets = budgets_of(database, "public=1000:10000")
    late = charge(budgets)
    await late.take(10_000)
    running = asyncio.create_task(budgets.run())
    await charge(budgets, "192.0.2.2").take(10)
    await until_level(database, 9_990)  # so that the first bucket has been looked at, and found empty
    late.settle(1)
    await until_level(database, 9_990, 2)
    running.cancel()


async def test_clients_in_memory_are_bounded_and_forgotten_ones_gain_nothing(database: Database) -> None:
    budgets = budgets_of(database)
    await charge(budgets).take(6_000)
    for number in range(200_000):
        budgets.charge(None, Viewer(subject=str(number)), "")
    assert budgets.known == MOST_BUCKETS
    with pytest.raises(RateLimitedError):
        await charge(budgets).take(6_000)


async def test_a_forgotten_client_gets_back_what_a_running_request_doesnt_need(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.budgets.budgets.MOST_BUCKETS", 1)
    budgets = budgets_of(database)
    running = charge(budgets)
    await running.take(500)  # of a slice of 1,000
    charge(budgets, "192.0.2.2")
    running.settle(1)
    await budgets.close()
    (document,) = await database["budgets"].find().to_list(None)
    assert 9_000 + 499 <= document["level"] < 9_000 + 600  # what was left of the slice is lost


async def test_a_client_takes_less_than_a_kilobyte(database: Database) -> None:
    budgets = budgets_of(database)
    tracemalloc.start()
    try:
        for number in range(MOST_BUCKETS):
            budgets.charge(None, Viewer(subject=f"https://issuer.example|{number}"), "")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert budgets.known == MOST_BUCKETS
    assert held < 1_000 * MOST_BUCKETS


async def test_a_document_is_small_and_anonymous(database: Database) -> None:
    await charge(budgets_of(database), "192.0.2.77").take(10)
    (document,) = await database["budgets"].find().to_list(None)
    assert len(bson.encode(document)) < 150
    assert b"192.0.2.77" not in bson.encode(document)


async def test_an_unlimited_client_costs_nothing(database: Database, mongo_commands: list[str]) -> None:
    budgets = budgets_of(database, "public=unlimited")
    own = charge(budgets)
    await own.take(1_000_000)
    own.settle(900_000)
    assert (own.state(), own.fields(), own.spent, mongo_commands) == (None, (), 900_000, [])
    assert budgets.known == 0
