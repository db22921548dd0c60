"""Compares stored review ids with the actual reviews, and helpful counts with the actual votes.

Helpful counts are checked for reviews that appear in the `votes` collection, and for suspects. A suspect is a
review whose stored counts imply votes or contradict each other. Other reviews need no check. Votes for a
deleted review are reported under the review's id, and can be deleted.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from bson import ObjectId

import loaders.review
from loaders.model import (
    CARRIERS,
    MISSING,
    NEWEST,
    UNFIT,
    ReviewDoc,
    ReviewParent,
    pack_ids,
    shape_of,
    wilson,
)
from loaders.mongo import (
    Database,
    Document,
    DriverObject,
    Fields,
    Filter,
    Option,
    Pipeline,
    Transaction,
    aggregate,
    all_of,
    find,
    transaction,
)
from loaders.reading import Loaders, sort_by
from loaders.recounting.differences import Difference, batches, compared, corrected
from loaders.review import PUBLIC
from loaders.review_writes import delete_votes

_COUNTS = ("helpfulCount", "importedHelpfulCount", "unhelpfulCount", "helpfulScore")
_IMPORTED = {"$ifNull": ["$importedHelpfulCount", 0]}
_SHAPES = shape_of(ReviewDoc).members or {}
_VOTES = 1_000  # votes per batch


async def newest_differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """Yields differences between stored `newestReviewIds` and the actual reviews, in batches.

    If `fix` is set, corrects the `newestReviewIds`.
    """
    for collection in CARRIERS:
        async for ids in batches(database, collection):
            yield await transaction(database, partial(listed_for(collection), ids=ids, fix=fix))


def listed_for(collection: str) -> Callable[..., Awaitable[list[Difference]]]:
    """Returns a function that finds wrong `newestReviewIds` in a collection, and corrects them on request."""
    return partial(_listed, collection=collection, parent=CARRIERS[collection])


async def _listed(
    tx: Transaction, *, collection: str, parent: ReviewParent, ids: Sequence[ObjectId], fix: bool
) -> list[Difference]:
    carriers = await tx.find(collection, {"_id": {"$in": ids}}, size=len(ids), projection=["newestReviewIds"])
    true = await ids_by_parent(tx.database, parent, [c["_id"] for c in carriers], tx.session)
    found = [
        difference
        for carrier, listed in zip(carriers, true, strict=True)
        for difference in compared(collection, carrier, {"newestReviewIds": pack_ids(listed)})
    ]
    return await corrected(tx, found, fix=fix)


async def ids_by_parent(
    database: Database, parent: ReviewParent, parents: Sequence[ObjectId], session: DriverObject = None
) -> list[list[ObjectId]]:
    """Returns the review ids that each parent should store, in the order of the parents.

    Sends one command. The ids are read from the reviews, newest first. An index has the reviews in that
    order, so MongoDB doesn't have to sort, and keeps only the result in memory.
    """
    listing = loaders.review.listing(Loaders(database), PUBLIC, parent)
    pipeline: Pipeline = [
        {"$match": all_of({parent: {"$in": list(parents)}}, listing.filter)},
        {"$sort": {parent: 1, **sort_by(listing.order)}},
        {"$group": {"_id": f"${parent}", "ids": {"$firstN": {"input": "$_id", "n": NEWEST}}}},
    ]
    found = await aggregate(listing.collection, pipeline, size=len(parents), session=session)
    ids = {row["_id"]: row["ids"] for row in found}
    return [[i for i in ids.get(key, ()) if isinstance(i, ObjectId)] for key in parents]


async def vote_differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """Finds wrong values of `helpfulCount` and `helpfulScore`, and deleted reviews that still have votes.

    Yields the differences in batches. If `fix` is set, corrects the values and deletes the votes.
    """
    if suspects := await _suspects(database):
        async for ids in batches(database, "reviews", {"$or": suspects}):
            yield await transaction(database, partial(_counted, ids=ids, suspect=True, fix=fix))
    async for ids in _voted(database):
        yield await transaction(database, partial(_counted, ids=ids, suspect=False, fix=fix))
        orphaned = await transaction(database, partial(_orphaned, ids=ids))
        yield orphaned
        for difference in orphaned if fix else ():
            while await transaction(database, partial(_removed, review_id=difference.id)):
                pass


async def _suspects(database: Database) -> list[Filter]:
    """Returns queries that find the suspect reviews; an empty list if there are none.

    A review is a suspect if its `helpfulCount` differs from its `importedHelpfulCount`, or if its
    `helpfulScore` doesn't match its counts. To save time, each distinct combination of counts and score is
    checked only once.
    """
    keys = {**{name: f"${name}" for name in _COUNTS}, "importedHelpfulCount": _IMPORTED}
    groups = await aggregate(database["reviews"], [{"$group": {"_id": keys}}], size=10_000)
    rows = [{**dict.fromkeys(keys), **group["_id"]} for group in groups]
    scores = [row["helpfulScore"] for row in rows if row["helpfulScore"] != _score(row)]
    queries: list[Filter] = [{"helpfulScore": {"$in": scores}}] if scores else []
    if any(row["helpfulCount"] != row["importedHelpfulCount"] for row in rows):
        queries.append({"$expr": {"$ne": ["$helpfulCount", _IMPORTED]}})
    return queries


async def _voted(database: Database) -> AsyncIterator[Sequence[ObjectId]]:
    """Yields the ids of reviews that have votes, in ascending order, in batches."""
    query: Document = {}
    options: dict[str, Option] = {"sort": [("_id.reviewId", 1)], "limit": _VOTES}
    while votes := await find(database["votes"], query, size=_VOTES, **options):
        ids = list(dict.fromkeys(vote["_id"]["reviewId"] for vote in votes))
        yield ids
        query = {"_id.reviewId": {"$gt": ids[-1]}}


async def _counted(tx: Transaction, *, ids: Sequence[ObjectId], suspect: bool, fix: bool) -> list[Difference]:
    """Finds wrong helpful counts and scores of some reviews. If `fix` is set, corrects them.

    suspect: if true, checks only the suspect reviews (see _suspects). If false, skips them, because they have
    already been checked.
    """
    found = await tx.find(
        "reviews", {"_id": {"$in": ids}}, size=len(ids), projection=(*_COUNTS, "externalId")
    )
    reviews = [review for review in found if _is_suspect(review) is suspect]
    votes = await _votes(tx, [review["_id"] for review in reviews])
    wrong = [
        difference
        for review in reviews
        for difference in compared("reviews", review, _true(review, votes.get(review["_id"], 0)))
    ]
    return await corrected(tx, wrong, fix=fix)


async def _orphaned(tx: Transaction, *, ids: Sequence[ObjectId]) -> list[Difference]:
    """Returns a Difference for each deleted review that still has votes.

    Votes are left over if a deletion is interrupted, for example.
    """
    reviews = await tx.find("reviews", {"_id": {"$in": ids}}, size=len(ids), projection=["_id"])
    existing = {review["_id"] for review in reviews}
    votes = await _votes(tx, [review for review in ids if review not in existing])
    return [Difference("votes", review, "for a deleted review", n, 0) for review, n in sorted(votes.items())]


async def _removed(tx: Transaction, *, review_id: ObjectId) -> bool:
    """Deletes a batch of votes for a deleted review. Returns whether more might be left."""
    return not await tx.get("reviews", review_id) and await delete_votes(tx, review_id)


async def _votes(tx: Transaction, reviews: Sequence[ObjectId]) -> dict[ObjectId, int]:
    """Maps each review that has votes to the number of its votes."""
    pipeline: Pipeline = [
        {"$match": {"_id.reviewId": {"$in": reviews}}},
        {"$group": {"_id": "$_id.reviewId", "n": {"$sum": 1}}},
    ]
    rows = await tx.aggregate("votes", pipeline, size=len(reviews))
    return {row["_id"]: row["n"] for row in rows}


def _is_suspect(review: Fields) -> bool:
    imported = review.get("importedHelpfulCount", 0)
    return bool(review.get("helpfulCount") != imported or review.get("helpfulScore") != _score(review))


def _true(review: Fields, votes: int) -> Fields:
    """Returns the helpful counts and the score that a review with this number of votes should have.

    Earlier versions imported reviews without an `importedHelpfulCount`. For such a review, the imported count
    is `helpfulCount` minus the number of votes.
    """
    is_old_import = "externalId" in review and "importedHelpfulCount" not in review
    stored = _number(review, "importedHelpfulCount")
    imported = max(0, _number(review, "helpfulCount") - votes) if is_old_import else stored
    count = imported + votes
    added = {"importedHelpfulCount": imported} if is_old_import else {}
    return {**added, "helpfulCount": count, "helpfulScore": wilson(count, _number(review, "unhelpfulCount"))}


def _score(review: Fields) -> float:
    return wilson(_number(review, "helpfulCount"), _number(review, "unhelpfulCount"))


def _number(review: Fields, name: str) -> int:
    """Returns a stored count, or 0 if the stored value isn't a count."""
    fitted = _SHAPES[name].fitted(review.get(name, MISSING))
    return 0 if fitted is UNFIT else max(0, int(fitted))
