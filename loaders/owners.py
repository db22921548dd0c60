"""Whose documents are: who wrote or took them, and who teaches their course."""

from collections.abc import Sequence
from typing import NamedTuple

from bson import ObjectId

from loaders.mongo import Collection, Pipeline, aggregate


class Owners(NamedTuple):
    student_id: ObjectId | None = None
    instructor_ids: Sequence[ObjectId] = ()


NOBODY = Owners()


async def by_id(collection: Collection, ids: Sequence[ObjectId]) -> dict[ObjectId, Owners]:
    """Of courses, or of documents of courses. One command."""
    course = "_id" if collection.name == "courses" else "courseId"
    teachers = {
        "from": "courses", "localField": course, "foreignField": "_id", "as": "course",
        "pipeline": [{"$project": {"instructorIds": 1}}],
    }  # fmt: skip
    pipeline: Pipeline = [
        {"$match": {"_id": {"$in": list(ids)}}},
        {"$lookup": teachers},
        {"$project": {"studentId": 1, "instructorIds": {"$first": "$course.instructorIds"}}},
    ]
    found = await aggregate(collection, pipeline, size=len(ids))
    return {row["_id"]: Owners(row.get("studentId"), row.get("instructorIds") or ()) for row in found}
