"""Connecting to MongoDB: missing indexes, the read preference, and what is kept for a client."""

import gc

import pytest
from pydantic import SecretStr
from pymongo import MongoClient, ReadPreference
from pymongo.errors import DuplicateKeyError, ServerSelectionTimeoutError

from app.database import connect, ping
from app.settings import Settings
from loaders import indexes
from loaders.mongo import key_locks, queue, reason_of
from loaders.mongo.database import Database
from loaders.mongo.key_locks import locks_of
from loaders.mongo.queue import queue_of


async def test_a_new_database_lacks_its_indexes_until_they_are_created(database: Database) -> None:
    await ping(database)
    assert await indexes.missing(database) == []
    await database.driver.drop_collection("categories")
    assert await indexes.missing(database) == [
        "categories.externalId.source_1_externalId.id_1",
        "categories.slug_1",
    ]
    await indexes.ensure(database)
    assert await indexes.missing(database) == []


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_nothing_is_kept_for_a_client_that_is_gone(settings: Settings, driver: str) -> None:
    """Until then, even late work of a closed client finds its own queue and locks."""
    async with connect(settings.model_copy(update={"mongodb_driver": driver})) as database:
        client = database.client
        kept, locks = queue_of(client), locks_of(client)
    assert (queue_of(client), locks_of(client)) == (kept, locks)
    key = id(client)
    del client, database
    gc.collect()
    assert key not in queue._queues
    assert key not in key_locks._of_clients


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_reads_go_to_the_primary_whatever_the_uri_says(settings: Settings, driver: str) -> None:
    uri = settings.mongodb_uri.get_secret_value()
    uri += ("&" if "?" in uri else "/?") + "readPreference=secondaryPreferred"
    changed = {"mongodb_uri": SecretStr(uri), "mongodb_driver": driver}
    async with connect(settings.model_copy(update=changed)) as database:
        assert database["courses"].read_preference == ReadPreference.PRIMARY


def test_reasons_have_no_state_of_the_driver() -> None:
    uri = "mongodb://127.0.0.1:1,127.0.0.1:2/?replicaSet=rs0&serverSelectionTimeoutMS=200"
    with MongoClient[dict[str, int]](uri) as client, pytest.raises(ServerSelectionTimeoutError) as raised:
        client.admin.command("ping")
    assert "Topology Description" in str(raised.value)
    refused = "[Errno 111] Connection refused"
    assert sorted(reason_of(raised.value).split(",")) == [
        f"127.0.0.1:1: {refused}",
        f"127.0.0.1:2: {refused}",
    ]
    assert reason_of(TimeoutError()) == "TimeoutError"
    assert len(reason_of("x" * 1_000)) == 500


async def test_reasons_do_not_repeat_the_answer_of_mongodb(database: Database) -> None:
    things = database.driver["things"]
    await things.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError) as raised:
        await things.insert_one({"_id": 1})
    assert "full error" in str(raised.value)
    assert reason_of(raised.value).endswith("dup key: { _id: 1 }")
