"""Merging two students who are the same person.

One student stays, and everything of the other moves there: enrolments, reviews, votes, flags, the wishlist.
That takes several transactions. Until the last one deletes the student who is left with nothing, `mergedInto`
names the one who stays, so that an interrupted merge can be continued.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import cast

from bson import ObjectId

import loaders.audit
import loaders.student
from loaders import accounts, enrollment, outbox, review_flags, review_writes
from loaders.model import (
    ANONYMOUS_STUDENT,
    LIVE_ENROLLMENTS,
    CourseDoc,
    EnrollmentDoc,
    ReviewDoc,
    StudentDoc,
    is_counted,
    pack_ids,
)
from loaders.mongo import Database, Document, Filter, Transaction, count, transaction
from loaders.reading import fit_read
from loaders.recounting import ids_by_parent

#: The number of documents that one transaction moves.
MOST_MOVED = 500
_MOST_READ = 10_000
_MOST_WAITING = 10  # students who are being merged into another one at the same time

_UNFINISHED: Filter = {"mergedInto": {"$exists": True}}
_PROFILE = ("name", "avatarUrl", "country", "bio")


async def begin_merge(tx: Transaction, stays: StudentDoc, goes: StudentDoc) -> None:
    """Begins a merge: moves the external id and what the profile lacks. `merge_step` does the rest.

    The one who goes has no address any more, so messages that wait for them go to the one who stays. Whoever
    is still being merged into the one who goes is merged into the one who stays instead.
    """
    own, theirs = cast("Document", stays), cast("Document", goes)
    empty = [name for name in _PROFILE if own[name] in (None, "", ANONYMOUS_STUDENT)]
    fields = {name: theirs[name] for name in empty if theirs[name]}
    marked: Document = {"mergedInto": stays["_id"], "email": None}
    if external := goes.get("externalId"):
        fields["externalId"], marked["externalId"] = external, None
    await tx.patch("students", goes, **marked)
    await outbox.readdress(tx, goes["_id"], stays["_id"])
    waiting = await tx.find("students", {"mergedInto": goes["_id"]}, size=_MOST_WAITING)
    if waiting:
        await tx.patch_all("students", waiting, mergedInto=stays["_id"])
    await loaders.student.change(tx, stays, **fields)
    if "name" in fields:
        await accounts.rename(tx, stays["_id"], fields["name"])


async def merge_step(tx: Transaction, stays_id: ObjectId) -> bool:
    """Moves what one transaction can, of a student who is being merged into this one.

    Returns False if there is no such student, which means that nothing is left to do.
    """
    goes: StudentDoc | None = await tx.find_one("students", {"mergedInto": stays_id})
    if goes is None:
        return False
    await tx.hold("students", goes["_id"])  # so that `begin_merge` can't give them another one to merge into
    left = MOST_MOVED
    for move in (_move_enrollments, _move_reviews, _move_votes, _move_flags):
        left -= await move(tx, goes["_id"], stays_id, left)
        if left <= 0:
            return True
    await _move_wishes(tx, goes["_id"], stays_id)
    await tx.delete("students", goes)
    return True


async def unfinished_merges(database: Database) -> int:
    """Counts the merges that are under way, or were interrupted."""
    return await count(database["students"], _UNFINISHED)


async def finish_merges(database: Database, action: str) -> int:
    """Finishes all merges that have been begun. Returns their number.

    action: the name of the command that does it, for the audit log.
    """
    number = 0
    while (stays_id := await transaction(database, _interrupted)) is not None:
        number += 1
        while await transaction(database, partial(_audited_step, stays_id=stays_id, action=action)):
            pass
    return number


async def _audited_step(tx: Transaction, stays_id: ObjectId, action: str) -> bool:
    tx.fit = fit_read
    has_more = await merge_step(tx, stays_id)
    if tx.changes:
        await loaders.audit.record(tx, action, loaders.audit.OPERATOR, "")
    return has_more


async def _interrupted(tx: Transaction) -> ObjectId | None:
    """Returns a student into whom another one is being merged, or None."""
    goes: StudentDoc | None = await tx.find_one("students", _UNFINISHED)
    return goes["mergedInto"] if goes else None


# -- enrolments -------------------------------------------------------------------------------------------


async def _move_enrollments(tx: Transaction, goes: ObjectId, stays: ObjectId, most: int) -> int:
    """Moves up to `most` enrolments, and returns how many. Updates the courses' numbers of students."""
    moving: list[EnrollmentDoc] = await tx.find("enrollments", {"studentId": goes}, size=most, limit=most)
    if not moving:
        return 0
    courses = list({one["courseId"] for one in moving})
    both = {"studentId": {"$in": [goes, stays]}, "courseId": {"$in": courses}}
    moving = await _without_duplicates(tx, moving, await tx.find("enrollments", both, size=_MOST_READ), stays)
    before = _students(await tx.find("enrollments", both, size=_MOST_READ))
    await tx.patch_all("enrollments", moving, studentId=stays)
    after = _students(await tx.find("enrollments", both, size=_MOST_READ))
    # Courses whose number stays the same are held too, so that a concurrent enrolment is not counted twice.
    found: list[CourseDoc] = await tx.find("courses", {"_id": {"$in": courses}}, size=len(courses))
    counts = {own["_id"]: own["studentCount"] + after[own["_id"]] - before[own["_id"]] for own in found}
    await tx.hold_all("courses", [(key, {"studentCount": count}) for key, count in counts.items()])
    return len(moving)


