"""The aggregates, recomputed from the documents they come from.

A batch at a time, whatever the size of the database, each in a transaction of its own: a review that arrives
meanwhile is neither lost nor told as a difference.
"""

from collections.abc import AsyncIterator

from loaders import course_recount, review_recount
from loaders.collections import COLLECTIONS, Index
from loaders.differences import Difference
from loaders.mongo import Database, Pipeline, Transaction, transaction

__all__ = ["Difference", "recount"]

_PROOFS = (course_recount.differences, review_recount.newest_differences, review_recount.vote_differences)

_PAIR = [("studentId", 1), ("courseId", 1)]
_REMEDY = "Keep one of them; `lectern indexes` then makes the index that keeps it so."


async def recount(database: Database, *, fix: bool) -> AsyncIterator[Difference]:
    """Every difference, as it is found: in `rating`, `studentCount` and `seatsUntil` of courses, in
    `seatsTaken` and `waitlistCount` of runs, in `newestReviewIds` of courses and students, and in
    `helpfulCount` and `helpfulScore` of reviews. With `fix` the true values are written. Also votes for
    reviews that are gone: with `fix` they are deleted.

    And what no value can mend: seats sold twice, people who wait while a seat is free, second reviews and
    enrolments.
    """
    for proof in _PROOFS:
        async for batch in proof(database, fix=fix):
            for difference in batch:
                yield difference
    for difference in await transaction(database, _duplicates):
        yield difference


async def _duplicates(tx: Transaction) -> list[Difference]:
    """For each student and course with more than one of them, under the `_id` of the oldest."""
    return [
        difference
        for row in COLLECTIONS.values()
        for index in row.indexes
        if index.unique and index.keys == _PAIR
        for difference in await _duplicates_in(tx, row.name, index)
    ]


async def _duplicates_in(tx: Transaction, collection: str, index: Index) -> list[Difference]:
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
