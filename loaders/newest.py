"""The newest reviews of courses and students by their ids, which each of these carries.

To fetch reviews by `_id` costs about half of what it costs to list them by parent. The listing of
PUBLIC, the newest first, stays the truth: `newestReviewIds` are the ids of its first NEWEST reviews.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from bson import ObjectId

import loaders.listing
import loaders.review
from loaders.batching import ByKey
from loaders.documents import CourseDoc, ReviewDoc, StudentDoc
from loaders.listing import Listing, Page, Window, all_of, sort_by
from loaders.mongo import Database, Pipeline, aggregate, id_bytes
from loaders.review import ReviewCriteria, ReviewParent
from loaders.transactions import Transaction

#: One more than are on a page by default, so that the page knows whether more follow.
NEWEST = 21
#: The collections of what carries them, and what refers to it in a review.
CARRIERS: Mapping[str, ReviewParent] = {"courses": "courseId", "students": "studentId"}
PUBLIC = ReviewCriteria(statuses=("PUBLISHED",), course_statuses=("PUBLISHED",))
_PUBLIC = (*PUBLIC.statuses, *PUBLIC.course_statuses)
_LENGTH = 12  # bytes of an ObjectId


class _Carried(NamedTuple):
    """The ids of a page, and whether more follow."""

    ids: list[ObjectId]
    more: bool


class Listed(NamedTuple):
    """What a course and a student should carry."""

    of_course: list[ObjectId]
    of_student: list[ObjectId]


async def ids_of(tx: Transaction, course_id: ObjectId, student_id: ObjectId | None) -> Listed:
    """What a course and a student should carry, from the reviews themselves. One command."""
    pipeline: Pipeline = [
        {"$match": {"_id": course_id}},
        {"$project": {"_id": 1}},
        _first("courseId", course_id, "ofCourse"),
        *([_first("studentId", student_id, "ofStudent")] if student_id else []),
    ]
    (found,) = await tx.aggregate("courses", pipeline, size=1)
    return Listed(*([row["_id"] for row in found.get(name, ())] for name in ("ofCourse", "ofStudent")))


def _first(parent: ReviewParent, key: ObjectId, name: str) -> Mapping[str, Any]:
    """The first ids of one parent, under a name. ($unionWith is not for transactions.)"""
    statuses = {"status": PUBLIC.statuses[0], "courseStatus": PUBLIC.course_statuses[0]}
    stages = [
        {"$match": {parent: key, **statuses}},
        {"$sort": sort_by(loaders.review.ORDERS["NEWEST"])},
        {"$limit": NEWEST},
        {"$project": {"_id": 1}},
    ]
    return {"$lookup": {"from": "reviews", "pipeline": stages, "as": name}}


async def ids_by_parent(
    database: Database, parent: ReviewParent, parents: Sequence[ObjectId], session: Any = None
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
    found = await aggregate(listing.collection, pipeline, size=len(parents), session=session)
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
        rows = await _rows(load, carried)
        if _are_listed(rows):
            return [
                Page(listing, parent, row, has_next=more, has_previous=False)
                for parent, row, (_, more) in zip(parents, rows, carried, strict=True)
            ]
    return await loaders.listing.pages(listing, parents, window)


def packed(ids: Iterable[ObjectId]) -> bytes:
    """Ids as they are stored: one after the other, twelve bytes each. MongoDB's drivers read one value much
    faster than an array of them.
    """
    return b"".join(id_bytes(i) for i in ids)


def unpacked(stored: bytes, most: int = NEWEST) -> list[ObjectId]:
    """The first ids of those that are stored."""
    ends = range(_LENGTH, min(len(stored), most * _LENGTH) + 1, _LENGTH)
    return [ObjectId(stored[end - _LENGTH : end]) for end in ends]


def _carried(carriers: Sequence[CourseDoc] | Sequence[StudentDoc], window: Window) -> list[_Carried] | None:
    """What each carries of a window; None where that doesn't tell every page and whether more follow."""
    if window != Window(window.limit):
        return None
    carried = []
    for carrier in carriers:
        stored = carrier.get("newestReviewIds")
        if not isinstance(stored, bytes):
            return None
        count = len(stored) // _LENGTH
        if NEWEST <= count <= window.limit:
            return None
        carried.append(_Carried(unpacked(stored, window.limit), window.limit < count))
    return carried


async def _rows(load: ByKey[ReviewDoc], carried: Sequence[_Carried]) -> list[list[ReviewDoc | None]]:
    found = iter(await load([i for ids, _ in carried for i in ids]))
    return [list(islice(found, len(ids))) for ids, _ in carried]


def _are_listed(rows: Sequence[Sequence[ReviewDoc | None]]) -> bool:
    """Whether every review is still there, and public."""
    for row in rows:
        for review in row:
            if review is None or (review["status"], review["courseStatus"]) != _PUBLIC:
                return False
    return True
