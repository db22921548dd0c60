"""Finds or creates the students and instructors who sign in through an external issuer.

These people are identified by their external ids.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from bson import ObjectId

from loaders import audit
from loaders.accounts.roles import ANONYMOUS_INSTRUCTOR
from loaders.collections import complete
from loaders.model import ActorDoc, Document
from loaders.mongo import Database, Filter, Transaction, find_one, now, transaction


class ExternalPerson(NamedTuple):
    """A person who signs in through an external issuer, as described by their token.

    source, id: their external id. subject: "issuer|sub". address: the network address of their request.
    """

    source: str
    id: str
    name: str | None
    subject: str
    roles: Collection[str]
    address: str


async def student_of(database: Database, person: ExternalPerson) -> ObjectId:
    """Returns the `_id` of a person's student. Creates the student if necessary."""
    named = {"name": person.name[:200]} if person.name else {}
    return await _find_or_create(database, "students", person, {"joinedAt": now(), **named})


async def instructor_of(database: Database, person: ExternalPerson) -> ObjectId:
    """Returns the `_id` of a person's instructor. Creates the instructor if necessary."""
    name = (person.name or ANONYMOUS_INSTRUCTOR)[:200]
    return await _find_or_create(database, "instructors", person, {"name": name})


async def _find_or_create(
    database: Database, collection: str, person: ExternalPerson, fields: Document
) -> ObjectId:
    """Returns the `_id` of the document with a person's external id. Creates the document if necessary.

    Two concurrent requests get the same document: the transaction that loses the race is
    retried, and finds it.
    """
    query: Filter = {"externalId.source": {"$eq": person.source}, "externalId.id": {"$eq": person.id}}

    async def work(tx: Transaction) -> ObjectId:
        if found := await tx.find_one(collection, query, projection={"_id": 1}):
            return _id(found)
        external_id = {"source": person.source, "id": person.id}
        new = await tx.insert(collection, complete(collection, {**fields, "externalId": external_id}))
        await audit.record(tx, "external sign-in", _actor(person, collection, new["_id"]), person.address)
        return _id(new)

    found = await find_one(database[collection], query, projection={"_id": 1})
    return _id(found) if found else await transaction(database, work)


def _actor(person: ExternalPerson, collection: str, id: ObjectId) -> ActorDoc:
    roles: Any = sorted(person.roles)  # Any, because these roles are strings, but ActorDoc needs Literals
    return {
        "subject": person.subject,
        "roles": roles,
        "studentId": id if collection == "students" else None,
        "instructorId": id if collection == "instructors" else None,
    }


def _id(document: Document) -> ObjectId:
    found: ObjectId = document["_id"]
    return found
