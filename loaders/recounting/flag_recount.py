"""Compares the flag counts of reviews with the actual flags.

Flags of a deleted review are reported under the review's id, and can be deleted.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bson import ObjectId

from loaders.mongo import Database, Document, Fields, Option, Pipeline, Transaction, find, transaction
from loaders.recounting.differences import Difference, batches, compared, corrected
from loaders.review import FLAGGED
from loaders.review_flags import delete_flags

_FLAGS = 1_000  # flags per batch


async def flag_differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """Finds wrong values of `flagCount` and `flagRound`, and deleted reviews that still have flags.

    Yields the differences in batches. If `fix` is set, corrects the values and deletes the flags.
    """
    async for ids in batches(database, "reviews", FLAGGED):
        yield await transaction(database, partial(_counted, ids=ids, stored=True, fix=fix))
    async for ids in _flagged(database):
        yield await transaction(database, partial(_counted, ids=ids, stored=False, fix=fix))
        orphaned = await transaction(database, partial(_orphaned, ids=ids))
        yield orphaned
        for difference in orphaned if fix else ():
            while await transaction(database, partial(_removed, review_id=difference.id)):
                pass


async def _flagged(database: Database) -> AsyncIterator[Sequence[ObjectId]]:
    """Yields the ids of reviews that have flags, in ascending order, in batches."""
    query: Document = {}
    options: dict[str, Option] = {"sort": [("_id.reviewId", 1)], "limit": _FLAGS}
    while flags := await find(database["flags"], query, size=_FLAGS, **options):
        ids = list(dict.fromkeys(one["_id"]["reviewId"] for one in flags))
        yield ids
        query = {"_id.reviewId": {"$gt": ids[-1]}}


async def _counted(tx: Transaction, *, ids: Sequence[ObjectId], stored: bool, fix: bool) -> list[Difference]:
    """Finds wrong counts and rounds of some reviews. If `fix` is set, corrects them.

    stored: if true, checks only the reviews with a count. If false, skips them, because they have already
    been checked.
    """
    found = await tx.find(
        "reviews", {"_id": {"$in": ids}}, size=len(ids), projection=("flagCount", "flagRound")
    )
    reviews = [review for review in found if (_number(review, "flagCount") > 0) is stored]
    flags = await _flags(tx, [review["_id"] for review in reviews])
    wrong = [
        difference for review in reviews for difference in _compared(review, flags.get(review["_id"], {}))
    ]
    return await corrected(tx, wrong, fix=fix)


def _compared(review: Fields, flags: dict[int, int]) -> list[Difference]:
    """Returns the differences of a review. flags: the number of its flags in each round."""
    current = max(_number(review, "flagRound"), *flags, 0)
    true = {"flagCount": flags.get(current, 0), "flagRound": current}
    # A review that was never flagged has neither value, which means 0.
    return compared("reviews", {"flagCount": 0, "flagRound": 0, **review}, true)


async def _orphaned(tx: Transaction, *, ids: Sequence[ObjectId]) -> list[Difference]:
    """Returns a Difference for each deleted review that still has flags."""
    reviews = await tx.find("reviews", {"_id": {"$in": ids}}, size=len(ids), projection=["_id"])
    existing = {review["_id"] for review in reviews}
    flags = await _flags(tx, [review for review in ids if review not in existing])
    return [
        Difference("flags", review, "of a deleted review", sum(rounds.values()), 0)
        for review, rounds in sorted(flags.items())
    ]


async def _removed(tx: Transaction, *, review_id: ObjectId) -> bool:
    """Deletes a batch of flags of a deleted review. Returns whether more might be left."""
    return not await tx.get("reviews", review_id) and await delete_flags(tx, review_id)


async def _flags(tx: Transaction, reviews: Sequence[ObjectId]) -> dict[ObjectId, dict[int, int]]:
    """Maps each review that has flags to the number of its flags in each round."""
    pipeline: Pipeline = [
        {"$match": {"_id.reviewId": {"$in": reviews}}},
        {"$group": {"_id": {"review": "$_id.reviewId", "round": "$round"}, "n": {"$sum": 1}}},
        {"$group": {"_id": "$_id.review", "rounds": {"$push": {"round": "$_id.round", "n": "$n"}}}},
    ]
    rows = await tx.aggregate("flags", pipeline, size=len(reviews))
    return {row["_id"]: {one["round"]: one["n"] for one in row["rounds"]} for row in rows}


def _number(review: Fields, name: str) -> int:
    """Returns a stored count, or 0 if the stored value isn't a whole number."""
    value = review.get(name)
    return value if isinstance(value, int) else 0
