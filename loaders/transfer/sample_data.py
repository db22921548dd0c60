"""Puts a set of documents whose `_id`s are known beforehand into a database, once.

A marker tells how far that went: it is written before the first document and completed after the last, so an
interrupted load is taken up again, and a document that somebody deletes later does not come back.
"""

from asyncio import gather
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pymongo.errors import BulkWriteError

from loaders.collections import importable
from loaders.mongo import Collection, Database

_MARKERS = "sampleData"
_DUPLICATE_KEY = 11000  # MongoDB's error code


class Begun(NamedTuple):
    """A load. day: when it began, which its documents depend on. first: whether it is the database's first:
    after another, there may be documents that somebody made since.
    """

    day: datetime
    first: bool


async def begin_sample(database: Database, name: str, layout: int, day: datetime) -> Begun | None:
    """Start a load, or take up one that was interrupted. Documents of another layout are taken out first, and
    the load starts anew.

    None when there is nothing to do: the load is complete, or the database has courses of its own.
    """
    marker = await database[_MARKERS].find_one({"_id": name})
    if marker is None and await database["courses"].find_one({}, {"_id": 1}):
        return None
    if marker and marker.get("layout") == layout:
        return None if marker["complete"] else Begun(marker["day"], first=False)
    own = {"externalId.source": name}
    await gather(*(database[collection].delete_many(own) for collection in importable()))
    started = {"day": day, "layout": layout, "complete": False}
    await database[_MARKERS].replace_one({"_id": name}, started, upsert=True)
    return Begun(day, first=marker is None)


async def insert_sample(database: Database, collections: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Insert what is not there yet, all collections at once; what is there stays as it is."""
    await gather(*(_insert(database[name], documents) for name, documents in collections.items()))


async def complete_sample(database: Database, name: str) -> None:
    """Mark the load as done."""
    await database[_MARKERS].update_one({"_id": name}, {"$set": {"complete": True}})


async def _insert(collection: Collection, documents: Sequence[Mapping[str, Any]]) -> None:
    try:
        await collection.insert_many([dict(document) for document in documents], ordered=False)
    except BulkWriteError as error:
        if any(e["code"] != _DUPLICATE_KEY for e in error.details["writeErrors"]):
            raise
