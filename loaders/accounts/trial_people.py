"""Someone to try things out as."""

from typing import Any

from bson import ObjectId

from loaders.model import InstructorDoc, StudentDoc
from loaders.mongo import Database, find_one


async def trial_student(database: Database, student_id: ObjectId | None) -> StudentDoc | None:
    """The student with an id; without one, a student who takes a course."""
    if student_id is None:
        enrollment = await find_one(database["enrollments"], {"status": "ACTIVE"}, sort=[("studentId", 1)])
        student_id = enrollment["studentId"] if enrollment else None
    found: StudentDoc | None = await _by_id(database, "students", student_id)
    return found


async def trial_instructor(database: Database, instructor_id: ObjectId | None) -> InstructorDoc | None:
    """The instructor with an id; without one, an instructor of a course in the catalogue."""
    if instructor_id is None:
        taught = {"status": "PUBLISHED", "instructorIds": {"$ne": []}}
        course = await find_one(database["courses"], taught, sort=[("ratingBayesian", -1), ("_id", 1)])
        instructor_id = course["instructorIds"][0] if course else None
    found: InstructorDoc | None = await _by_id(database, "instructors", instructor_id)
    return found


async def _by_id(database: Database, collection: str, id: ObjectId | None) -> Any:
    return await find_one(database[collection], {"_id": {"$eq": id}})
