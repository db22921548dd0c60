"""Whose documents are: who wrote or took them, and their course."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bson import ObjectId

from loaders.model import CourseStatus
from loaders.mongo import Collection, Pipeline, aggregate


class Owners(NamedTuple):
    """course_status: of the course that a run or a review is of; None: there is none."""

    student_id: ObjectId | None = None
    instructor_ids: Sequence[ObjectId] = ()
    course_status: CourseStatus | None = None


NOBODY = Owners()


async def owners_by_id(collection: Collection, ids: Sequence[ObjectId]) -> dict[ObjectId, Owners]:
    """Of courses, or of documents of courses. One command."""
    course = "_id" if collection.name == "courses" else "courseId"
    teachers = {
        "from": "courses", "localField": course, "foreignField": "_id", "as": "course",
        "pipeline": [{"$project": {"instructorIds": 1, "status": 1}}],
    }  # fmt: skip
    pipeline: Pipeline = [
        {"$match": {"_id": {"$in": list(ids)}}},
        {"$lookup": teachers},
        {"$project": {"studentId": 1, "course": {"$first": "$course"}}},
    ]
    found = await aggregate(collection, pipeline, size=len(ids))
    return {row["_id"]: owners_of_course(row.get("course"), row.get("studentId")) for row in found}


def owners_of_course(course: Mapping[str, Any] | None, student_id: ObjectId | None = None) -> Owners:
    """Of a course, or of a document of it; None: there is none."""
    if course is None:
        return Owners(student_id)
    return Owners(student_id, course.get("instructorIds") or (), course["status"])
