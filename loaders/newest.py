"""The newest reviews of courses and students by their ids, which each of these carries.

To fetch reviews by `_id` costs MongoDB about a third of what it costs to list them by parent. The listing of
PUBLIC, the newest first, stays the truth: `newestReviewIds` are the ids of its first NEWEST reviews.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

import loaders.listing
import loaders.review
from loaders.batching import ByKey
from loaders.documents import CourseDoc, ReviewDoc, StudentDoc
from loaders.listing import Listing, Page, Window, all_of, sort_by
from loaders.mongo import Database, Pipeline, aggregate
from loaders.review import ReviewCriteria, ReviewParent

#: One more than are on a page by default, so that the page knows whether more follow.
NEWEST = 21
#: The collections of what carries them, and what refers to it in a review.
CARRIERS: Mapping[str, ReviewParent] = {"courses": "courseId", "students": "studentId"}
PUBLIC = ReviewCriteria(statuses=("PUBLISHED",), course_statuses=("PUBLISHED",))


async def ids_by_parent(
    database: Database, parent: ReviewParent, parents: Sequence[ObjectId]
) -> list[list[ObjectId]]:
    """What each parent should carry, in order, from the reviews themselves. One command.

    An index has the reviews in this order, so that MongoDB sorts nothing and keeps no more than the result.
    """
    listing = loaders.review.listing(database, PUBLIC, parent)
    pipeline: Pipeline = [
        {"$match": all_of({parent: {"$in": list(parents)}}, listing.filter)},
        {"$sort": {parent: 1, **sort_by(listing.order)}},
        {"$group": {"_id": f"${parent}", "ids": {"$firstN": {"input": "$_id", "n": NEWEST}}}},
    ]
    found = await aggregate(listing.collection, pipeline, size=len(parents))
    ids = {row["_id"]: row["ids"] for row in found}
    return [ids.get(key, []) for key in parents]


async def pages(
    load: ByKey[ReviewDoc],
    carriers: Sequence[CourseDoc] | Sequence[StudentDoc],
    listing: Listing,
    parents: Sequence[ObjectId],
    window: Window,
) -> list[Page]:
    """As loaders.listing.pages for the listing of PUBLIC, the newest first; the carriers are the parents.

    One command, or none where no parent has a review. The listing is asked where the ids don't tell a page,
    and also, with a second command, where a review is gone that they tell of.
    """
    carried = _carried(carriers, window)
    if carried is not None:
        rows = await _rows(load, carried, window.limit)
        if _are_listed(rows, listing, parents):
            return [
                Page(listing, parent, row, has_next=window.limit < len(ids), has_previous=False)
                for parent, row, ids in zip(parents, rows, carried, strict=True)
            ]
    return await loaders.listing.pages(listing, parents, window)


def _carried(
    carriers: Sequence[CourseDoc] | Sequence[StudentDoc], window: Window
) -> list[list[ObjectId]] | None:
    """The ids that each carries; None where they don't tell every page and whether more follow."""
    if window != Window(window.limit):
        return None
    carried = []
    for carrier in carriers:
        ids = carrier.get("newestReviewIds")
        if ids is None or NEWEST <= len(ids) <= window.limit:
            return None
        carried.append(ids)
    return carried


async def _rows(
    load: ByKey[ReviewDoc], carried: Sequence[Sequence[ObjectId]], limit: int
) -> list[list[ReviewDoc | None]]:
    found = iter(await load([i for ids in carried for i in ids[:limit]]))
    return [[next(found) for _ in ids[:limit]] for ids in carried]


def _are_listed(rows: Sequence[Sequence[Any]], listing: Listing, parents: Sequence[ObjectId]) -> bool:
    """Whether every review is still in the list of its parent: there, not moved to another, and public."""
    return all(
        review is not None
        and review[listing.parent] == parent
        and review["status"] in PUBLIC.statuses
        and review["courseStatus"] in PUBLIC.course_statuses
        for parent, row in zip(parents, rows, strict=True)
        for review in row
    )
