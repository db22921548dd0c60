"""The newest reviews of courses and students by their ids, which each of these carries.

To fetch reviews by `_id` costs about half of what it costs to list them by parent. The listing of
PUBLIC, the newest first, stays the truth: `newestReviewIds` are the ids of its first NEWEST reviews. They are
the same whether or not a course is hidden: to hide one changes nothing of its students.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bson import ObjectId

import loaders.reading.listing
import loaders.review
from loaders.documents import CourseDoc, ReviewDoc, StudentDoc
from loaders.mongo.commands import Database, Pipeline, aggregate
from loaders.mongo.transactions import Transaction
from loaders.packed_ids import NOTHING, number, unpacked
from loaders.reading.listing import Listing, Page, Window, all_of, sort_by
from loaders.reading.registry import Loaders
from loaders.review import ReviewCriteria, ReviewParent

#: One more than are on a page by default, so that the page knows whether more follow.
NEWEST = 21
#: The collections of what carries them, and what refers to it in a review.
CARRIERS: Mapping[str, ReviewParent] = {"courses": "courseId", "students": "studentId"}
#: Published reviews, of whatever courses; and those that the public sees of a student.
PUBLIC = ReviewCriteria(statuses=("PUBLISHED",))
CARRIED = (PUBLIC, replace(PUBLIC, course_statuses=("PUBLISHED",)))


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
    stages = [
        {"$match": {parent: key, "status": PUBLIC.statuses[0]}},
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
    load: Loaders,
    carriers: Sequence[CourseDoc | None] | Sequence[StudentDoc | None],
    listing: Listing,
    parents: Sequence[ObjectId | None],
    window: Window,
) -> list[Page]:
    """As loaders.reading.listing.pages for a listing of CARRIED, the newest first; the carriers are the
    parents.

    One command, and another for the courses where these may be hidden; none where no parent has a review.
    The listing is asked where the ids don't tell every page; and, with one more, for the parents of which a
    review is gone or hidden that they tell of. Where nobody asks whether more follow, `has_next` means
    nothing: of reviews that may be hidden, only what is on the page is fetched then.
    """
    asked = load.looked_beyond is None or "reviews" in load.looked_beyond
    carried = _carried(carriers, window, beyond=listing.course is not None and asked)
    if carried is None:
        return await loaders.reading.listing.pages(listing, parents, window)
    rows = await _rows(load, listing, [own.ids for own in carried])
    told = [
        None
        if row is None
        else Page(listing, parent, row[: window.limit], has_next=own.more, has_previous=False)
        for parent, own, row in zip(parents, carried, rows, strict=True)
    ]
    untold = [parent for parent, page in zip(parents, told, strict=True) if page is None]
    listed = iter(await loaders.reading.listing.pages(listing, untold, window) if untold else ())
    return [page or next(listed) for page in told]


def _carried(
    carriers: Sequence[Mapping[str, Any] | None], window: Window, *, beyond: bool
) -> list[_Carried] | None:
    """What each carries of a window; None where that doesn't tell every page and whether more follow.

    beyond: with the one which follows the page, since it may be hidden.
    """
    if window != Window(window.limit):
        return None
    most = window.limit + 1 if beyond else window.limit
    carried = []
    for carrier in carriers:
        stored: Any = carrier.get("newestReviewIds") if carrier is not None else NOTHING
        count = number(stored)
        if count is None or NEWEST <= count <= window.limit:
            return None
        carried.append(_Carried(unpacked(stored, most), window.limit < count))
    return carried


async def _rows(
    load: Loaders, listing: Listing, ids: Sequence[Sequence[ObjectId]]
) -> list[list[ReviewDoc] | None]:
    """The reviews of each; None where one of them is gone or hidden."""
    found = await load.review_by_id([i for own in ids for i in own])
    shown = [review is not None and review["status"] == "PUBLISHED" for review in found]
    if listing.course is not None:
        courses = await load.course_status_by_id([review and review["courseId"] for review in found])
        shown = [
            review and course is not None and course["status"] == "PUBLISHED"
            for review, course in zip(shown, courses, strict=True)
        ]
    rows: list[Any] = []
    start = 0
    for own in ids:
        end = start + len(own)
        rows.append(found[start:end] if all(shown[start:end]) else None)
        start = end
    return rows
