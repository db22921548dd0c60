"""Finds or creates the students and instructors who sign in through an external issuer.

These people are identified by their external ids.
"""

from collections.abc import Awaitable

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from loaders.collections import complete
from loaders.model import Document
from loaders.mongo import Collection, Database, now, send


async def student_of(database: Database, source: str, external_id: str, name: str | None) -> ObjectId:
    """Returns the `_id` of the student with the given external id. Creates the student if necessary."""
    new = complete("students", {"joinedAt": now(), **({"name": name[:200]} if name else {})})
    return await _find_or_create(database, "students", source, external_id, new)


async def instructor_of(database: Database, source: str, external_id: str, name: str | None) -> ObjectId:
    """Returns the `_id` of the instructor with the given external id. Creates the instructor if necessary."""
    new = {"name": (name or "Instructor")[:200], "headline": None}
    return await _find_or_create(database, "instructors", source, external_id, new)


async def _find_or_create(
    database: Database, collection: str, source: str, external_id: str, new: Document
) -> ObjectId:
    """Returns the `_id` of the document with the given external id. Creates the document if necessary.

    Two concurrent requests get the same document: the request that loses the race retries and finds it.
    """
    query = {"externalId.source": {"$eq": source}, "externalId.id": {"$eq": external_id}}

    def upsert(own: Collection) -> Awaitable[Document | None]:
        return own.find_one_and_update(
            query,
            {"$setOnInsert": new},
            projection={"_id": 1},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )

    try:
        document = await send(database[collection], "findAndModify", upsert)
    except DuplicateKeyError:
        document = await send(database[collection], "findAndModify", upsert)
    object_id: ObjectId = document["_id"]
    return object_id
