"""Reads everything that is stored about a person, for a copy that they can have."""

from collections.abc import AsyncIterator, Container, Mapping

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
    """Yields all documents about a student and their account, each with its collection.

    The audit log comes last. An entry can be about several people, or by others: it has a network address
    only if the person was the actor, and no values of other people's documents.
    """

    async def find_places(tx: Transaction) -> tuple[Mapping[str, Filter], set[str]]:
        return await _places(tx, student_id)

    places, own = await transaction(database, find_places)
    for collection, query in places.items():
        row = COLLECTIONS[collection]
        hidden = row.secret | row.derived | {"newestReviewIds", "revision"} | _SECRET.get(collection, set())
        last: Filter = {}
        while batch := await find(
            database[collection], {"$and": [query, last]}, size=_BATCH, limit=_BATCH, sort=[("_id", 1)]
        ):
            for document in batch:
                shown = document
                if collection == "auditLog":
                    shown = _own_part(document, own, places)
                else:
                    own.add(str(document["_id"]))
                yield collection, {name: value for name, value in shown.items() if name not in hidden}
            last = {"_id": {"$gt": batch[-1]["_id"]}}


async def _places(tx: Transaction, student_id: ObjectId) -> tuple[Mapping[str, Filter], set[str]]:
    """Returns where documents about a person are: a filter for each collection, the audit log last.

    Also returns the ids of the person, as the audit log has them.
    """
    student: StudentDoc | None = await tx.get("students", student_id)
    account = await by_student(tx, student_id)
    account_id = account["_id"] if account else None
    students = await with_merged(tx, student_id)
    people = [*students, *([account_id] if account_id else [])]
    to = {"$in": await addresses(tx, student, account, people)}
    theirs, subject = {"$in": students}, str(account_id)
    own_keys = {"_id": {"$gte": {"viewer": subject, "key": ""}, "$lt": {"viewer": subject, "key": MaxKey()}}}
    places: Mapping[str, Filter] = {
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
    return places, {str(one) for one in people}


def _own_part(entry: Document, own: Container[str], personal: Container[str]) -> Document:
    """Returns what an audit entry says about a person.

    own: the ids of the person and of their documents. personal: the collections with documents of people.
    """
    actor = entry["actor"]
    is_by_them = actor["subject"] in own or str(actor["studentId"]) in own
    changes = [
        change if change["collection"] not in personal or _is_about(change, own) else _without_values(change)
        for change in entry["changes"]
    ]
    return {**entry, "address": entry["address"] if is_by_them else "", "changes": changes}


def _is_about(change: Document, own: Container[str]) -> bool:
    owners = [(change[side] or {}).get("studentId") for side in ("before", "after")]
    return change["documentId"] in own or any(str(owner) in own for owner in owners)


def _without_values(change: Document) -> Document:
    return {**change, "before": None, "after": None}
