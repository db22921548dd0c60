"""Writes to reviews and votes, which also update ratings, newest review ids and helpful counts."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bson import ObjectId

from loaders import outbox
from loaders.collections import complete
from loaders.model import (
    NEWEST,
    CourseDoc,
    ReviewDoc,
    ReviewParent,
    ReviewStatus,
    add_stars,
    course_rating,
    pack_ids,
    wilson,
)
from loaders.mongo import Expression, Fields, Pipeline, Stored, Transaction, Value, differs
from loaders.outbox import Event, EventKind
from loaders.reading import sort_by
from loaders.review import ORDERS, PUBLIC

_VOTES = 1_000  # votes per batch

#: The event of a review that gets a status.
_EVENTS: Mapping[ReviewStatus, EventKind] = {"PUBLISHED": "review.written", "PENDING": "review.held"}


async def by_student(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> ReviewDoc | None:
    """Returns a student's review of a course, or None."""
    found: ReviewDoc | None = await tx.find_one("reviews", {"studentId": student_id, "courseId": course_id})
    return found


async def insert(tx: Transaction, course: CourseDoc, fields: Fields) -> ReviewDoc:
    """Inserts a review of a course and returns it.

    fields: the known fields, without `courseId`; the others get defaults and derived values.
    """
    new = complete("reviews", {**fields, "courseId": course["_id"]})
    review: ReviewDoc = await tx.insert("reviews", new)
    await _update_aggregates(tx, None, review)
    _note_status(tx, review)
    return review


def _note_status(tx: Transaction, review: ReviewDoc) -> None:
    """Has an event written that a review was published, or is held for moderation."""
    if kind := _EVENTS.get(review["status"]):
        student_id = review["studentId"]
        data = {"reviewId": review["_id"], "courseId": review["courseId"], "studentId": student_id}
        people = (student_id,) if student_id else ()
        outbox.note(tx, Event(kind, "Review", review["_id"], data, people))


async def change(tx: Transaction, review: ReviewDoc, **fields: Value) -> ReviewDoc:
    """Sets fields of a review. Returns the changed review."""
    changed: ReviewDoc = await tx.patch("reviews", review, **fields)
    if changed["status"] != review["status"]:
        _note_status(tx, changed)
    if (changed["status"], changed["rating"]) != (review["status"], review["rating"]):
        await _update_aggregates(tx, review, changed)
    return changed


async def edit(tx: Transaction, review: ReviewDoc, status: ReviewStatus, **content: Value) -> ReviewDoc:
    """Sets what a review's author has written, `updatedAt` and the status. Returns the changed review.

    Does nothing if the review already has this content.
    """
    if not differs(review, content):
        return review
    return await change(tx, review, **content, status=status, updatedAt=tx.now)


async def moderate(tx: Transaction, review: ReviewDoc, status: ReviewStatus, reason: str | None) -> ReviewDoc:
    """Sets a review's status and the reason for it, and closes its flags. Returns the changed review."""
    fields: Fields = {"status": status}
    if reason != review.get("moderationReason"):
        fields = {**fields, "moderationReason": reason}
    if review.get("flagCount"):
        fields = {**fields, "flagCount": 0, "flagRound": review.get("flagRound", 0) + 1}
    return await change(tx, review, **fields)


async def has_published(tx: Transaction, student_id: ObjectId) -> bool:
    """Returns whether any review of a student is published."""
    query = {"studentId": student_id, "status": "PUBLISHED"}
    return await tx.find_one("reviews", query, projection={"_id": 1}) is not None


async def delete(tx: Transaction, review: ReviewDoc) -> None:
    """Deletes a review, but not its votes, which no longer have any effect (see `delete_votes`)."""
    await tx.delete("reviews", review)
    await _update_aggregates(tx, review, None)


async def delete_votes(tx: Transaction, review_id: ObjectId) -> bool:
    """Deletes a batch of a review's votes, small enough for one write.

    Returns whether the review might have more votes.
    """
    votes = await tx.find(
        "votes", {"_id.reviewId": review_id}, size=_VOTES, limit=_VOTES, projection={"_id": 1}
    )
    if votes:
        await tx.delete_all("votes", {"_id": {"$in": [vote["_id"] for vote in votes]}})
    return len(votes) == _VOTES


async def vote(tx: Transaction, review: ReviewDoc, student_id: ObjectId, *, helpful: bool) -> ReviewDoc:
    """Adds or removes a student's vote for a review. Returns the review with its new count.

    Adding a vote that exists, or removing one that doesn't, has no effect.
    """
    key = {"reviewId": review["_id"], "studentId": student_id}
    voted = await tx.get("votes", key)
    if helpful is (voted is not None):
        return review
    if voted:
        await tx.delete("votes", voted)
    else:
        await tx.insert("votes", {"_id": key})
    count = review["helpfulCount"] + (1 if helpful else -1)
    counted: ReviewDoc = await tx.patch(
        "reviews", review, helpfulCount=count, helpfulScore=wilson(count, review["unhelpfulCount"])
    )
    return counted


async def _update_aggregates(tx: Transaction, before: ReviewDoc | None, after: ReviewDoc | None) -> None:
    """Updates the course and the student after a review has been inserted, changed or deleted.

    before: None if the review is new. after: None if the review was deleted.
    """
    review: Stored = after or before
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
    """The ids of the newest reviews of a course and of a student."""

    of_course: list[ObjectId]
    of_student: list[ObjectId]


async def _newest(tx: Transaction, course_id: ObjectId, student_id: ObjectId | None) -> _Newest:
    """Reads the ids of a course's newest reviews and of a student's newest reviews, in one command."""
    pipeline: Pipeline = [
        {"$match": {"_id": course_id}},
        {"$project": {"_id": 1}},
        _first("courseId", course_id, "ofCourse"),
        *([_first("studentId", student_id, "ofStudent")] if student_id else []),
    ]
    (found,) = await tx.aggregate("courses", pipeline, size=1)
    return _Newest(*(_ids(found.get(name, ())) for name in ("ofCourse", "ofStudent")))


def _ids(rows: Iterable[Fields]) -> list[ObjectId]:
    """Returns the `_id`s that are ObjectIds. Other programs may have stored documents with other `_id`s."""
    return [row["_id"] for row in rows if isinstance(row["_id"], ObjectId)]


def _first(parent: ReviewParent, key: ObjectId, name: str) -> Expression:
    """Returns the stage that adds the ids of one parent's newest reviews as the field `name`.

    The stage is a $lookup, because $unionWith is not allowed in transactions.
    """
    stages = [
        {"$match": {parent: key, "status": PUBLIC.statuses[0]}},
        {"$sort": sort_by(ORDERS["NEWEST"])},
        {"$limit": NEWEST},
        {"$project": {"_id": 1}},
    ]
    return {"$lookup": {"from": "reviews", "pipeline": stages, "as": name}}
