"""The budgets of processes that share one MongoDB: commands, failures, memory."""

import asyncio
import tracemalloc
from asyncio import gather
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from hashlib import sha256
from time import monotonic
from typing import Any

import bson
import pytest
from bson import Decimal128
from structlog.testing import capture_logs

from app.budget_classes import read_classes
from app.budgets import Budgets, Charge, Clients, RateLimitedError
from app.budgets.bucket import Bucket
from app.budgets.budgets import MOST_BUCKETS
from app.database import connect
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from tests.loaders.mongod import Mongod

LEASE = "findAndModify budgets"


def budgets_of(database: Database, classes: str = "public=1:10000,friend=unlimited") -> Budgets:
    return Budgets(Clients(read_classes(classes), ()), lambda: database)


def charge(budgets: Budgets, address: str = "192.0.2.1") -> Charge:
    return budgets.charge(None, PUBLIC, address)


async def admitted(budgets: Budgets, price: int, address: str = "192.0.2.1") -> int:
    """The number of requests that one process admits, one after the other, until it refuses one."""
    number = 0
    while True:
        try:
            await charge(budgets, address).take(price)
        except RateLimitedError:
            return number
        number += 1


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


async def until_level(database: Database, level: float, number: int = 1) -> None:
    """Waits until some budgets have this many points."""
    async with asyncio.timeout(30):
        while await database["budgets"].count_documents({"level": {"$gte": level}}) < number:  # noqa: ASYNC110 # polls MongoDB
            await asyncio.sleep(0.1)


async def test_clients_in_memory_are_bounded_and_forgotten_ones_gain_nothing(database: Database) -> None:
    budgets = budgets_of(database)
    await charge(budgets).take(6_000)
    for number in range(200_000):
        budgets.charge(None, Viewer(subject=str(number)), "")
    assert budgets.known == MOST_BUCKETS
    with pytest.raises(RateLimitedError):
        await charge(budgets).take(6_000)


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


@pytest.fixture
async def failing_database(own_mongod: Mongod) -> AsyncIterator[Database]:
    async with connect(own_mongod.settings()) as database:
        await database["budgets"].delete_many({})
        yield database


FAILING: dict[str, Any] = {
    "failCommands": ["findAndModify", "update"],
    "namespace": "own.budgets",
    "errorCode": 96,
}


