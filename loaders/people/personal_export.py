"""Reads everything that is stored about a person, for a copy that they can have."""

from collections.abc import AsyncIterator

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.mongo import Database, Document, Filter, find, find_one

_BATCH = 500
#: Fields that prove who somebody is, that only the gateway needs, or that are for moderators.
_SECRET = {
    "reviews": {"flagCount", "flagRound"},
    "accounts": {"passwordHash", "reset", "signUpKey"},
    "sessions": {"generation", "refreshKey", "branches", "used"},
}


async def person_rows(database: Database, student_id: ObjectId) -> AsyncIterator[tuple[str, Document]]:
    """Yields all documents about a student and their account, each with its collection."""
    account = await find_one(database["accounts"], {"studentId": {"$eq": student_id}}, projection={"_id": 1})
    account_id = account["_id"] if account else None
    people = [one for one in (student_id, account_id) if one]
    about: Filter = {"$or": [
        {"changes.documentId": {"$in": [str(one) for one in people]}}, {"actor.studentId": student_id},
        *([{"actor.subject": str(account_id)}] if account_id else []),
    ]}  # fmt: skip
    places: dict[str, Filter] = {
        "students": {"_id": student_id},
        "enrollments": {"studentId": student_id},
        "reviews": {"studentId": student_id},
        "votes": {"_id.studentId": student_id},
        "flags": {"studentId": student_id},
        "wishlists": {"_id": student_id},
        **({"accounts": {"_id": account_id}, "sessions": {"accountId": account_id}} if account_id else {}),
        "outbox": {"people": {"$in": people}},
        "auditLog": about,
    }
    for collection, query in places.items():
        row = COLLECTIONS[collection]
        hidden = row.secret | row.derived | {"newestReviewIds", "revision"} | _SECRET.get(collection, set())
        last: Filter = {}
        while batch := await find(
            database[collection], {"$and": [query, last]}, size=_BATCH, limit=_BATCH, sort=[("_id", 1)]
        ):
            for document in batch:
                yield collection, {name: value for name, value in document.items() if name not in hidden}
            last = {"_id": {"$gt": batch[-1]["_id"]}}
