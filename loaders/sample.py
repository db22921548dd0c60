"""Puts a set of documents whose `_id`s are known beforehand into a database, once.

A marker tells how far that went: it is written before the first document and completed after the last, so an
interrupted load is taken up again, and a document that somebody deletes later does not come back.
"""

from asyncio import gather
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import BulkWriteError

from loaders.indexes import IMPORTABLE
from loaders.mongo import Collection, Database

_MARKERS = "sampleData"
_DUPLICATE_KEY = 11000  # MongoDB's error code


async def begin(database: Database, name: str, layout: int, day: datetime) -> datetime | None:
    """Start a load, or take up one that was interrupted: the day it began, which its documents depend on.
    Documents of another layout are taken out first, and the load starts anew.

    None when there is nothing to do: the load is complete, or the database has courses of its own.
    """
    marker = await database[_MARKERS].find_one({"_id": name})
    if marker is None and await database["courses"].find_one({}, {"_id": 1}):
        return None
    if marker and marker.get("layout") == layout:
        return None if marker["complete"] else marker["day"]
    own = {"externalId.source": name}
    await gather(*(database[collection].delete_many(own) for collection in IMPORTABLE))
    started = {"day": day, "layout": layout, "complete": False}
    await database[_MARKERS].replace_one({"_id": name}, started, upsert=True)
    return day


async def insert(database: Database, collections: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Insert what is not there yet, all collections at once; what is there stays as it is."""
    await gather(*(_insert(database[name], documents) for name, documents in collections.items()))


async def complete(database: Database, name: str) -> None:
    """Mark the load as done."""
    await database[_MARKERS].update_one({"_id": name}, {"$set": {"complete": True}})


async def _insert(collection: Collection, documents: Sequence[Mapping[str, Any]]) -> None:
    try:
        await collection.insert_many([dict(document) for document in documents], ordered=False)
    except BulkWriteError as error:
        if any(e["code"] != _DUPLICATE_KEY for e in error.details["writeErrors"]):
            raise