async def test_without_mongodb_a_process_keeps_to_its_lease_then_to_a_bucket_of_its_own(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    await charge(budgets).take(10)
    with own_mongod.failing(**FAILING):
        for _ in range(99):
            await charge(budgets).take(10)  # the rest of the slice of 1,000
        assert budgets.unchecked["public"] == 0
        for _ in range(50):
            await charge(budgets).take(200)  # the size
        assert budgets.unchecked["public"] == 50
        with pytest.raises(RateLimitedError):
            await charge(budgets).take(200)
    await until_checked(budgets)
    assert budgets.leases["granted"] >= 2


async def test_no_lease_is_tried_more_than_once_a_second(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets, began = budgets_of(failing_database), monotonic()
    with own_mongod.failing(**FAILING):
        for _ in range(1_000):
            await charge(budgets).take(1)
    assert 1 <= budgets.leases["failed"] <= 1 + (monotonic() - began)


async def test_a_failed_lease_concerns_only_its_client(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    with own_mongod.failing(times=1, **FAILING):
        await charge(budgets).take(10)
        await charge(budgets, "192.0.2.2").take(10)
    assert budgets.unchecked["public"] == 1
    assert dict(budgets.leases) == {"granted": 1, "refused": 0, "failed": 1}
    await charge(budgets_of(failing_database), "192.0.2.2").take(9_000)
    with pytest.raises(RateLimitedError):
        await charge(budgets, "192.0.2.2").take(9_000)


async def test_a_slow_lease_concerns_only_its_client(own_mongod: Mongod, failing_database: Database) -> None:
    budgets = budgets_of(failing_database)
    with own_mongod.blocking("findAndModify", seconds=30, times=1):
        slow = asyncio.create_task(charge(budgets).take(10))
        await until(own_mongod.in_flight)
        for _ in range(100):
            await charge(budgets, "192.0.2.2").take(10)
        await slow
        await charge(budgets, "192.0.2.3").take(10)
    assert budgets.unchecked["public"] == 1
    assert budgets.leases["failed"] == 1


async def test_one_client_whose_leases_always_fail_leaves_the_others_checked(
    own_mongod: Mongod, failing_database: Database
) -> None:
    """A document of another shape makes each of its leases fail."""
    client = sha256(b"public  address 192.0.2.1").digest()
    await failing_database["budgets"].insert_one({"_id": client, "level": "none"})
    budgets = budgets_of(failing_database)
    async with asyncio.timeout(30):
        while budgets.leases["failed"] < 4:
            await charge(budgets).take(1)
            await asyncio.sleep(0.05)
    before = budgets.unchecked["public"]
    await charge(budgets, "192.0.2.2").take(10)
    assert budgets.unchecked["public"] == before
    assert budgets.leases["granted"] == 1


async def test_an_unexpected_error_of_a_lease_fails_no_request(
    own_mongod: Mongod, failing_database: Database
) -> None:
    client = sha256(b"public  address 192.0.2.1").digest()
    await failing_database["budgets"].insert_one({"_id": client, "level": Decimal128("9000")})
    budgets = budgets_of(failing_database)
    with capture_logs() as logged:
        await charge(budgets).take(1)
    assert budgets.leases["failed"] == budgets.unchecked["public"] == 1
    assert [(line["event"], line["kind"]) for line in logged] == [("a lease of a budget failed", "TypeError")]


async def test_three_clients_in_a_row_whose_leases_fail_mean_that_mongodb_is_away(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    addresses = [f"192.0.2.{number}" for number in range(10)]
    with own_mongod.failing(times=2, **FAILING):
        for address in addresses[:3]:
            await charge(budgets, address).take(10)
        assert budgets.unchecked["public"] == 2  # the third one's lease was granted
    with own_mongod.blocking("findAndModify", seconds=30):
        await gather(*(charge(budgets, address).take(10) for address in addresses[3:6]))
        began = monotonic()
        await gather(*(charge(budgets, address).take(10) for address in addresses[6:]))
        assert monotonic() - began < 0.5  # of the second that a lease would take
    assert budgets.unchecked["public"] == 9


async def test_while_mongodb_is_away_one_lease_a_second_is_tried_for_all_clients(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    with own_mongod.failing(**FAILING):
        for number in range(3):
            await charge(budgets, f"192.0.2.{number}").take(1)
        began = monotonic()
        for number in range(100):
            await charge(budgets, f"198.51.100.{number}").take(1)
        await budgets.close()  # waits for the leases in the background
        assert 3 <= budgets.leases["failed"] <= 4 + (monotonic() - began)
    assert budgets.unchecked["public"] == 103


async def test_no_client_within_its_budget_is_refused_while_mongodb_is_away(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    addresses = [f"192.0.2.{number}" for number in range(1, 20)]
    await gather(*(charge(budgets, address).take(5_000) for address in addresses[:10]))

    async def spend_the_rest() -> None:
        for own in [charge(budgets, address) for address in addresses for _ in range(10)]:
            await own.take(1_000)
            own.settle(200)

    with own_mongod.stopped():  # it accepts connections but doesn't answer
        await spend_the_rest()
    own_mongod.kill()
    try:
        await spend_the_rest()
        for address in addresses:
            assert await admitted(budgets, 1_000, address) == 6  # of 10,000, after 20 times 200
    finally:
        own_mongod.start()
    await until_checked(budgets)
    await until_checked(budgets, "192.0.2.77")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 # polls MongoDB
            await asyncio.sleep(0.02)


async def until_checked(budgets: Budgets, address: str = "192.0.2.1") -> None:
    """Sends requests until one of them is checked against the shared bucket again."""
    async with asyncio.timeout(30):
        while True:
            before = budgets.unchecked["public"]
            with suppress(RateLimitedError):
                await charge(budgets, address).take(1)
                if budgets.unchecked["public"] == before:
                    return
            await asyncio.sleep(0.1)


async def test_a_request_that_was_let_through_gives_nothing_back_to_the_shared_bucket(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    with own_mongod.failing(**FAILING):
        own = charge(budgets)
        await own.take(10_000)
        own.settle(1)
        await budgets.close()
    await until_checked(budgets)
    assert await admitted(budgets, 5_000) <= 1


async def test_a_return_that_runs_when_a_gateway_stops_is_finished(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database, "public=1000:10000")  # kept for 0.25 s
    await charge(budgets).take(10)
    with own_mongod.blocking("update", seconds=0.5):
        running = asyncio.create_task(budgets.run())
        await until(own_mongod.in_flight)
        running.cancel()
        await budgets.close()
    assert await failing_database["budgets"].find_one({"level": {"$gte": 9_990}})


async def test_a_gateway_stops_although_points_cant_be_returned(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    await charge(budgets).take(10)
    with own_mongod.blocking("update", seconds=30):
        async with asyncio.timeout(10):
            await budgets.close()


async def test_each_command_that_returns_points_has_a_deadline_of_its_own(
    own_mongod: Mongod, failing_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.budgets.budgets._MOST_RETURNS", 1)
    budgets = budgets_of(failing_database, "public=1000:10000")
    for number in range(4):
        await charge(budgets, f"192.0.2.{number}").take(10)
    with own_mongod.blocking("update", seconds=0.4):  # all of them take longer than a second
        running = asyncio.create_task(budgets.run())
        await until_level(failing_database, 9_990, 4)
        running.cancel()
        await budgets.close()


async def test_a_lease_that_hangs_lets_requests_through(
    own_mongod: Mongod, failing_database: Database
) -> None:
    budgets = budgets_of(failing_database)
    with own_mongod.blocking("findAndModify", seconds=30):
        await gather(*(charge(budgets).take(1_000) for _ in range(10)))
    assert budgets.unchecked["public"] == 10
    assert budgets.leases["failed"] == 1
