"""Reviews and votes, with what follows from them: ratings, the newest reviews, who found one helpful."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bson import ObjectId

from loaders.collections import complete
from loaders.model import (
    NEWEST,
    CourseDoc,
    ReviewDoc,
    ReviewParent,
    add_stars,
    course_rating,
    pack_ids,
    wilson,
)
from loaders.mongo import Pipeline, Transaction
from loaders.reading import sort_by
from loaders.review import ORDERS, PUBLIC

_VOTES = 1_000  # a batch


async def by_student(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> ReviewDoc | None:
    """A student's review of a course."""
    found: ReviewDoc | None = await tx.find_one("reviews", {"studentId": student_id, "courseId": course_id})
    return found


async def insert(tx: Transaction, course: CourseDoc, fields: Mapping[str, Any]) -> ReviewDoc:
    """A new review of a course; `fields` are those that a student writes."""
    own = {**fields, "courseId": course["_id"]}
    review: Any = await tx.insert("reviews", complete("reviews", own))
    await _follow(tx, None, review)
    return review  # type: ignore[no-any-return]


async def change(tx: Transaction, review: ReviewDoc, **fields: Any) -> ReviewDoc:
    """A review with other fields."""
    changed: Any = await tx.patch("reviews", dict(review), **fields)
    if (changed["status"], changed["rating"]) != (review["status"], review["rating"]):
        await _follow(tx, review, changed)
    return changed  # type: ignore[no-any-return]


async def delete(tx: Transaction, review: ReviewDoc) -> None:
    """A review is gone. Its votes tell nothing then: `delete_votes` is for these."""
    await tx.delete("reviews", review)
    await _follow(tx, review, None)


async def delete_votes(tx: Transaction, review_id: ObjectId) -> bool:
    """Deletes votes for a review: as many as a write may take time for. Whether there may be more."""
    votes = await tx.find(
        "votes", {"_id.reviewId": review_id}, size=_VOTES, limit=_VOTES, projection={"_id": 1}
    )
    if votes:
        await tx.delete_all("votes", {"_id": {"$in": [vote["_id"] for vote in votes]}})
    return len(votes) == _VOTES


async def vote(tx: Transaction, review: ReviewDoc, student_id: ObjectId, *, helpful: bool) -> ReviewDoc:
    """A review that a student found helpful, or no longer does. To say so again changes nothing."""
    key = {"reviewId": review["_id"], "studentId": student_id}
    voted = await tx.get("votes", key)
    if helpful is (voted is not None):
        return review
    if voted:
        await tx.delete("votes", voted)
    else:
        await tx.insert("votes", {"_id": key})
    count = review["helpfulCount"] + (1 if helpful else -1)
    counted: Any = await tx.patch(
        "reviews", dict(review), helpfulCount=count, helpfulScore=wilson(count, review["unhelpfulCount"])
    )
    return counted  # type: ignore[no-any-return]


async def _follow(tx: Transaction, before: ReviewDoc | None, after: ReviewDoc | None) -> None:
    """What a course and a student have of a review, after it came, changed or went."""
    review: Any = after or before
    course: CourseDoc = await tx.get("courses", review["courseId"])
    ids = await _newest(tx, course["_id"], review["studentId"])
    stars = list(course["ratingStars"])
    add_stars(stars, before, -1)
    add_stars(stars, after)
    await tx.hold(
        "courses", course["_id"], **course_rating(course, stars), newestReviewIds=pack_ids(ids.of_course)
    )
    if review["studentId"]:
        await tx.hold("students", review["studentId"], newestReviewIds=pack_ids(ids.of_student))


class _Newest(NamedTuple):
    """What a course and a student should carry."""

    of_course: list[ObjectId]
    of_student: list[ObjectId]


async def _newest(tx: Transaction, course_id: ObjectId, student_id: ObjectId | None) -> _Newest:
    """What a course and a student should carry, from the reviews themselves. One command."""
    pipeline: Pipeline = [
        {"$match": {"_id": course_id}},
        {"$project": {"_id": 1}},
        _first("courseId", course_id, "ofCourse"),
        *([_first("studentId", student_id, "ofStudent")] if student_id else []),
    ]
    (found,) = await tx.aggregate("courses", pipeline, size=1)
    return _Newest(*([row["_id"] for row in found.get(name, ())] for name in ("ofCourse", "ofStudent")))


def _first(parent: ReviewParent, key: ObjectId, name: str) -> Mapping[str, Any]:
    """The first ids of one parent, under a name. ($unionWith is not for transactions.)"""
    stages = [
        {"$match": {parent: key, "status": PUBLIC.statuses[0]}},
        {"$sort": sort_by(ORDERS["NEWEST"])},
        {"$limit": NEWEST},
        {"$project": {"_id": 1}},
    ]
    return {"$lookup": {"from": "reviews", "pipeline": stages, "as": name}}
