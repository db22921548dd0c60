"""What there may be one of for a student and a course. Unique indexes see to it, where they are there."""

from loaders.differences import Difference
from loaders.indexes import INDEXES, Index
from loaders.mongo.commands import Pipeline
from loaders.mongo.transactions import Transaction

_PAIR = [("studentId", 1), ("courseId", 1)]
_ONE_EACH = [index for index in INDEXES if index.unique and index.keys == _PAIR]
_REMEDY = "Keep one of them; `lectern indexes` then makes the index that keeps it so."


async def differences(tx: Transaction) -> list[Difference]:
    """For each student and course with more than one of them, under the `_id` of the oldest."""
    return [d for index in _ONE_EACH for d in await _of(tx, index)]


async def _of(tx: Transaction, index: Index) -> list[Difference]:
    pair = {name: f"${name}" for name, _ in index.keys}
    pipeline: Pipeline = [
        {"$match": {"studentId": {"$type": "objectId"}, **(index.where or {})}},
        {"$group": {"_id": pair, "n": {"$sum": 1}, "oldest": {"$min": "$_id"}}},
        {"$match": {"n": {"$gt": 1}}},
        {"$sort": {"oldest": 1}},
    ]
    return [
        Difference(index.collection, row["oldest"], "of one student and course", row["n"], 1, _REMEDY)
        for row in await tx.aggregate(index.collection, pipeline, size=1_000)
    ]
