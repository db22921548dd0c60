"""Finds the courses that require a course which doesn't exist.

There are some if a gateway dies after it has deleted a course, before it has removed the course from the
prerequisites of others, or if an import refers to a course that is deleted at the same time.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bson import ObjectId

from loaders.mongo import Database, Fields, Transaction, transaction
from loaders.recounting.differences import Difference, batches, compared, corrected


async def prerequisite_differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """Yields the courses with prerequisites that don't exist, in batches. If `fix` is set, removes these."""
    async for ids in batches(database, "courses", {"prerequisiteIds.0": {"$exists": True}}):
        yield await transaction(database, partial(_existing, ids=ids, fix=fix))


async def _existing(tx: Transaction, *, ids: Sequence[ObjectId], fix: bool) -> list[Difference]:
    courses = await tx.find(
        "courses", {"_id": {"$in": ids}}, size=len(ids), projection={"prerequisiteIds": 1}
    )
    required = {one for course in courses for one in _required(course)}
    stored = await tx.find(
        "courses", {"_id": {"$in": list(required)}}, size=len(required), projection={"_id": 1}
    )
    existing = {course["_id"] for course in stored}
    found = [
        difference
        for course in courses
        if (dangling := set(_required(course)) - existing)
        for difference in compared(
            "courses",
            course,
            {"prerequisiteIds": [one for one in course["prerequisiteIds"] if one not in dangling]},
        )
    ]
    return await corrected(tx, found, fix=fix)


def _required(course: Fields) -> list[ObjectId]:
    """Returns the prerequisites of a course. Other programs may have stored any value."""
    stored = course.get("prerequisiteIds")
    return [one for one in stored if isinstance(one, ObjectId)] if isinstance(stored, list) else []
