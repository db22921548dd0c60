"""Reviews and votes, with what follows from them: ratings, the newest reviews, who found one helpful."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from loaders import newest
from loaders.creation import complete
from loaders.documents import CourseDoc, CourseStatus, ReviewDoc
from loaders.mongo import Pipeline
from loaders.ratings import summarise, wilson
from loaders.transactions import Transaction

_STUDENTS = 500  # a batch


async def by_student(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> ReviewDoc | None:
    """A student's review of a course."""
    found: ReviewDoc | None = await tx.find_one("reviews", {"studentId": student_id, "courseId": course_id})
    return found


async def insert(tx: Transaction, course: CourseDoc, fields: Mapping[str, Any]) -> ReviewDoc:
    """A new review of a course; `fields` are those that a student writes."""
    own = {**fields, "courseId": course["_id"], "courseStatus": course["status"]}
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
    """A review and its votes are gone."""
    await tx.delete("reviews", review)
    await tx.delete_all("votes", {"_id.reviewId": review["_id"]})
    await _follow(tx, review, None)


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


async def hide_with_course(tx: Transaction, course_id: ObjectId, status: CourseStatus) -> bytes:
    """Gives the reviews of a course its status, and their students what they carry then; what the course
    carries then is given back.
    """
    await tx.set("reviews", {"courseId": course_id}, {"courseStatus": status})
    own: Pipeline = [{"$match": {"courseId": course_id}}, {"$group": {"_id": "$studentId"}}]
    students = [row["_id"] for row in await tx.aggregate("reviews", own, size=1_000_000) if row["_id"]]
    for start in range(0, len(students), _STUDENTS):
        batch = students[start : start + _STUDENTS]
        listed = await newest.ids_by_parent(tx.database, "studentId", batch, tx.session)
        carried = ({"newestReviewIds": newest.packed(ids)} for ids in listed)
        await tx.hold_all("students", zip(batch, carried, strict=True))
    (ids,) = await newest.ids_by_parent(tx.database, "courseId", [course_id], tx.session)
    return newest.packed(ids)


async def _follow(tx: Transaction, before: ReviewDoc | None, after: ReviewDoc | None) -> None:
    """What a course and a student have of a review, after it came, changed or went."""
    review: Any = after or before
    course: CourseDoc = await tx.get("courses", review["courseId"])
    ids = await newest.ids_of(tx, course["_id"], review["studentId"])
    stars = _stars(course, before, after)
    rating = summarise(stars, course["importedRating"])
    await tx.hold("courses", course["_id"], **rating, newestReviewIds=newest.packed(ids.of_course))
    if review["studentId"]:
        await tx.hold("students", review["studentId"], newestReviewIds=newest.packed(ids.of_student))


def _stars(course: CourseDoc, before: ReviewDoc | None, after: ReviewDoc | None) -> Sequence[int]:
    stars = list(course["ratingStars"])
    for review, step in ((before, -1), (after, 1)):
        if review and review["status"] == "PUBLISHED" and review["rating"] is not None:
            stars[review["rating"] - 1] += step
    return stars
