"""Enrolments: lists by course and by student, and writes with what follows from them: seats, waitlists and
student counts.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from bson import ObjectId

from loaders.collections import complete
from loaders.model import (
    COUNTED_ENROLLMENTS,
    FREE_SEAT,
    LIVE_ENROLLMENTS,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    EnrollmentStatus,
    has_free_seat,
    is_counted,
    takes_seat,
)
from loaders.mongo import Database, Transaction, find, note_read, utc
from loaders.reading import Listing, Order, Projection, including

EnrollmentParent = Literal["courseId", "studentId"]


def listing(
    database: Database, parent: EnrollmentParent, statuses: Sequence[EnrollmentStatus] | None = None
) -> Listing:
    """The enrolments of each course or of each student, with one of some statuses; None: any."""
    parts = {} if statuses is None else {"statuses": {"status": {"$in": list(statuses)}}}
    return Listing(
        database["enrollments"], parts, Order("enrolledAt", descending=True, nullable=True), parent
    )


async def of_student(
    database: Database,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Projection | None = None,
) -> list[EnrollmentDoc | None]:
    """For each course the student's latest enrolment; one that goes on before one that is over."""
    found = await find(
        database["enrollments"],
        {"studentId": student_id, "courseId": {"$in": list(dict.fromkeys(courses))}},
        size=2 * len(courses),
        projection=including(projection, "courseId", "status", "enrolledAt"),
    )
    note_read("enrollments", found)
    latest = sorted(
        found, key=lambda e: (e["status"] in LIVE_ENROLLMENTS, e["enrolledAt"] is not None, e["enrolledAt"])
    )
    by_course = {e["courseId"]: e for e in latest}
    return [by_course.get(course) for course in courses]


#: Of a waitlist, in one transaction, however many wait.
MOST_MOVED = 500


_RUNS = 100  # at once


class _Move(NamedTuple):
    """An enrolment as it is now, and the status it had; None: it is new."""

    enrollment: EnrollmentDoc
    before: EnrollmentStatus | None

    def step(self, counts: Callable[[EnrollmentStatus | None], bool]) -> int:
        """1 if it counts now and did not before, -1 for the reverse, else 0."""
        return counts(self.enrollment["status"]) - counts(self.before)


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
    await _follow(tx, _Move(enrollment, None))
    return enrollment  # type: ignore[no-any-return]


async def change(tx: Transaction, enrollment: EnrollmentDoc, **fields: Any) -> EnrollmentDoc:
    """An enrolment with other fields. A seat that it gives back goes to who waited longest."""
    changed: Any = await tx.patch("enrollments", dict(enrollment), **fields)
    if changed["status"] != enrollment["status"]:
        await _follow(tx, _Move(changed, enrollment["status"]))
    return changed  # type: ignore[no-any-return]


async def fill(tx: Transaction, run: CourseRunDoc, *, changed: bool = False) -> int:
    """Gives free seats of a run to those on its waitlist, who came first first: how many of them, at most
    MOST_MOVED. changed: the run itself has come, or its seats or its start are others.

    Nobody moves up once the run has begun or its course is out of the catalogue: nobody can enrol then.
    """
    moved = await _follow_in_run(tx, run, [])
    await _follow_in_course(tx, run["courseId"], moved, runs_changed=changed or bool(moved))
    return len(moved)


async def waiting_runs(tx: Transaction, course_id: ObjectId) -> Sequence[CourseRunDoc]:
    """The runs of a course that are yet to start, and have a seat left and people who wait."""
    query = {"courseId": course_id, "startsAt": {"$gt": tx.now}, "waitlistCount": {"$gt": 0}, **FREE_SEAT}
    return await tx.find("courseRuns", query, size=_RUNS, limit=_RUNS, sort=[("startsAt", 1)])


def is_full(run: CourseRunDoc) -> bool:
    """Whether no seat is left."""
    return not has_free_seat(run)


def _waits(status: EnrollmentStatus | None) -> bool:
    return status == "WAITLISTED"


async def _one(
    tx: Transaction, student_id: ObjectId, course_id: ObjectId, statuses: tuple[EnrollmentStatus, ...]
) -> EnrollmentDoc | None:
    query = {"studentId": student_id, "courseId": course_id, "status": {"$in": list(statuses)}}
    found: EnrollmentDoc | None = await tx.find_one("enrollments", query)
    return found


