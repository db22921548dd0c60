"""Loads sample data into a database, unless this has been done before.

A marker document records the progress. It is written before the first document, and marked complete after the
last. An interrupted load is therefore resumed, and a document that somebody deletes later does not come back.
A resumed load inserts only the missing documents, because each document has the same `_id` every time.
"""

from asyncio import gather
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pymongo.errors import BulkWriteError

from loaders.collections import importable
from loaders.mongo import Collection, Database

_MARKERS = "sampleData"
_DUPLICATE_KEY = 11000  # MongoDB's error code for a duplicate key

# Any: a document of any collection, whose type the caller has already checked.
SampleDocument = Mapping[str, Any]


class SampleLoad(NamedTuple):
    """A load of sample data.

    day: the day on which the load began; the documents depend on that day. first: whether it is the first
    load of this database. If it isn't, users might have created documents since the first load.
    """

    day: datetime
    first: bool


async def begin_sample(database: Database, name: str, layout: int, day: datetime) -> SampleLoad | None:
    """Starts a load of sample data, or resumes an interrupted one.

    If the previous load had a different layout, its documents are deleted first. Returns None if the load is
    already complete, or if the database contains courses but no sample data.
    """
    marker = await database[_MARKERS].find_one({"_id": name})
    if marker is None and await database["courses"].find_one({}, {"_id": 1}):
        return None
    if marker and marker.get("layout") == layout:
        return None if marker["complete"] else SampleLoad(marker["day"], first=False)
    from_sample = {"externalId.source": name}
    await gather(*(database[collection].delete_many(from_sample) for collection in importable()))
    started = {"day": day, "layout": layout, "complete": False}
    await database[_MARKERS].replace_one({"_id": name}, started, upsert=True)
    return SampleLoad(day, first=marker is None)


async def insert_sample(database: Database, collections: Mapping[str, Sequence[SampleDocument]]) -> None:
    """Inserts the missing documents into all collections in parallel. Leaves existing ones unchanged."""
    await gather(*(_insert(database[name], documents) for name, documents in collections.items()))


async def complete_sample(database: Database, name: str) -> None:
    """Marks a load of sample data as complete."""
    await database[_MARKERS].update_one({"_id": name}, {"$set": {"complete": True}})


async def _insert(collection: Collection, documents: Sequence[SampleDocument]) -> None:
    try:
        await collection.insert_many([dict(document) for document in documents], ordered=False)
    except BulkWriteError as error:
        if any(e["code"] != _DUPLICATE_KEY for e in error.details["writeErrors"]):
            raise
