"""Students and instructors of an external issuer, by their external ids."""

from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from loaders.collections import complete
from loaders.mongo import Database, now, send


async def student_of(database: Database, source: str, external_id: str, name: str | None) -> ObjectId:
    """The student with an external id; one who isn't there yet is added."""
    new = complete("students", {"joinedAt": now(), **({"name": name[:200]} if name else {})})
    return await _of(database, "students", source, external_id, new)


async def instructor_of(database: Database, source: str, external_id: str, name: str | None) -> ObjectId:
    """The instructor with an external id; one who isn't there yet is added."""
    new = {"name": (name or "Instructor")[:200], "headline": None}
    return await _of(database, "instructors", source, external_id, new)


async def _of(
    database: Database, collection: str, source: str, external_id: str, new: dict[str, Any]
) -> ObjectId:
    """Of two requests at once, both find the one that was added."""
    query = {"externalId.source": {"$eq": source}, "externalId.id": {"$eq": external_id}}

    def added(own: Any) -> Any:
        return own.find_one_and_update(
            query,
            {"$setOnInsert": new},
            projection={"_id": 1},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )

    try:
        found = await send(database[collection], "findAndModify", added)
    except DuplicateKeyError:
        found = await send(database[collection], "findAndModify", added)
    known: ObjectId = found["_id"]
    return known
