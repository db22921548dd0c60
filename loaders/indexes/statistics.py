"""What MongoDB reports about a collection's indexes: their sizes, their use, and which it is building."""

from collections.abc import Collection as Names
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pymongo.errors import OperationFailure

from loaders.mongo import UNAUTHORIZED, Collection, Fields, Pipeline, aggregate, utc

_NO_SUCH_COLLECTION = 26  # MongoDB's error code for a collection that doesn't exist
_MOST_INDEXES = 64  # MongoDB allows no more indexes in a collection


class IndexUse(NamedTuple):
    """How often queries have used an index, since the server started or the index was built."""

    times: int
    since: datetime


class Statistics(NamedTuple):
    """The sizes of a collection's indexes in bytes, and their use, by name.

    uses: None if the MongoDB user has no right to ask, as with the role readWrite.
    """

    sizes: Mapping[str, int]
    uses: Mapping[str, IndexUse] | None


async def statistics_of(collection: Collection) -> Statistics:
    """Asks for the statistics of a collection's indexes; there are none if it doesn't exist."""
    sizes = (await _storage(collection)).get("indexSizes", {})
    try:
        found = await aggregate(collection, [{"$indexStats": {}}], size=_MOST_INDEXES)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return Statistics(sizes, None)
    uses = {
        one["name"]: IndexUse(int(one["accesses"]["ops"]), utc(one["accesses"]["since"])) for one in found
    }
    return Statistics(sizes, uses)


async def being_built(collection: Collection) -> Names[str]:
    """Returns the names of the indexes that are being built. MongoDB lists them among the existing ones."""
    names: Names[str] = (await _storage(collection)).get("indexBuilds", ())
    return names


async def _storage(collection: Collection) -> Fields:
    """Returns the collection's storageStats; empty if it doesn't exist, or the user has no right to ask."""
    pipeline: Pipeline = [
        {"$collStats": {"storageStats": {}}},
        {"$project": {"storageStats.indexSizes": 1, "storageStats.indexBuilds": 1}},
    ]
    try:
        found = await aggregate(collection, pipeline, size=1)
    except OperationFailure as error:
        if error.code not in {UNAUTHORIZED, _NO_SUCH_COLLECTION}:
            raise
        return {}
    return found[0]["storageStats"] if found else {}
