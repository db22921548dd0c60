"""Reads everything that is stored about a person, for a copy that they can have."""

from collections.abc import AsyncIterator, Mapping

from bson import MaxKey, ObjectId

from loaders.accounts import by_student
from loaders.collections import COLLECTIONS
from loaders.model import StudentDoc
from loaders.mongo import Database, Document, Filter, Transaction, find, transaction
from loaders.people.addresses import addresses
from loaders.people.erased_person import with_merged

_BATCH = 500
#: Fields that prove who somebody is, that only the gateway needs, or that are for moderators.
_SECRET = {
    "reviews": {"flagCount", "flagRound"},
    "accounts": {"passwordHash", "reset", "signUpKey"},
    "accountTokens": {"_id"},
    "sessions": {"generation", "refreshKey", "branches", "used"},
    "idempotencyKeys": {"digest"},
    "devMail": {"link", "plain", "html"},
}


async def person_rows(database: Database, student_id: ObjectId) -> AsyncIterator[tuple[str, Document]]:
    """Yields all documents about a student and their account, each with its collection."""

    async def places(tx: Transaction) -> Mapping[str, Filter]:
        return await _places(tx, student_id)

    for collection, query in (await transaction(database, places)).items():
        row = COLLECTIONS[collection]
        hidden = row.secret | row.derived | {"newestReviewIds", "revision"} | _SECRET.get(collection, set())
        last: Filter = {}
        while batch := await find(
            database[collection], {"$and": [query, last]}, size=_BATCH, limit=_BATCH, sort=[("_id", 1)]
        ):
            for document in batch:
                yield collection, {name: value for name, value in document.items() if name not in hidden}
            last = {"_id": {"$gt": batch[-1]["_id"]}}


async def _places(tx: Transaction, student_id: ObjectId) -> Mapping[str, Filter]:
    """Returns where documents about a person are: a filter for each collection."""
    student: StudentDoc | None = await tx.get("students", student_id)
    account = await by_student(tx, student_id)
    account_id = account["_id"] if account else None
    students = await with_merged(tx, student_id)
    people = [*students, *([account_id] if account_id else [])]
    to = {"$in": await addresses(tx, student, account, people)}
    theirs, subject = {"$in": students}, str(account_id)
    own_keys = {"_id": {"$gte": {"viewer": subject, "key": ""}, "$lt": {"viewer": subject, "key": MaxKey()}}}
    return {
        "students": {"_id": student_id},
        "enrollments": {"studentId": theirs},
        "reviews": {"studentId": theirs},
        "votes": {"_id.studentId": theirs},
        "flags": {"$or": [{"studentId": theirs}, {"_id.subject": subject}]},
        "wishlists": {"_id": theirs},
        "accounts": {"_id": account_id},
        "accountTokens": {"accountId": account_id},
        "sessions": {"accountId": account_id},
        "outbox": {"$or": [{"people": {"$in": people}}, {"to": to}]},
        "devMail": {"address": to},
        "idempotencyKeys": {"$or": [{"studentId": theirs}, own_keys]},
        "auditLog": {
            "$or": [
                {"changes.documentId": {"$in": [str(one) for one in people]}},
                {"actor.studentId": theirs},
                {"actor.subject": subject},
            ]
        },
    }
