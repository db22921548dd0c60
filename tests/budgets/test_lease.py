"""What MongoDB computes for a lease, against the model that the tests of the buckets use."""

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from loaders import budget
from loaders.budget import Return, Terms
from loaders.mongo.database import Database
from tests.budgets.shared_bucket import SharedBucket

ID = sha256(b"a client").digest()
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)  # nothing is restored before


async def test_a_new_client_has_a_full_bucket(database: Database) -> None:
    lease = await budget.lease(database, "a client", Terms(1, 1_000_000_000, 0, 1, 100_000_000, 1))
    assert lease == (100_000_000, 900_000_000.0)
    (document,) = await database["budgets"].find().to_list(None)
    assert document["_id"] == ID
    assert document.keys() == {"_id", "level", "at", "granted", "expiresAt"}
    assert document["expiresAt"] - document["at"] == timedelta(seconds=100_000_000)


async def test_mongodb_computes_what_the_model_does(database: Database) -> None:
    draw = random.Random(14)
    for _ in range(200):
        size = draw.choice([1, 10, 1_000, 20_000])
        rate = draw.randint(1, size)
        least = draw.randint(1, size)
        terms = Terms(rate, size, draw.randint(0, size), least, draw.randint(1, size), draw.randint(1, least))
        model = SharedBucket(rate, size)
        model.level = draw.uniform(0, size)
        document = {"$set": {"level": model.level, "at": FUTURE}}
        await database["budgets"].update_one({"_id": ID}, document, upsert=True)
        found = await budget.lease(database, "a client", terms)
        expected = model.lease(terms, 0.0)
        assert found.granted == expected.granted
        assert abs(found.level - expected.level) < 1e-6


async def test_points_are_restored_by_mongodbs_clock(database: Database) -> None:
    before = datetime.now(UTC) - timedelta(seconds=10)
    await database["budgets"].insert_one({"_id": ID, "level": 5.5, "at": before})
    lease = await budget.lease(database, "a client", Terms(10, 100_000, 0, 100_000, 1, 1))
    assert lease.granted == 0
    passed = (datetime.now(UTC) - before).total_seconds()
    assert 105.5 <= lease.level + 0.02 <= 5.5 + 10 * passed + 0.04  # MongoDB's times are in milliseconds


async def test_a_clock_that_went_back_takes_nothing_and_gives_nothing(database: Database) -> None:
    await database["budgets"].insert_one({"_id": ID, "level": 50.0, "at": FUTURE})
    assert await budget.lease(database, "a client", Terms(10, 100, 0, 1, 10, 1)) == (10, 40.0)
    (document,) = await database["budgets"].find().to_list(None)
    assert document["at"] == FUTURE


async def test_a_smaller_size_takes_effect_at_once(database: Database) -> None:
    await database["budgets"].insert_one({"_id": ID, "level": 5_000.0, "at": FUTURE})
    assert await budget.lease(database, "a client", Terms(1, 100, 0, 1, 10, 1)) == (10, 90.0)


async def test_points_of_many_clients_are_given_back_in_one_command(
    database: Database, mongo_commands: list[str]
) -> None:
    for client, level in (("a client", 0.0), ("another", 95.0)):
        document = {"_id": sha256(client.encode()).digest(), "level": level, "at": FUTURE}
        await database["budgets"].insert_one(document)
    mongo_commands.clear()
    clients = ("a client", "another", "one that is full")
    await budget.give_back(database, [Return(client, 1, 100, 10) for client in clients])
    assert mongo_commands == ["update budgets"]
    documents = await database["budgets"].find().to_list(None)
    assert sorted(document["level"] for document in documents) == [10.0, 100.0]
    assert max(document["expiresAt"] for document in documents) - FUTURE == timedelta(seconds=90)
