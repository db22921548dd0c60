"""What several transactions erase, a batch at a time. loaders.people.erasure has the order.

A step returns whether there may be more. A step that changes what the audit log records returns True, so that
the log is cleared of these changes too, in a later transaction.
"""

from typing import Any

from bson import MaxKey

from loaders import enrollment, outbox, review_flags
from loaders.collections import derived
from loaders.model import LIVE_ENROLLMENTS
from loaders.mongo import Filter, Transaction
from loaders.people.erased_person import BLANK_PROFILE, BLANK_REVIEW, ErasedPerson
from loaders.people.merging import merge_step

#: The number of documents that one transaction erases.
MOST_ERASED = 200
_MOST_PLACES = 1  # enrolments that one transaction cancels: each can move a waitlist up


async def finish_merge(tx: Transaction, person: ErasedPerson) -> bool:
    """Does the next part of a merge into the student, so that nothing is moved to them later."""
    student_id = person.erasure["studentId"]
    return student_id is not None and await merge_step(tx, student_id)


async def delete_wishlist(tx: Transaction, person: ErasedPerson) -> bool:
    if person.student_ids:
        await tx.delete_all("wishlists", {"_id": {"$in": list(person.student_ids)}})
    return False


async def delete_messages(tx: Transaction, person: ErasedPerson) -> bool:
    """Deletes messages that name the person. Those to an address are gone since the first transaction.

    Events stay: they have ids and values of enums, and a receiver needs all of them in order.
    """
    await tx.delete_all("outbox", {"destination": outbox.MAIL, "people": {"$in": list(person.ids)}})
    if sending := person.erasure["messageIds"]:
        await tx.delete_all("devMail", {"_id": {"$in": sending}})
    return False


async def give_up_places(tx: Transaction, person: ErasedPerson) -> bool:
    """Cancels enrolments in runs that haven't started. The others stay, without a person."""
    is_live = {"studentId": {"$in": list(person.student_ids)}, "status": {"$in": list(LIVE_ENROLLMENTS)}}
    joined = {"from": "courseRuns", "localField": "runId", "foreignField": "_id", "as": "run"}
    found = await tx.aggregate(
        "enrollments",
        [
            {"$match": {**is_live, "runId": {"$ne": None}}},
            {"$lookup": joined},
            {"$match": {"run.startsAt": {"$gt": tx.now}}},
            {"$limit": _MOST_PLACES},
            {"$project": {"_id": 1}},
        ],
        size=_MOST_PLACES,
    )
    if not found:
        return False
    places = {"_id": {"$in": [one["_id"] for one in found]}}
    for one in await tx.find("enrollments", places, size=len(found)):
        await enrollment.change(tx, one, status="CANCELLED", cancelledAt=tx.now)
    return True


async def empty_reviews(tx: Transaction, person: ErasedPerson) -> bool:
    """Removes what the person's reviews say. Stars, votes and replies stay."""
    if person.keeps_reviews:
        return False
    says_something: list[Filter] = [{name: {"$ne": value}} for name, value in BLANK_REVIEW.items()]
    query = {"studentId": {"$in": list(person.student_ids)}, "$or": says_something}
    ids = await _ids(tx, "reviews", query)
    if ids:
        await tx.set("reviews", {"_id": {"$in": ids}}, BLANK_REVIEW)
    return len(ids) == MOST_ERASED


async def withdraw_flags(tx: Transaction, person: ErasedPerson) -> bool:
    mine: list[Filter] = [{"studentId": {"$in": list(person.student_ids)}}]
    if person.account_id:
        mine.append({"_id.subject": str(person.account_id)})
    return await review_flags.withdraw(tx, {"$or": mine}, MOST_ERASED)


async def forget_keys(tx: Transaction, person: ErasedPerson) -> bool:
    """Deletes the person's idempotency keys, and takes them out of the answers to others."""
    own: list[Filter] = [{"studentId": {"$in": list(person.student_ids)}}]
    if person.account_id:
        viewer = str(person.account_id)
        first, last = {"viewer": viewer, "key": ""}, {"viewer": viewer, "key": MaxKey()}
        own.append({"_id": {"$gte": first, "$lt": last}})
    ids = await _ids(tx, "idempotencyKeys", {"$or": own})
    if ids:
        await tx.delete_all("idempotencyKeys", {"_id": {"$in": ids}})
    if len(ids) == MOST_ERASED:
        return True
    if person.account_id:
        await tx.set("idempotencyKeys", {"answer.account._id": person.account_id}, {"answer.account": None})
    theirs: Filter = {"$in": list(person.student_ids)}
    if person.student_ids:
        profile = {**BLANK_PROFILE, **derived("students", BLANK_PROFILE)}
        blank = {f"answer.student.{name}": value for name, value in profile.items()}
        await tx.set("idempotencyKeys", {"answer.student._id": theirs}, blank)
    if person.student_ids and not person.keeps_reviews:
        emptied = {f"answer.review.{name}": value for name, value in BLANK_REVIEW.items()}
        await tx.set("idempotencyKeys", {"answer.review.studentId": theirs}, emptied)
    return False


async def _ids(tx: Transaction, collection: str, query: Filter) -> list[Any]:  # Any: `_id`s of any type
    found = await tx.find(collection, query, size=MOST_ERASED, limit=MOST_ERASED, projection={"_id": 1})
    return [one["_id"] for one in found]
