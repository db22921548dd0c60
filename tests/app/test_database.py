from app.database import ping
from loaders import indexes
from loaders.mongo import Database


async def test_a_new_database_lacks_its_indexes_until_they_are_made(database: Database) -> None:
    await ping(database)
    assert await indexes.missing(database) == []
    await database.drop_collection("categories")
    assert await indexes.missing(database) == [
        "categories.externalId.source_1_externalId.id_1",
        "categories.slug_1",
    ]
    await indexes.ensure(database)
    assert await indexes.missing(database) == []
