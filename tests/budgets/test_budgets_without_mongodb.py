"""Budgets while MongoDB is away, fails or hangs."""

import asyncio
from asyncio import gather
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from hashlib import sha256
from time import monotonic
from typing import Any

import pytest
from bson import Decimal128
from structlog.testing import capture_logs

from app.budgets import Budgets, RateLimitedError
from app.database import connect
from loaders.mongo.database import Database
from tests.budgets.clients import admitted, budgets_of, charge, until_level
from tests.loaders.mongod import Mongod


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


async def test_a_slow_lease_concerns_only_its_client(
    own_mongod: Mongod, failing_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.budgets.budgets._LONGEST", 5.0)  # a busy disk may take a second by itself
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
        failed = budgets.leases["failed"]
        await gather(*(charge(budgets, address).take(10) for address in addresses[6:]))
        assert budgets.leases["failed"] <= failed + 1  # they don't wait until their leases fail
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
