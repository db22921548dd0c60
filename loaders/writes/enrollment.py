"""Enrolments, with what follows from them: seats, waitlists, the number of students."""

from typing import Any

from bson import ObjectId

from loaders.creation import complete, utc
from loaders.documents import (
    COUNTED_ENROLLMENTS,
    LIVE_ENROLLMENTS,
    SEATED_ENROLLMENTS,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    EnrollmentStatus,
)
from loaders.transactions import Transaction


async def live(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> EnrollmentDoc | None:
    """A student's place in a course, or on one of its waitlists."""
    return await _one(tx, student_id, course_id, LIVE_ENROLLMENTS)


async def counted(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> EnrollmentDoc | None:
    """What makes someone a student of a course, now or once."""
    return await _one(tx, student_id, course_id, COUNTED_ENROLLMENTS)


async def insert(
    tx: Transaction,
    course: CourseDoc,
    run: CourseRunDoc | None,
    student_id: ObjectId,
    status: EnrollmentStatus,
) -> EnrollmentDoc:
    """A new enrolment; of a run, with a seat or a place on its waitlist."""
    fields = {
        "courseId": course["_id"],
        "runId": run["_id"] if run else None,
        "studentId": student_id,
        "status": status,
        "enrolledAt": tx.now,
    }
    enrollment: Any = await tx.insert("enrollments", complete("enrollments", fields))
    await _follow(tx, enrollment, None)
    return enrollment  # type: ignore[no-any-return]


async def change(tx: Transaction, enrollment: EnrollmentDoc, **fields: Any) -> EnrollmentDoc:
    """An enrolment with other fields. A seat that it gives back goes to who waited longest."""
    changed: Any = await tx.patch("enrollments", dict(enrollment), **fields)
    await _follow(tx, changed, enrollment["status"])
    if changed["runId"]:
        await fill(tx, changed["runId"])
    return changed  # type: ignore[no-any-return]


async def fill(tx: Transaction, run_id: ObjectId) -> None:
    """Gives the free seats of a run to those on its waitlist, who came first first."""
    waiting = {"runId": run_id, "status": "WAITLISTED"}
    while True:
        run: CourseRunDoc = await tx.get("courseRuns", run_id)
        if not run["waitlistCount"] or is_full(run):
            return
        first = await tx.find_one("enrollments", waiting, sort=[("enrolledAt", 1), ("_id", 1)])
        moved: Any = await tx.patch("enrollments", first, status="ACTIVE", enrolledAt=tx.now)
        await _follow(tx, moved, "WAITLISTED")


def is_full(run: CourseRunDoc) -> bool:
    """Whether no seat is left."""
    return run["seats"] is not None and run["seatsTaken"] >= run["seats"]


async def set_seats_until(tx: Transaction, course_id: ObjectId) -> None:
    """Sets until when a course has seats, from its runs: the latest start of one with a seat left."""
    runs = await tx.find("courseRuns", {"courseId": course_id}, size=10_000)
    until = max((utc(run["startsAt"]) for run in runs if not is_full(run)), default=None)
    await tx.patch("courses", await tx.get("courses", course_id), seatsUntil=until)


async def _one(
    tx: Transaction, student_id: ObjectId, course_id: ObjectId, statuses: tuple[EnrollmentStatus, ...]
) -> EnrollmentDoc | None:
    query = {"studentId": student_id, "courseId": course_id, "status": {"$in": list(statuses)}}
    found: EnrollmentDoc | None = await tx.find_one("enrollments", query)
    return found


async def _follow(tx: Transaction, enrollment: EnrollmentDoc, before: EnrollmentStatus | None) -> None:
    """What a run and a course count, after an enrolment has come or has another status."""
    after = enrollment["status"]
    if after == before:
        return
    if enrollment["runId"]:
        await _follow_in_run(tx, enrollment["runId"], before, after)
    if (after in COUNTED_ENROLLMENTS) is not (before in COUNTED_ENROLLMENTS):
        await _follow_in_course(tx, enrollment)


async def _follow_in_run(
    tx: Transaction, run_id: ObjectId, before: EnrollmentStatus | None, after: EnrollmentStatus
) -> None:
    run: CourseRunDoc = await tx.get("courseRuns", run_id)
    taken = run["seatsTaken"] + (after in SEATED_ENROLLMENTS) - (before in SEATED_ENROLLMENTS)
    waiting = run["waitlistCount"] + (after == "WAITLISTED") - (before == "WAITLISTED")
    changed: Any = await tx.patch("courseRuns", dict(run), seatsTaken=taken, waitlistCount=waiting)
    if is_full(changed) is not is_full(run):
        await set_seats_until(tx, run["courseId"])


async def _follow_in_course(tx: Transaction, enrollment: EnrollmentDoc) -> None:
    """A student with several enrolments is one."""
    course = await tx.get("courses", enrollment["courseId"])
    query = {
        "studentId": enrollment["studentId"],
        "courseId": enrollment["courseId"],
        "status": {"$in": list(COUNTED_ENROLLMENTS)},
        "_id": {"$ne": enrollment["_id"]},
    }
    if await tx.find_one("enrollments", query, projection={"_id": 1}) is None:
        step = 1 if enrollment["status"] in COUNTED_ENROLLMENTS else -1
        await tx.patch("courses", course, studentCount=course["studentCount"] + step)
