"""The indexes of all collections: `ensure` makes them, `missing` tells which are not there."""

from asyncio import gather
from typing import Any

from pymongo import IndexModel

from loaders.collections import COLLECTIONS, Index
from loaders.mongo import Database


async def ensure(database: Database) -> None:
    """Makes the indexes that are not there. Building one on a large collection takes its time."""
    rows = [row for row in COLLECTIONS.values() if row.indexes]
    await gather(*(database[row.name].create_indexes(list(map(_model, row.indexes))) for row in rows))


async def missing(database: Database) -> list[str]:
    """The indexes that are not there, as "collection.name"."""
    absent = []
    for row in COLLECTIONS.values():
        if row.indexes:
            there = await database[row.name].index_information()
            absent += [f"{row.name}.{index.name}" for index in row.indexes if index.name not in there]
    return absent


def _model(index: Index) -> IndexModel:
    options: dict[str, Any] = {"partialFilterExpression": index.where} if index.where else {}
    if index.seconds is not None:
        options["expireAfterSeconds"] = index.seconds
    return IndexModel(list(index.keys), name=index.name, unique=index.unique, **options)
