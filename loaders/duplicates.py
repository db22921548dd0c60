"""What there may be one of for a student and a course. Unique indexes see to it, where they are there."""

from loaders.collections import COLLECTIONS, Index
from loaders.differences import Difference
from loaders.mongo import Pipeline, Transaction

_PAIR = [("studentId", 1), ("courseId", 1)]
_REMEDY = "Keep one of them; `lectern indexes` then makes the index that keeps it so."


async def differences(tx: Transaction) -> list[Difference]:
    """For each student and course with more than one of them, under the `_id` of the oldest."""
    return [
        difference
        for row in COLLECTIONS.values()
        for index in row.indexes
        if index.unique and index.keys == _PAIR
        for difference in await _of(tx, row.name, index)
    ]


async def _of(tx: Transaction, collection: str, index: Index) -> list[Difference]:
    pair = {name: f"${name}" for name, _ in index.keys}
    pipeline: Pipeline = [
        {"$match": {"studentId": {"$type": "objectId"}, **(index.where or {})}},
        {"$group": {"_id": pair, "n": {"$sum": 1}, "oldest": {"$min": "$_id"}}},
        {"$match": {"n": {"$gt": 1}}},
        {"$sort": {"oldest": 1}},
    ]
    return [
        Difference(collection, row["oldest"], "of one student and course", row["n"], 1, _REMEDY)
        for row in await tx.aggregate(collection, pipeline, size=1_000)
    ]