async def _without_duplicates(
    tx: Transaction, moving: Sequence[EnrollmentDoc], both: Sequence[EnrollmentDoc], stays: ObjectId
) -> list[EnrollmentDoc]:
    """Cancels those enrolments for whose course the student who stays has a live one. Returns all.

    Imported enrolments are exempt, because a student can have several of them in a course.
    """
    own = {one["courseId"] for one in both if one["studentId"] == stays and _is_live(one)}
    return [
        await enrollment.change(tx, one, status="CANCELLED", cancelledAt=tx.now)
        if _is_live(one) and one["courseId"] in own
        else one
        for one in moving
    ]


def _is_live(one: EnrollmentDoc) -> bool:
    return not one.get("externalId") and one["status"] in LIVE_ENROLLMENTS


def _students(enrollments: Sequence[EnrollmentDoc]) -> Counter[ObjectId]:
    """Counts the students of each course."""
    counted = {(one["courseId"], one["studentId"]) for one in enrollments if is_counted(one["status"])}
    return Counter(course_id for course_id, _ in counted)


# -- reviews and votes ------------------------------------------------------------------------------------


async def _move_reviews(tx: Transaction, goes: ObjectId, stays: ObjectId, most: int) -> int:
    """Moves up to `most` reviews, and returns how many.

    A review of a course that the student who stays has reviewed too is deleted, unless it was imported.
    Nobody votes for their own review, so votes of the student who stays are withdrawn.
    """
    found: list[ReviewDoc] = await tx.find("reviews", {"studentId": goes}, size=most, limit=most)
    if not found:
        return 0
    courses = [one["courseId"] for one in found if not one.get("externalId")]
    own = {"studentId": stays, "courseId": {"$in": courses}, "externalId": None}
    reviewed = {one["courseId"] for one in await tx.find("reviews", own, size=len(courses) + 1)}
    moving = []
    for one in found:
        if not one.get("externalId") and one["courseId"] in reviewed:
            await review_writes.delete(tx, one)
            while await review_writes.delete_votes(tx, one["_id"]):
                pass
            while await review_flags.delete_flags(tx, one["_id"]):
                pass
        else:
            moving.append(await review_writes.vote(tx, one, stays, helpful=False))
    await tx.patch_all("reviews", moving, studentId=stays)
    await _list_newest(tx, [goes, stays])
    return len(found)


async def _list_newest(tx: Transaction, students: Sequence[ObjectId]) -> None:
    listed = await ids_by_parent(tx.database, "studentId", students, tx.session)
    fields = [{"newestReviewIds": pack_ids(ids)} for ids in listed]
    await tx.hold_all("students", zip(students, fields, strict=True))


async def _move_votes(tx: Transaction, goes: ObjectId, stays: ObjectId, most: int) -> int:
    """Moves up to `most` votes, and returns how many. Two votes for a review become one."""
    votes = await tx.find("votes", {"_id.studentId": goes}, size=most, limit=most)
    keys = [vote["_id"]["reviewId"] for vote in votes]
    reviews: list[ReviewDoc] = await tx.find("reviews", {"_id": {"$in": keys}}, size=len(keys) + 1)
    theirs = [_key(review_id, stays) for review_id in keys]
    voted = await tx.find("votes", {"_id": {"$in": theirs}}, size=len(keys) + 1)
    taken = {vote["_id"]["reviewId"] for vote in voted}
    taken |= {one["_id"] for one in reviews if one["studentId"] == stays}
    for one in reviews:
        if one["_id"] in taken:
            await review_writes.vote(tx, one, goes, helpful=False)
    kept = [one["_id"] for one in reviews if one["_id"] not in taken]
    if keys:
        await tx.delete_all("votes", {"_id": {"$in": [_key(review_id, goes) for review_id in keys]}})
    if kept:
        await tx.insert_all("votes", [{"_id": _key(review_id, stays)} for review_id in kept])
    return len(votes)


async def _move_flags(tx: Transaction, goes: ObjectId, stays: ObjectId, most: int) -> int:
    """Moves up to `most` flags, and returns how many. Each keeps the account that it was made with."""
    flags = await tx.find("flags", {"studentId": goes}, size=most, limit=most)
    await tx.patch_all("flags", flags, studentId=stays)
    return len(flags)


def _key(review_id: ObjectId, student_id: ObjectId) -> Filter:
    return {"reviewId": review_id, "studentId": student_id}


async def _move_wishes(tx: Transaction, goes: ObjectId, stays: ObjectId) -> None:
    if await tx.get("wishlists", goes) is None:
        return
    theirs, own = await loaders.student.wishlist(tx, goes), await loaders.student.wishlist(tx, stays)
    wished = {wish["courseId"] for wish in own["courses"]}
    more = [wish for wish in theirs["courses"] if wish["courseId"] not in wished]
    courses = [*own["courses"], *more][: loaders.student.MOST_WISHES]
    await tx.put("wishlists", {"_id": stays, "courses": courses})
    await tx.delete_all("wishlists", {"_id": goes})