async def _follow(tx: Transaction, move: _Move) -> None:
    """What a run and a course count, after an enrolment has come or has another status."""
    moves, was_full, full = [move], False, False
    if run_id := move.enrollment["runId"]:
        run: CourseRunDoc = await tx.get("courseRuns", run_id)
        moves += await _follow_in_run(tx, run, moves)
        was_full, full = is_full(run), is_full(await tx.get("courseRuns", run_id))
    await _follow_in_course(tx, move.enrollment["courseId"], moves, runs_changed=was_full is not full)


async def _follow_in_run(tx: Transaction, run: CourseRunDoc, moves: Sequence[_Move]) -> list[_Move]:
    """Counts moves, and gives the seats that are free then to those who wait: these moves are given back."""
    counted = _counted(run, moves)
    moved = await _moved_up(tx, counted)
    counted = _counted(counted, moved)
    await tx.patch(
        "courseRuns", run, seatsTaken=counted["seatsTaken"], waitlistCount=counted["waitlistCount"]
    )
    return moved


def _counted(run: CourseRunDoc, moves: Sequence[_Move]) -> CourseRunDoc:
    return {
        **run,
        "seatsTaken": run["seatsTaken"] + sum(move.step(takes_seat) for move in moves),
        "waitlistCount": run["waitlistCount"] + sum(move.step(_waits) for move in moves),
    }


async def _moved_up(tx: Transaction, run: CourseRunDoc) -> list[_Move]:
    free = MOST_MOVED if run["seats"] is None else run["seats"] - run["seatsTaken"]
    number = min(run["waitlistCount"], free, MOST_MOVED)
    if number <= 0 or not await _is_open(tx, run):
        return []
    waiting = await tx.find(
        "enrollments",
        {"runId": run["_id"], "status": "WAITLISTED"},
        size=number,
        limit=number,
        sort=[("enrolledAt", 1), ("_id", 1)],
    )
    moved: Any = await tx.patch_all("enrollments", waiting, status="ACTIVE", enrolledAt=tx.now)
    return [_Move(enrollment, "WAITLISTED") for enrollment in moved]


async def _is_open(tx: Transaction, run: CourseRunDoc) -> bool:
    """Whether people can enrol in a run."""
    course: CourseDoc | None = await tx.get("courses", run["courseId"])
    return utc(run["startsAt"]) > tx.now and course is not None and course["status"] == "PUBLISHED"


async def _follow_in_course(
    tx: Transaction, course_id: ObjectId, moves: Sequence[_Move], *, runs_changed: bool
) -> None:
    fields: dict[str, Any] = {}
    if any(move.step(is_counted) for move in moves):
        course: CourseDoc = await tx.get("courses", course_id)
        fields["studentCount"] = course["studentCount"] + await _more_students(tx, course_id, moves)
    if runs_changed:
        fields["seatsUntil"] = await _seats_until(tx, course_id)
    if fields:
        await tx.hold("courses", course_id, **fields)


async def _more_students(tx: Transaction, course_id: ObjectId, moves: Sequence[_Move]) -> int:
    """By how many students a course has more, or less. One with several enrolments is one."""
    came, went = (
        {move.enrollment["studentId"] for move in moves if move.step(is_counted) == step} for step in (1, -1)
    )
    query = {
        "studentId": {"$in": list(came | went)},
        "courseId": course_id,
        "status": {"$in": list(COUNTED_ENROLLMENTS)},
        "_id": {"$nin": [move.enrollment["_id"] for move in moves]},
    }
    others = await tx.find("enrollments", query, size=1_000, projection={"_id": 0, "studentId": 1})
    anyway = {other["studentId"] for other in others}
    return len(came - went - anyway) - len(went - came - anyway)


async def _seats_until(tx: Transaction, course_id: ObjectId) -> datetime | None:
    """The latest start of a course's runs with a seat left."""
    latest = await tx.find_one(
        "courseRuns",
        {"courseId": course_id, **FREE_SEAT},
        sort=[("startsAt", -1)],
        projection={"startsAt": 1},
    )
    starts_at: datetime | None = latest and latest["startsAt"]
    return starts_at
