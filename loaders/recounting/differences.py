"""Differences between stored and true values, which a recount reports and, if possible, corrects."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from bson import ObjectId
from pymongo import UpdateOne

from loaders.mongo import Database, Document, Fields, Filter, Option, Transaction, Value, find, send
from loaders.reading import AS_STORED, fit

_BATCH = 500


class Difference(NamedTuple):
    """A stored value that differs from the true one, or a problem that setting a value can't correct.

    field: the name of the stored field, or a description of what was counted, such as "seats sold". remedy:
    for a problem, what an operator can do about it; otherwise None.
    """

    collection: str
    id: ObjectId
    field: str
    stored: Value
    true: Value
    remedy: str | None = None


_MISFIT = (
    "Counted as if it were the value shown. `lectern check` lists such documents, and what to do about them."
)


def misfits(collection: str, documents: Sequence[Document], names: Sequence[str]) -> list[Difference]:
    """Replaces values that don't fit their fields with the defaults. Returns a difference for each."""
    return [
        Difference(collection, document["_id"], name, stored, document[name], _MISFIT)
        for document in fit(collection, documents, names)
        for name, stored in document.pop(AS_STORED, {}).items()
    ]


def compared(collection: str, stored: Fields, true: Fields) -> list[Difference]:
    """Returns the differences between a stored document and the true values of some of its fields."""
    return [
        Difference(collection, stored["_id"], name, stored.get(name), value)
        for name, value in true.items()
        if stored.get(name) != value
    ]


async def corrected(tx: Transaction, found: list[Difference], *, fix: bool) -> list[Difference]:
    """Corrects differences if `fix` is set, except those that only an operator can correct.

    Returns all of the differences, whether or not they were corrected.
    """
    fields: dict[str, dict[ObjectId, Document]] = defaultdict(lambda: defaultdict(dict))
    for difference in found if fix else ():
        if difference.remedy is None:
            fields[difference.collection][difference.id][difference.field] = difference.true
    for collection, by_id in fields.items():
        await _set(tx, collection, by_id)
    return found


async def _set(tx: Transaction, collection: str, fields: Mapping[ObjectId, Fields]) -> None:
    """Writes fields to each document.

    Transaction.hold isn't needed to detect conflicts, because each write changes its document: the new values
    differ from the stored ones.
    """
    updates = [UpdateOne({"_id": key}, {"$set": values}) for key, values in fields.items()]
    await send(
        tx.database[collection], "update", lambda target: target.bulk_write(updates, session=tx.session)
    )


async def batches(
    database: Database, collection: str, query: Filter | None = None
) -> AsyncIterator[Sequence[ObjectId]]:
    """Yields the `_id`s of the documents that match a query, in ascending order, in batches.

    Leaves out documents whose `_id` isn't an ObjectId, because they were stored by other programs and
    have no aggregates.
    """
    remaining: Document = {"_id": {"$type": "objectId"}, **(query or {})}
    options: dict[str, Option] = {"projection": {"_id": 1}, "sort": [("_id", 1)], "limit": _BATCH}
    while batch := await find(database[collection], remaining, size=_BATCH, **options):
        ids = [document["_id"] for document in batch]
        yield ids
        remaining["_id"] = {"$gt": ids[-1]}
