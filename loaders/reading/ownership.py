"""Looks up the owners of courses, and of documents that belong to courses."""

from collections.abc import Sequence
from typing import NamedTuple

from bson import ObjectId

from loaders.model import CourseStatus
from loaders.mongo import Collection, Fields, Pipeline, aggregate
from loaders.reading.document_fitting import fit


class Owners(NamedTuple):
    """The owners of a course, or of a document that belongs to a course.

    student_id: the student who owns the enrolment or review. instructor_ids: the instructors of the course.
    course_status: the status of the course; None if it is unknown, or if there is no course.
    """

    student_id: ObjectId | None = None
    instructor_ids: Sequence[ObjectId] = ()
    course_status: CourseStatus | None = None


NO_OWNERS = Owners()


async def owners_by_id(collection: Collection, ids: Sequence[ObjectId]) -> dict[ObjectId, Owners]:
    """Maps the `_id`s of courses, or of documents that belong to courses, to their owners.

    Documents that don't exist are left out. Sends one command.
    """
    course = "_id" if collection.name == "courses" else "courseId"
    lookup = {
        "from": "courses", "localField": course, "foreignField": "_id", "as": "course",
        "pipeline": [{"$project": {"instructorIds": 1, "status": 1}}],
    }  # fmt: skip
    pipeline: Pipeline = [
        {"$match": {"_id": {"$in": list(ids)}}},
        {"$lookup": lookup},
        {"$project": {"studentId": 1, "course": {"$first": "$course"}}},
    ]
    found = await aggregate(collection, pipeline, size=len(ids))
    return {row["_id"]: owners_of_course(row.get("course"), row.get("studentId")) for row in found}


def owners_of_course(course: Fields | None, student_id: ObjectId | None = None) -> Owners:
    """Returns the owners of a course, or of a document that belongs to a course and a student.

    course: None if there is no such course. student_id: None if there is no student.
    """
    if course is None:
        return Owners(student_id)
    (fitted,) = fit("courses", [dict(course)], ("instructorIds", "status"))
    return Owners(student_id, fitted["instructorIds"], fitted["status"])
