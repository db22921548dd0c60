"""Finds the student or instructor for whom `lectern token` issues a token to try out the API."""

from typing import cast

from bson import ObjectId

from loaders.model import Document, InstructorDoc, StudentDoc
from loaders.mongo import Database, find_one


async def trial_student(database: Database, student_id: ObjectId | None) -> StudentDoc | None:
    """Returns the student with the given id.

    Without an id, returns any student with an active enrolment.
    """
    if student_id is None:
        enrollment = await find_one(database["enrollments"], {"status": "ACTIVE"}, sort=[("studentId", 1)])
        student_id = enrollment["studentId"] if enrollment else None
    return cast("StudentDoc | None", await _by_id(database, "students", student_id))


async def trial_instructor(database: Database, instructor_id: ObjectId | None) -> InstructorDoc | None:
    """Returns the instructor with the given id.

    Without an id, returns an instructor of the best-rated published course.
    """
    if instructor_id is None:
        taught = {"status": "PUBLISHED", "instructorIds": {"$ne": []}}
        course = await find_one(database["courses"], taught, sort=[("ratingBayesian", -1), ("_id", 1)])
        instructor_id = course["instructorIds"][0] if course else None
    return cast("InstructorDoc | None", await _by_id(database, "instructors", instructor_id))


async def _by_id(database: Database, collection: str, id: ObjectId | None) -> Document | None:
    found: Document | None = await find_one(database[collection], {"_id": {"$eq": id}})
    return found
