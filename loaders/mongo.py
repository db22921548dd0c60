"""The few ways Lectern talks to MongoDB, the same with Motor and with PyMongo's async client."""

from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any, TypeAlias

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

#: Motor's classes have the same methods (app.database says where they differ), so these types stand for both.
Database = AsyncDatabase[dict[str, Any]]
Collection = AsyncCollection[dict[str, Any]]

Pipeline: TypeAlias = Sequence[Mapping[str, Any]]


async def aggregate(target: Collection | Database, pipeline: Pipeline, *, size: int) -> list[dict[str, Any]]:
    """All results of a pipeline. `size` is the most that can come back: it becomes the batch size, so that
    the answer takes one round trip.
    """
    cursor: Any = target.aggregate(pipeline, batchSize=size + 1)
    if isawaitable(cursor):  # PyMongo's is a coroutine, Motor's is the cursor
        cursor = await cursor
    return list(await cursor.to_list(None))


async def find(collection: Collection, query: Mapping[str, Any], *, size: int, **options: Any) -> list[Any]:
    """All documents of a query, at most `size` of them, in one round trip."""
    return list(await collection.find(query, batch_size=size + 1, **options).to_list(None))
