"""Enrolments: lists by course, run or student, and writes that also update seats, waitlists and counts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from bson import ObjectId

from loaders import outbox
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
    is_cancelled,
    is_counted,
    takes_seat,
)
from loaders.mongo import (
    Database,
    Document,
    Pipeline,
    Transaction,
    Value,
    aggregate,
    find,
    note_read,
    utc,
)
from loaders.outbox import Event, EventKind, Message, MessageKind
from loaders.reading import Listing, Order, Projection, fitting, including

EnrollmentParent = Literal["courseId", "runId", "studentId"]


def listing(
    database: Database,
    parent: EnrollmentParent,
    statuses: Sequence[EnrollmentStatus] | None = None,
    runs: Sequence[ObjectId] | None = None,
) -> Listing:
    """Lists the enrolments of each course, run or student, latest first.

    statuses, runs: only enrolments with these statuses, or in these runs, are listed; None lists all.
    """
    criteria = {"statuses": ("status", statuses), "runs": ("runId", runs)}
    parts = {
        name: {field: {"$in": list(values)}}
        for name, (field, values) in criteria.items()
        if values is not None
    }
    return Listing(database["enrollments"], parts, Order("enrolledAt", descending=True), parent)


async def of_student(
    database: Database,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Projection | None = None,
) -> list[EnrollmentDoc | None]:
    """Returns one enrolment of the student for each course, in the order of the courses. Sends one command.

    It is the live enrolment if there is one, otherwise the latest enrolment. It is None if the student has
    never enrolled in the course.
    """
    found = await find(
        database["enrollments"],
        {"studentId": student_id, "courseId": {"$in": list(dict.fromkeys(courses))}},
        size=2 * len(courses),
        projection=including(projection, "courseId", "status", "enrolledAt"),
    )
    note_read(database["enrollments"], found)
    found = fitting("enrollments", including(projection, "courseId", "status", "enrolledAt"))(found)
    latest = sorted(
        found, key=lambda e: (e["status"] in LIVE_ENROLLMENTS, e["enrolledAt"] is not None, e["enrolledAt"])
    )
    by_course = {e["courseId"]: e for e in latest}
    return [by_course.get(course) for course in courses]


async def waitlist_positions(database: Database, enrollments: Sequence[EnrollmentDoc]) -> dict[ObjectId, int]:
    """Maps the `_id`s of waitlisted enrolments to their positions on the waitlists of their runs.

    Position 1 moves up next. Sends one command.
    """
    ids, runs = ([enrollment[key] for enrollment in enrollments] for key in ("_id", "runId"))
    number = {"$sum": 1, "window": {"documents": ["unbounded", "current"]}}
    numbered = {
        "partitionBy": "$runId",
        "sortBy": {"enrolledAt": 1, "_id": 1},
        "output": {"position": number},
    }
    pipeline: Pipeline = [
        {"$match": {"runId": {"$in": list(dict.fromkeys(runs))}, "status": "WAITLISTED"}},
        {"$setWindowFields": numbered},
        {"$match": {"_id": {"$in": ids}}},
        {"$project": {"position": 1}},
    ]
    found = await aggregate(database["enrollments"], pipeline, size=len(ids))
    return {row["_id"]: row["position"] for row in found}


#: The maximum number of enrolments of a run that one transaction moves up from the waitlist, or cancels.
MOST_MOVED = 500

_RUNS = 100  # maximum number of runs that `waiting_runs` returns


class _Move(NamedTuple):
    """A change to an enrolment's status, as its course or one of its runs sees it.

    enrollment: the enrolment after the change. before: the status before the change; None if the enrolment is
    new there. after: the status after the change; None if the enrolment has moved to another run.
    """

    enrollment: EnrollmentDoc
    before: EnrollmentStatus | None
    after: EnrollmentStatus | None

    def step(self, counts: Callable[[EnrollmentStatus | None], bool]) -> int:
        """Returns how this move changes a count of enrolments: by 1, 0 or -1.

        counts: a function that returns whether the count includes enrolments with a given status.
        """
        return counts(self.after) - counts(self.before)


async def live(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> EnrollmentDoc | None:
    """Returns a student's live enrolment in a course (active or on a waitlist), or None."""
    return await _one(tx, student_id, course_id, LIVE_ENROLLMENTS)


