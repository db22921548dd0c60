"""Connecting to MongoDB: missing indexes and the read preference."""

import pytest
from pydantic import SecretStr
from pymongo import ReadPreference

from app.database import connect, ping
from app.settings import Settings
from loaders import indexes
from loaders.mongo.database import Database


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
async def test_reads_go_to_the_primary_whatever_the_uri_says(settings: Settings, driver: str) -> None:
    uri = settings.mongodb_uri.get_secret_value()
    uri += ("&" if "?" in uri else "/?") + "readPreference=secondaryPreferred"
    changed = {"mongodb_uri": SecretStr(uri), "mongodb_driver": driver}
    async with connect(settings.model_copy(update=changed)) as database:
        assert database["courses"].read_preference == ReadPreference.PRIMARY
