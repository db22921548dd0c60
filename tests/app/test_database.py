"""Connecting to MongoDB: missing indexes, the read preference, and what is kept for a client."""

import gc

import pytest
from pydantic import SecretStr
from pymongo import ReadPreference

from app.database import connect, ping
from app.settings import Settings
from loaders import indexes
from loaders.mongo import key_locks, queue
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
