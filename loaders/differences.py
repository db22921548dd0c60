"""Stored values that are not what they should be: told, and mended where a value can be set."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from bson import ObjectId
from pymongo import UpdateOne

from loaders.mongo import Database, Transaction, find, send

#: A stored document, or some of its fields.
Doc = Mapping[str, Any]

_BATCH = 500


class Difference(NamedTuple):
    """A stored value that is not what it should be; or, with a remedy, what no value can mend.

    field: a stored one; of what has a remedy, and of votes, in words what is counted. remedy: what somebody
    can do.
    """

    collection: str
    id: ObjectId
    field: str
    stored: Any
    true: Any
    remedy: str | None = None


def compared(collection: str, stored: Doc, true: Doc) -> list[Difference]:
    """The fields whose stored value is not the true one."""
    return [
        Difference(collection, stored["_id"], name, stored.get(name), value)
        for name, value in true.items()
        if stored.get(name) != value
    ]


async def mended(tx: Transaction, found: list[Difference], *, fix: bool) -> list[Difference]:
    """The differences; with `fix`, the true values are written where there is one to be set."""
    fields: dict[str, dict[ObjectId, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for difference in found if fix else ():
        if difference.remedy is None:
            fields[difference.collection][difference.id][difference.field] = difference.true
    for collection, by_id in fields.items():
        await _set(tx, collection, by_id)
    return found


async def _set(tx: Transaction, collection: str, fields: Mapping[ObjectId, Doc]) -> None:
    """Values that are other than the stored ones: there is no need to hold what they are set of."""
    updates = [UpdateOne({"_id": key}, {"$set": values}) for key, values in fields.items()]
    await send(tx.database[collection], "update", lambda own: own.bulk_write(updates, session=tx.session))


async def batches(
    database: Database, collection: str, query: Mapping[str, Any] | None = None
) -> AsyncIterator[Sequence[ObjectId]]:
    """The `_id`s of what a query finds, in order."""
    wanted: dict[str, Any] = dict(query or {})
    options: dict[str, Any] = {"projection": {"_id": 1}, "sort": [("_id", 1)], "limit": _BATCH}
    while batch := await find(database[collection], wanted, size=_BATCH, **options):
        ids = [document["_id"] for document in batch]
        yield ids
        wanted["_id"] = {"$gt": ids[-1]}