async def counted(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> EnrollmentDoc | None:
    """Returns a student's active, completed or expired enrolment in a course, or None."""
    return await _one(tx, student_id, course_id, COUNTED_ENROLLMENTS)


async def insert(
    tx: Transaction,
    course: CourseDoc,
    run: CourseRunDoc | None,
    student_id: ObjectId,
    status: EnrollmentStatus,
) -> EnrollmentDoc:
    """Inserts an enrolment and returns it.

    run: None if the course is taken without a run. status: decides whether the enrolment takes a seat in the
    run or a place on its waitlist.

    Holds the student, who could otherwise be merged into another one at the same time: the enrolment would be
    that of a student who is gone.
    """
    await tx.hold("students", student_id)
    fields = {
        "courseId": course["_id"],
        "runId": run["_id"] if run else None,
        "studentId": student_id,
        "status": status,
        "enrolledAt": tx.now,
    }
    enrollment: EnrollmentDoc = await tx.insert("enrollments", complete("enrollments", fields))
    move = _Move(enrollment, None, status)
    await _update_aggregates(tx, move, {enrollment["runId"]: move})
    outbox.note(tx, _event("enrollment.created", enrollment))
    return enrollment


async def change(tx: Transaction, enrollment: EnrollmentDoc, **fields: Value) -> EnrollmentDoc:
    """Sets fields of an enrolment. Returns the changed enrolment.

    If the enrolment gives up its seat, the first student on the waitlist gets the seat.
    """
    changed: EnrollmentDoc = await tx.patch("enrollments", enrollment, **fields)
    if changed["status"] != enrollment["status"]:
        move = _Move(changed, enrollment["status"], changed["status"])
        await _update_aggregates(tx, move, {changed["runId"]: move})
    return changed


async def move(
    tx: Transaction, enrollment: EnrollmentDoc, run: CourseRunDoc, status: EnrollmentStatus
) -> EnrollmentDoc:
    """Moves a live enrolment to another run of its course. Returns the moved enrolment.

    status: decides whether the enrolment takes a seat in the run or the last place on its waitlist. The seat
    that it gives up goes to the first student on the waitlist of its old run.
    """
    before = enrollment["status"]
    keeps_seat = before == status == "ACTIVE"
    enrolled_at = enrollment["enrolledAt"] if keeps_seat else tx.now
    moved: EnrollmentDoc = await tx.patch(
        "enrollments", enrollment, runId=run["_id"], status=status, enrolledAt=enrolled_at
    )
    by_run = {enrollment["runId"]: _Move(moved, before, None), run["_id"]: _Move(moved, None, status)}
    await _update_aggregates(tx, _Move(moved, before, status), by_run)
    return moved


async def fill(tx: Transaction, run: CourseRunDoc, *, changed: bool = False) -> int:
    """Gives free seats in a run to students on its waitlist, first come, first served.

    Returns how many students moved up, which is at most MOST_MOVED. Nobody moves up once the run has started
    or is cancelled, or its course has left the catalogue, because nobody can enrol then. changed: whether the
    run is new, or its seats or start have changed.
    """
    moved = await _update_run(tx, run, [])
    await _update_course(tx, run["courseId"], moved, runs_changed=changed or bool(moved))
    return len(moved)


async def cancel_places(tx: Transaction, run: CourseRunDoc, *, changed: bool = False) -> int:
    """Cancels live enrolments in a cancelled run, and tells the students.

    Returns how many were cancelled, which is at most MOST_MOVED. changed: whether this transaction has
    cancelled the run.
    """
    query = {"runId": run["_id"], "status": {"$in": list(LIVE_ENROLLMENTS)}}
    live = await tx.find("enrollments", query, size=MOST_MOVED, limit=MOST_MOVED)
    cancelled = await tx.patch_all("enrollments", live, status="CANCELLED", cancelledAt=tx.now)
    outbox.send(tx, *(_message("run_cancelled", enrollment) for enrollment in cancelled))
    moves = [
        _Move(after, before["status"], "CANCELLED") for after, before in zip(cancelled, live, strict=True)
    ]
    await _update_run(tx, run, moves)
    await _update_course(tx, run["courseId"], moves, runs_changed=changed)
    return len(moves)


async def waiting_runs(tx: Transaction, course_id: ObjectId) -> Sequence[CourseRunDoc]:
    """Returns a course's runs that haven't started and have both a free seat and a waitlist.

    The run with the earliest start comes first.
    """
    query = {"courseId": course_id, "startsAt": {"$gt": tx.now}, "waitlistCount": {"$gt": 0}, **FREE_SEAT}
    return await tx.find("courseRuns", query, size=_RUNS, limit=_RUNS, sort=[("startsAt", 1)])


def is_full(run: CourseRunDoc) -> bool:
    """Returns whether a run has no free seat."""
    return not has_free_seat(run)


def _waits(status: EnrollmentStatus | None) -> bool:
    return status == "WAITLISTED"


async def _one(
    tx: Transaction, student_id: ObjectId, course_id: ObjectId, statuses: tuple[EnrollmentStatus, ...]
) -> EnrollmentDoc | None:
    query = {"studentId": student_id, "courseId": course_id, "status": {"$in": list(statuses)}}
    found: EnrollmentDoc | None = await tx.find_one("enrollments", query)
    return found


async def _update_aggregates(tx: Transaction, move: _Move, by_run: Mapping[ObjectId | None, _Move]) -> None:
    """Updates the aggregates of a course and its runs for a new enrolment, or one that has changed.

    by_run: the move as each run sees it; None stands for no run.
    """
    moves, runs_changed = [move], False
    # in order of their ids, so that two moves between the same runs wait for each other at the first one
    for run_id in sorted(run_id for run_id in by_run if run_id is not None):
        run: CourseRunDoc = await tx.get("courseRuns", run_id)
        moves += await _update_run(tx, run, [by_run[run_id]])
        runs_changed |= is_full(run) is not is_full(await tx.get("courseRuns", run_id))
    await _update_course(tx, move.enrollment["courseId"], moves, runs_changed=runs_changed)


async def _update_run(tx: Transaction, run: CourseRunDoc, moves: Sequence[_Move]) -> list[_Move]:
    """Applies `moves` to a run's counts, then gives free seats to students on the run's waitlist.

    Returns the moves of these students.
    """
    counted = _counted(run, moves)
    moved = await _move_up(tx, counted)
    counted = _counted(counted, moved)
    await tx.patch(
        "courseRuns", run, seatsTaken=counted["seatsTaken"], waitlistCount=counted["waitlistCount"]
    )
    return moved


def _counted(run: CourseRunDoc, moves: Sequence[_Move]) -> CourseRunDoc:
    """Returns a run with `moves` applied to its counts."""
    return {
        **run,
        "seatsTaken": run["seatsTaken"] + sum(move.step(takes_seat) for move in moves),
        "waitlistCount": run["waitlistCount"] + sum(move.step(_waits) for move in moves),
    }


async def _move_up(tx: Transaction, run: CourseRunDoc) -> list[_Move]:
    """Gives free seats in a run to students on its waitlist, if students can enrol in the run."""
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
    moved = await tx.patch_all("enrollments", waiting, status="ACTIVE", enrolledAt=tx.now)
    outbox.note(tx, *(_event("enrollment.moved_up", enrollment) for enrollment in moved))
    outbox.send(tx, *(_message("moved_up", enrollment, utc(run["startsAt"])) for enrollment in moved))
    return [_Move(enrollment, "WAITLISTED", "ACTIVE") for enrollment in moved]


def _event(kind: EventKind, enrollment: EnrollmentDoc) -> Event:
    data = {
        "enrollmentId": enrollment["_id"], "courseId": enrollment["courseId"], "runId": enrollment["runId"],
        "studentId": enrollment["studentId"], "status": enrollment["status"],
    }  # fmt: skip
    return Event(kind, "Enrollment", enrollment["_id"], data, (enrollment["studentId"],))


def _message(kind: MessageKind, enrollment: EnrollmentDoc, expires_on: datetime | None = None) -> Message:
    data = {"courseId": enrollment["courseId"], "runId": enrollment["runId"]}
    return Message(kind, student_id=enrollment["studentId"], data=data, expires_on=expires_on)


async def _is_open(tx: Transaction, run: CourseRunDoc) -> bool:
    """Returns whether students can enrol in a run."""
    if is_cancelled(run):
        return False
    course: CourseDoc | None = await tx.get("courses", run["courseId"])
    return utc(run["startsAt"]) > tx.now and course is not None and course["status"] == "PUBLISHED"


async def _update_course(
    tx: Transaction, course_id: ObjectId, moves: Sequence[_Move], *, runs_changed: bool
) -> None:
    """Updates the aggregates of a course. runs_changed: whether a run's free seats or start have changed."""
    fields: Document = {}
    if any(move.step(is_counted) for move in moves):
        course: CourseDoc = await tx.get("courses", course_id)
        fields["studentCount"] = course["studentCount"] + await _student_change(tx, course_id, moves)
    if runs_changed:
        fields["seatsUntil"] = await _seats_until(tx, course_id)
    if fields:
        await tx.hold("courses", course_id, **fields)


async def _student_change(tx: Transaction, course_id: ObjectId, moves: Sequence[_Move]) -> int:
    """Returns by how much `moves` change a course's number of students.

    A student with several enrolments counts once.
    """
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
    unaffected = {other["studentId"] for other in others}
    return len(came - went - unaffected) - len(went - came - unaffected)


async def _seats_until(tx: Transaction, course_id: ObjectId) -> datetime | None:
    """Returns the latest start among a course's runs with a free seat, or None."""
    latest = await tx.find_one(
        "courseRuns",
        {"courseId": course_id, **FREE_SEAT},
        sort=[("startsAt", -1)],
        projection={"startsAt": 1},
    )
    starts_at: datetime | None = latest and latest["startsAt"]
    return starts_at
