"""The indexes of all collections: `ensure` creates them, and `missing` lists those that don't exist."""

from asyncio import gather

from pymongo import IndexModel

from loaders.collections import COLLECTIONS, Index
from loaders.mongo import Database, Option


async def ensure(database: Database) -> None:
    """Creates the indexes that don't exist. Building an index on a large collection takes a long time."""
    rows = [row for row in COLLECTIONS.values() if row.indexes]
    await gather(*(database[row.name].create_indexes(list(map(_model, row.indexes))) for row in rows))


async def missing(database: Database) -> list[str]:
    """Returns the indexes that don't exist, each as "collection.name"."""
    absent = []
    for row in COLLECTIONS.values():
        if row.indexes:
            existing = await database[row.name].index_information()
            absent += [f"{row.name}.{index.name}" for index in row.indexes if index.name not in existing]
    return absent


def _model(index: Index) -> IndexModel:
    options: dict[str, Option] = {"partialFilterExpression": index.where} if index.where else {}
    if index.seconds is not None:
        options["expireAfterSeconds"] = index.seconds
    return IndexModel(list(index.keys), name=index.name, unique=index.unique, **options)
