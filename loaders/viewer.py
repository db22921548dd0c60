"""What is a student's own, by what it is about: one command each, aligned with the keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from loaders.documents import COUNTED_ENROLLMENTS, LIVE_ENROLLMENTS, EnrollmentDoc, ReviewDoc, WishDoc
from loaders.mongo.commands import Database, find, find_one
from loaders.reading.projections import Projection, including


async def enrollments(
    database: Database,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Projection | None = None,
) -> list[EnrollmentDoc | None]:
    """For each course the student's latest enrolment; one that goes on before one that is over."""
    found = await _own(
        database,
        "enrollments",
        student_id,
        courses,
        including(projection, "courseId", "status", "enrolledAt"),
    )
    latest = sorted(
        found, key=lambda e: (e["status"] in LIVE_ENROLLMENTS, e["enrolledAt"] is not None, e["enrolledAt"])
    )
    by_course = {e["courseId"]: e for e in latest}
    return [by_course.get(course) for course in courses]


async def reviews(
    database: Database,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Projection | None = None,
) -> list[ReviewDoc | None]:
    """For each course the student's review."""
    found = await _own(database, "reviews", student_id, courses, including(projection, "courseId"))
    by_course = {review["courseId"]: review for review in found}
    return [by_course.get(course) for course in courses]


async def can_review(database: Database, student_id: ObjectId, courses: Sequence[ObjectId]) -> list[bool]:
    """For each course whether the student took or takes it, and has not reviewed it. Two commands."""
    projection = {"courseId": 1, "status": 1}
    reviewed = {r["courseId"] for r in await _own(database, "reviews", student_id, courses, projection)}
    taken = {
        e["courseId"]
        for e in await _own(database, "enrollments", student_id, courses, projection)
        if e["status"] in COUNTED_ENROLLMENTS
    }
    return [course in taken and course not in reviewed for course in courses]


async def votes(database: Database, student_id: ObjectId, reviews: Sequence[ObjectId]) -> list[bool]:
    """For each review whether the student found it helpful."""
    keys = [{"reviewId": review, "studentId": student_id} for review in dict.fromkeys(reviews)]
    found = await find(database["votes"], {"_id": {"$in": keys}}, size=len(keys))
    voted = {vote["_id"]["reviewId"] for vote in found}
    return [review in voted for review in reviews]


async def wishes(database: Database, student_id: ObjectId) -> list[WishDoc]:
    """The wishlist of a student, in the order in which it was made."""
    found = await find_one(database["wishlists"], {"_id": student_id})
    return found["courses"] if found else []


async def _own(
    database: Database,
    collection: str,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Mapping[str, int] | None,
) -> list[Any]:
    query = {"studentId": student_id, "courseId": {"$in": list(dict.fromkeys(courses))}}
    return await find(database[collection], query, size=2 * len(courses), projection=projection)
