"""Erases people: what they have written about themselves is found nowhere afterwards.

The first transaction takes the profile, the account, the sessions and the links. The rest can be more than
one transaction may write. A document of `erasures` stands for what is left to do, and has only ids in it, so
that an interrupted erasure can be continued.

A write of the person that had begun before the first transaction doesn't see it, and can be committed after
everything was erased. Later ones find no session. So everything is erased twice: the second time, by any
gateway, when MongoDB must have ended all transactions that had begun before.

The table `PLACES` names each collection with data of a person. A test fails for a collection that is neither
there nor in `NOBODYS`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from bson import ObjectId

import loaders.audit
from loaders import outbox
from loaders.accounts import by_student, require_other_staff
from loaders.collections import derived
from loaders.model import AccountDoc, ActorDoc, ErasureDoc, StudentDoc
from loaders.mongo import Change, Database, Fields, Filter, Transaction, aggregate, count, transaction
from loaders.people.addresses import addresses
from loaders.people.audit_erasure import clear_audit_log
from loaders.people.erased_person import BLANK_PROFILE, ErasedPerson, with_merged
from loaders.people.erasure_steps import (
    delete_messages,
    delete_wishlist,
    empty_reviews,
    finish_merge,
    forget_keys,
    give_up_places,
    withdraw_flags,
)
from loaders.reading import fit_read

#: Seconds between the two times, by MongoDB's clock. MongoDB ends transactions after
#: `transactionLifetimeLimitSeconds`, a minute by default, and looks for them every 30 seconds.
AGAIN_AFTER = 120
_OVERDUE = 900  # seconds after which the second time is so late that no gateway can be running

_MOST_SENDING = 1_000  # messages to a person that are being sent at once

_FIRST_TIME: Filter = {"isRepeated": {"$ne": True}}

#: Erases a batch of documents. Returns whether there may be more.
Step: TypeAlias = Callable[[Transaction, ErasedPerson], Awaitable[bool]]


async def erase_student(tx: Transaction, student: StudentDoc, *, again: bool = False) -> None:
    """Begins to erase a student, with their account. `erasure_step` does the rest.

    A student who was erased before is erased again only if that was by `delete_account`, which leaves what
    their reviews say.

    again: whether to begin in any case.

    Raises LastStaffError if the account is the last of staff.
    """
    account = await by_student(tx, student["_id"])
    if again or not student.get("erasedAt") or student.get("keepsReviews"):
        await _begin(tx, student, account, keeps_reviews=False)


async def delete_account(tx: Transaction, account: AccountDoc) -> None:
    """Begins to delete an account, and to erase its student. What their reviews say stays.

    Raises LastStaffError if the account is the last of staff.
    """
    own: StudentDoc | None = await tx.get("students", account["studentId"]) if account["studentId"] else None
    await _begin(tx, own, account, keeps_reviews=True)


async def erasure_step(tx: Transaction, id: ObjectId) -> bool:
    """Does the next part of an erasure, for the first time. Returns False if nothing is left to do.

    id: of the student or account.
    """
    return await _step(tx, {"$or": [{"studentId": id}, {"accountId": id}], **_FIRST_TIME})


async def unfinished_erasures(database: Database) -> int:
    """Counts the erasures that are under way or were interrupted, and those that no gateway has repeated."""
    return await count(database["erasures"], {"$or": [_FIRST_TIME, _since(_OVERDUE)]})


async def finish_erasures(database: Database, action: str) -> None:
    """Finishes all erasures that have begun, and repeats those that are due.

    action: the name of the command, for the audit log.
    """
    query = {"$or": [_FIRST_TIME, _since(AGAIN_AFTER)]}
    while await transaction(database, partial(_audited_step, query, action, loaders.audit.OPERATOR)):
        pass


async def due_erasure_step(database: Database) -> bool:
    """Does the next part of an erasure that is due: for the second time, or because it was interrupted.

    Returns False if there is none. Chooses one at random, so that an erasure that always fails holds up no
    other.
    """
    due = _since(AGAIN_AFTER)
    found = await aggregate(
        database["erasures"], [{"$match": due}, {"$project": {"_id": 1}}, {"$sample": {"size": 1}}], size=1
    )
    if not found:
        return False
    query = {**due, "_id": found[0]["_id"]}
    return await transaction(database, partial(_audited_step, query, "erasure", loaders.audit.GATEWAY))


def _since(seconds: int) -> Filter:
    """Returns a filter for erasures whose first or second time began before that."""
    return {"$expr": {"$lte": ["$since", {"$subtract": ["$$NOW", seconds * 1000]}]}}


async def _audited_step(query: Filter, action: str, actor: ActorDoc, tx: Transaction) -> bool:
    tx.fit = fit_read
    has_more = await _step(tx, query)
    if tx.changes:
        await loaders.audit.record(tx, action, actor, "")
    return has_more


async def _step(tx: Transaction, query: Filter) -> bool:
    erasure: ErasureDoc | None = await tx.find_one("erasures", query)
    if erasure is None:
        return False
    student_id = erasure["studentId"]
    person = ErasedPerson(erasure, await with_merged(tx, student_id) if student_id else ())
    for step in PLACES.values():
        if step and await step(tx, person):
            return True
    if erasure["isRepeated"]:
        await tx.delete_all("erasures", {"_id": erasure["_id"]})
    else:
        await _store(tx, {**erasure, "isRepeated": True})
    return True


async def _store(tx: Transaction, erasure: Fields) -> None:
    """Stores an erasure that begins now, for the first or the second time."""
    kept = {name: value for name, value in erasure.items() if name not in ("since", "clearedTo")}
    if erasure["isRepeated"]:
        await tx.delete_all("erasures", {"_id": erasure["_id"]})
    await tx.insert_missing("erasures", [kept], stamped="since")


async def _begin(
    tx: Transaction, student: StudentDoc | None, account: AccountDoc | None, *, keeps_reviews: bool
) -> None:
    if account:
        await require_other_staff(tx, account)
    students = await with_merged(tx, student["_id"]) if student else []
    ids = [*students, *([account["_id"]] if account else [])]
    sending = await _erase_messages(tx, ids, await addresses(tx, student, account, ids))
    erasure = {
        "_id": ObjectId(), "studentId": student and student["_id"], "accountId": account and account["_id"],
        "messageIds": sending, "keepsReviews": keeps_reviews, "isRepeated": False,
    }  # fmt: skip
    await _store(tx, erasure)
    if student:
        blank = {
            **BLANK_PROFILE,
            **derived("students", BLANK_PROFILE),
            "erasedAt": tx.now,
            "keepsReviews": keeps_reviews,
        }
        await tx.set("students", {"_id": student["_id"]}, blank)
        # Not by `patch`, because the audit log must not have what was erased.
        tx.changes.append(
            Change("students", student["_id"], {"erasedAt": student.get("erasedAt")}, {"erasedAt": tx.now})
        )
    if account:
        await tx.delete_all("sessions", {"accountId": account["_id"]})
        await tx.delete_all("accountTokens", {"accountId": account["_id"]})
        await tx.delete_all("accounts", {"_id": account["_id"]})
        tx.changes.append(
            Change("accounts", account["_id"], {"status": account.get("status", "ACTIVE")}, None)
        )
        # The account's language, because the account is gone when the message is sent.
        message = outbox.Message("account_deleted", to=account["email"], language=account.get("language"))
        outbox.send(tx, message)


async def _erase_messages(tx: Transaction, ids: Sequence[ObjectId], to: Sequence[str]) -> Sequence[ObjectId]:
    """Deletes the messages to a person, in whatever state. Nothing waits for a message.

    Returns the ids of those that are being sent, and might be kept for /dev/mail a moment later.
    """
    mine = {"destination": outbox.MAIL, "$or": [{"people": {"$in": ids}}, {"to": {"$in": to}}]}
    sending = await tx.find(
        "outbox", {**mine, "claim": {"$ne": None}},
        size=_MOST_SENDING, limit=_MOST_SENDING, projection={"_id": 1},
    )  # fmt: skip
    await tx.delete_all("outbox", mine)
    await tx.delete_all("devMail", {"address": {"$in": to}})
    return [one["_id"] for one in sending]


#: The collections that hold data of people, in the order in which they are erased. None: the first
#: transaction erases it (`_begin`), or what it holds are ids, numbers and times only.
#:
#: What only the first transaction erases can't be written later: whatever writes a profile or an account, or
#: begins a session or a link, also writes a document that the first transaction writes.
PLACES: Mapping[str, Step | None] = {
    "accounts": None,
    "sessions": None,
    "accountTokens": None,
    "students": finish_merge,
    "wishlists": delete_wishlist,
    "outbox": delete_messages,
    "devMail": None,  # with the outbox
    "votes": None,
    "enrollments": give_up_places,
    "reviews": empty_reviews,
    "flags": withdraw_flags,
    "idempotencyKeys": forget_keys,
    "auditLog": clear_audit_log,
    "erasures": None,
}

#: The collections that hold nobody's data. Attempts and budgets have digests of addresses only, and the
#: profile of an instructor is part of the catalogue.
NOBODYS = frozenset(
    (
        "attempts", "budgets", "categories", "courseRuns", "courses", "importedDocuments", "imports",
        "instructors", "migrations", "outboxSequences", "persistedOperations", "restores", "sampleData",
        "trustedOperations", "trustedRevision", "trustedVersions", "unknownOperations",
    )
)  # fmt: skip
