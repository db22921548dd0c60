"""Recomputes the aggregates from the documents that they summarise.

The documents are processed in batches, so that the database can be of any size. Each batch has its own
transaction, so that a review written in the meantime is neither lost nor reported as a difference.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bson import ObjectId

from loaders.collections import COLLECTIONS, Index
from loaders.mongo import Database, Pipeline, Transaction, transaction
from loaders.recounting import (
    category_recount,
    course_recount,
    flag_recount,
    prerequisite_recount,
    review_recount,
)
from loaders.recounting.differences import Difference

_CHECKS_OF = {
    "courses": (course_recount.counted, review_recount.listed_for("courses")),
    "students": (review_recount.listed_for("students"),),
}
_CHECKS = (
    course_recount.differences,
    category_recount.slug_differences,
    prerequisite_recount.prerequisite_differences,
    review_recount.newest_differences,
    review_recount.vote_differences,
    flag_recount.flag_differences,
)

_PAIR = [("studentId", 1), ("courseId", 1)]
_REMEDY = "Keep one of them; `lectern indexes apply` then creates the index that prevents duplicates."


async def recount(database: Database, *, fix: bool) -> AsyncIterator[Difference]:
    """Yields every difference as it is found.

    It checks the rating fields, `studentCount` and `seatsUntil` of courses; `seatsTaken` and `waitlistCount`
    of runs; `newestReviewIds` of courses and students; `helpfulCount`, `helpfulScore`, `flagCount` and
    `flagRound` of reviews. It also finds courses whose `categorySlug` is a former slug of a category, and
    prerequisites that don't exist. If `fix` is set, it writes the true values. It also reports votes for and
    flags of deleted reviews; if `fix` is set, it deletes them.

    It also reports problems that setting a value can't correct: more enrolments than seats, students on a
    waitlist although a seat is free, live enrolments in a cancelled run, and students with several reviews of
    the same course, or several live enrolments in it.
    """
    for check in _CHECKS:
        async for batch in check(database, fix=fix):
            for difference in batch:
                yield difference
    for difference in await transaction(database, _duplicates):
        yield difference


async def recount_these(database: Database, collection: str, ids: Sequence[ObjectId]) -> int:
    """Corrects the aggregates of some courses and their runs, or of some students.

    Returns the number of corrected values. Problems that setting a value can't correct are not reported.
    """
    checks = _CHECKS_OF[collection]
    found = [d for check in checks for d in await transaction(database, partial(check, ids=ids, fix=True))]
    return sum(difference.remedy is None for difference in found)


async def _duplicates(tx: Transaction) -> list[Difference]:
    """Finds students who have several reviews, or several live enrolments, for one course.

    Returns one difference per student and course. Its `id` is the `_id` of the oldest review or enrolment.
    """
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
        Difference(collection, row["oldest"], "per student and course", row["n"], 1, _REMEDY)
        for row in await tx.aggregate(collection, pipeline, size=1_000)
    ]
