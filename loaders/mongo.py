"""The few ways Lectern talks to MongoDB, the same with Motor and with PyMongo's async client."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from inspect import isawaitable
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

#: Motor's classes have the same methods (app.database says where they differ), so these types stand for both.
Database = AsyncDatabase[dict[str, Any]]
Collection = AsyncCollection[dict[str, Any]]

Pipeline: TypeAlias = Sequence[Mapping[str, Any]]

#: Told the milliseconds of every command below, where it is set: for the task that sets it and those it
#: starts. (A CommandListener of the driver costs every command a tenth of its time, asked for or not.)
observer: ContextVar[Callable[[float], None] | None] = ContextVar("lectern_mongo_observer", default=None)

T = TypeVar("T")


async def aggregate(target: Collection | Database, pipeline: Pipeline, *, size: int) -> list[dict[str, Any]]:
    """All results of a pipeline. `size` is the most that can come back: it becomes the batch size, so that
    the answer takes one round trip.
    """
    return await _observed(_aggregated(target, pipeline, size))


async def find(collection: Collection, query: Mapping[str, Any], *, size: int, **options: Any) -> list[Any]:
    """All documents of a query, at most `size` of them, in one round trip."""
    return await _observed(collection.find(query, batch_size=size + 1, **options).to_list(None))


async def find_one(collection: Collection, query: Mapping[str, Any], **options: Any) -> Any:
    """The first document of a query, or None."""
    return await _observed(collection.find_one(query, **options))


async def count(collection: Collection, query: Mapping[str, Any]) -> int:
    """How many documents match."""
    return await _observed(collection.count_documents(query))


async def estimated_count(collection: Collection) -> int:
    """How many documents a collection has, by its metadata."""
    return await _observed(collection.estimated_document_count())


async def _aggregated(target: Collection | Database, pipeline: Pipeline, size: int) -> list[dict[str, Any]]:
    cursor: Any = target.aggregate(pipeline, batchSize=size + 1)
    if isawaitable(cursor):  # PyMongo's is a coroutine, Motor's is the cursor
        cursor = await cursor
    found: list[dict[str, Any]] = await cursor.to_list(None)
    return found


async def _observed(command: Awaitable[T]) -> T:
    told = observer.get()
    if told is None:
        return await command
    start = perf_counter()
    try:
        return await command
    finally:
        told((perf_counter() - start) * 1000)
