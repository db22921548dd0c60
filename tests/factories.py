"""Documents for tests: complete, with the values that the test gives."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne

from loaders.collections import COLLECTIONS, complete
from loaders.model.newest_review_ids import CARRIERS, pack_ids
from loaders.model.ratings import summarise
from loaders.mongo.database import Database
from loaders.recounting import ids_by_parent

DAY = timedelta(days=1)
T0 = datetime(2026, 1, 1, tzinfo=UTC)

_number = count(1)


def category(slug: str, **fields: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "slug": slug, "name": slug.title(), **fields}


def instructor(name: str = "Ada", **fields: Any) -> dict[str, Any]:
    return complete("instructors", {"_id": ObjectId(), "name": name, **fields})


def course(title: str | None = None, *, stars: list[int] | None = None, **fields: Any) -> dict[str, Any]:
    number = next(_number)
    title = title or f"Course {number}"
    own = {"_id": ObjectId(), "title": title, "slug": f"course-{number}", "createdAt": T0 + number * DAY}
    document = complete("courses", own | fields)
    return document | summarise(stars or [0] * 5)


def course_run(of: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    own = {"_id": ObjectId(), "courseId": of["_id"], "startsAt": T0}
    return complete("courseRuns", own | fields)


def student(name: str | None = None, **fields: Any) -> dict[str, Any]:
    own = {"_id": ObjectId(), "name": name or f"Student {next(_number)}"}
    return complete("students", own | fields)


def account(name: str = "Ada", **fields: Any) -> dict[str, Any]:
    own = {
        "_id": ObjectId(), "email": f"{name.lower()}@example.org", "name": name, "passwordHash": None,
        "roles": [], "studentId": None, "instructorId": None, "createdAt": T0, "signUpKey": None,
        "reset": None,
    }  # fmt: skip
    return complete("accounts", own | fields)


def review(
    of: Mapping[str, Any], by: Mapping[str, Any] | None = None, n: int | None = None, **fields: Any
) -> dict[str, Any]:
    number = next(_number) if n is None else n
    own = {
        "_id": ObjectId(),
        "courseId": of["_id"],
        "studentId": by["_id"] if by else None,
        "body": f"Review {number}",
        "rating": number % 5 + 1,
        "createdAt": T0 + number * DAY,
        "externalId": {"source": "test", "id": str(ObjectId())},
    }
    return complete("reviews", own | fields)


def enrollment(of: Mapping[str, Any], by: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    own = {"_id": ObjectId(), "courseId": of["_id"], "studentId": by["_id"], "enrolledAt": T0}
    return complete("enrollments", own | fields)


def outdated(collection: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with other derived values than this version computes: none of them has anything in it."""
    return {**document, **{name: type(document[name])() for name in COLLECTIONS[collection].derived}}


async def store(database: Database, **collections: list[dict[str, Any]]) -> None:
    """Inserts documents unchanged, except for `newestReviewIds`, which is computed from all reviews."""
    for name, documents in collections.items():
        await database[name].insert_many(documents)
    await list_newest(database)


async def list_newest(database: Database) -> None:
    """Sets every `newestReviewIds` from the reviews."""
    for collection, field in CARRIERS.items():
        parents = await database[collection].distinct("_id")
        lists = zip(parents, await ids_by_parent(database, field, parents), strict=True)
        if updates := [
            UpdateOne({"_id": p}, {"$set": {"newestReviewIds": pack_ids(ids)}}) for p, ids in lists
        ]:
            await database[collection].bulk_write(updates)


async def clear(database: Database) -> None:
    # Nobody may write to system.profile, which an operation can make again that outlives the profiling.
    own = {"name": {"$not": {"$regex": r"^system\."}}}
    for name in await database.driver.list_collection_names(filter=own):
        await database[name].delete_many({})
