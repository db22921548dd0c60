"""Checks on what is left of people who were erased. Each yields a complaint for each violation."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from loaders.model import ERASED_STUDENT
from loaders.mongo import Database, StaleTransactions
from loaders.people import finish_erasures
from tests.storm.acknowledged import Expected, erased_marks, expected_state
from tests.storm.log import Log
from tests.storm.marks import marks
from tests.storm.world import IMPORT

_Json: TypeAlias = Any  # a field of a BSON document, or a whole one

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: What must be null in the profile of a student who was erased.
_PROFILE = ("email", "bio", "avatarUrl", "country", "joinedAt", "externalId")


async def repeat(database: Database) -> None:
    """Does at once what a gateway would do two minutes after each erasure: the same for a second time.

    No gateway may be running. The open transactions of those that were killed are aborted first.
    """
    stale = StaleTransactions(database)
    for _ in range(2):
        await stale.end(idle=0)
    await database["erasures"].update_many({"isRepeated": True}, {"$set": {"since": _EPOCH}})
    await finish_erasures(database, "recount")


async def unfinished(database: Database, state: Expected) -> AsyncIterator[str]:
    """Who was erased has no profile any more, no account, and nothing that belongs to one."""
    for erasure in await _all(database, "erasures"):
        yield f"{erasure} is unfinished"
    students = {student["_id"]: student for student in await _all(database, "students")}
    for student in state.erased ^ {key for key, one in students.items() if one.get("erasedAt")}:
        yield f"student {student} is {'' if student in state.erased else 'not '}to be erased"
    for student in state.erased:
        found = students[student]
        if found["name"] != ERASED_STUDENT or any(found.get(name) is not None for name in _PROFILE):
            yield f"student {student} is erased, but has {found}"
    accounts = {account["_id"] for account in await _all(database, "accounts")}
    for collection in ("sessions", "accountTokens"):
        for one in await _all(database, collection):
            if one["accountId"] not in accounts:
                yield f"{collection}: {one} belongs to no account"
    gone = {subject for student in state.erased for subject in state.subjects[student]}
    for entry in await _all(database, "idempotencyKeys"):
        if entry["_id"]["viewer"] in gone:
            yield f"{entry} belongs to somebody who is erased"
    begun = Counter[str]()
    for entry in await _all(database, "auditLog", {"changes.after.erasedAt": {"$exists": True}}):
        begun.update(c["documentId"] for c in entry["changes"] if "erasedAt" in (c["after"] or {}))
    for student in state.erased:
        if begun[str(student)] != 1:
            yield f"student {student} was erased {begun[str(student)]} times"


async def kept(database: Database, log: Log, state: Expected) -> AsyncIterator[str]:
    """The marks of who was erased are nowhere."""
    gone = erased_marks(state, log.people)
    for name in await database.driver.list_collection_names():
        for document in await _all(database, name):
            # An imported student whom nobody has claimed has the same address. The owner of a deleted account
            # gets a message, whose address is there until it has been sent.
            if name == "students" and (document.get("externalId") or {}).get("source") == IMPORT:
                continue
            if document.get("kind") == "message.account_deleted" and document["state"] != "SENT":
                continue
            if name in ("reviews", "idempotencyKeys") and _reviewer(document) in state.anonymous:
                continue
            for mark in sorted(marks(document) & gone):
                yield f"{mark} is erased, but in {name}: {document}"


def _reviewer(document: _Json) -> _Json:
    """The student who wrote a review, or the one in a mutation's answer."""
    review = (document.get("answer") or {}).get("review") or document
    return review.get("studentId")


def log_complaints(text: str, log: Log) -> list[str]:
    """The marks of who was erased are not in the gateway's log either."""
    found = marks(text) & erased_marks(expected_state(log.acks), log.people)
    return [f"{mark} is erased, but in the gateway's log" for mark in sorted(found)]


async def _all(database: Database, collection: str, query: Mapping[str, _Json] | None = None) -> list[_Json]:
    return await database[collection].find(query or {}).to_list(None)
