"""Resolvers for Enrollment: its fields, lists of enrolments, and mutations."""

from collections.abc import Sequence

from bson import ObjectId

import loaders.enrollment
from loaders.enrollment import EnrollmentParent
from loaders.model import (
    LIVE_ENROLLMENTS,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    EnrollmentStatus,
    StudentDoc,
    is_cancelled,
)
from loaders.mongo import Transaction, utc
from loaders.people import why_gone
from loaders.reading import Listing, stand_ins
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.inputs import EnrollmentFilter
from resolvers.relay import CursorScope, decode_id_as, set_fields
from resolvers.values import written
from resolvers.writing import (
    InputValues,
    Objects,
    existing_student,
    own_enrollment,
    viewer_student_id,
    visible_course,
)


async def course(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseDoc]:
    ids = [enrollment["courseId"] for enrollment in enrollments]
    return stand_ins("courses", await ctx.loaders.course_by_id(ids), ids)


async def run(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseRunDoc | None]:
    return await ctx.loaders.course_run_by_id([enrollment["runId"] for enrollment in enrollments])


async def student(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[StudentDoc]:
    ids = [enrollment["studentId"] for enrollment in enrollments]
    return stand_ins("students", await ctx.loaders.student_by_id(ids), ids)


async def waitlist_position(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[int | None]:
    waiting = [e for e in enrollments if e["status"] == "WAITLISTED" and e["runId"] is not None]
    positions = await loaders.enrollment.waitlist_positions(ctx.loaders.database, waiting) if waiting else {}
    return [positions.get(enrollment["_id"]) for enrollment in enrollments]


def enrollment_listing(
    ctx: Context, parent: EnrollmentParent, filter: EnrollmentFilter | None
) -> tuple[Listing, CursorScope]:
    """Returns a listing of each parent's enrolments, and the scope in which its cursors are valid."""
    wanted = set_fields(filter)
    scope = ("enrollments", parent, wanted)
    if "runs" in wanted:
        ids = [decode_id_as("CourseRun", run) for run in wanted["runs"]]
        wanted = {**wanted, "runs": [run for run in ids if run is not None]}
    return loaders.enrollment.listing(ctx.loaders.database, parent, **wanted), scope


async def enroll(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    return await _enroll(ctx, tx, viewer_student_id(ctx), values)


async def enroll_student(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student = await existing_student(tx, values["studentId"])
    if why := why_gone(student):
        raise refusal("CONFLICT", f"This student {why}.", "studentId")
    return await _enroll(ctx, tx, student["_id"], values)


async def _enroll(ctx: Context, tx: Transaction, student_id: ObjectId, values: InputValues) -> Objects:
    course = await visible_course(ctx, tx, values["courseId"])
    _require_published(course, "courseId")
    if await loaders.enrollment.live(tx, student_id, course["_id"]):
        whose = "You are" if student_id == ctx.viewer.student_id else "The student is"
        raise refusal("DUPLICATE", f"{whose} already enrolled in this course or on its waitlist.", "courseId")
    run = await _upcoming_run(tx, course, values["runId"]) if values.get("runId") else None
    status = await _status(tx, run, values) if run else "ACTIVE"
    return {"enrollment": await loaders.enrollment.insert(tx, course, run, student_id, status)}


async def move_enrollment(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Moves an enrolment to another run of its course.

    Idempotent: moving it to the run that it is in is not an error, and changes nothing.
    """
    enrollment = await own_enrollment(ctx, tx, values["enrollmentId"], "moveEnrollment")
    if enrollment["status"] not in LIVE_ENROLLMENTS:
        message = "This enrolment is neither active nor waitlisted, so it can't be moved."
        raise refusal("NOT_ENROLLED", message, "enrollmentId")
    if enrollment["runId"] == values["runId"]:
        return {"enrollment": enrollment}
    course: CourseDoc = await tx.get("courses", enrollment["courseId"])
    _require_published(course, "enrollmentId")
    run = await _upcoming_run(tx, course, values["runId"])
    status = await _status(tx, run, values)
    return {"enrollment": await loaders.enrollment.move(tx, enrollment, run, status)}


async def cancel_enrollment(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Cancels an enrolment. Idempotent: cancelling it again is not an error, and changes nothing."""
    enrollment = await own_enrollment(ctx, tx, values["enrollmentId"], "cancelEnrollment")
    if enrollment["status"] in {"COMPLETED", "EXPIRED"}:
        raise refusal(
            "CONFLICT",
            "This enrolment is completed or has expired, so it can't be cancelled.",
            "enrollmentId",
        )
    if enrollment["status"] != "CANCELLED":
        enrollment = await loaders.enrollment.change(tx, enrollment, status="CANCELLED", cancelledAt=tx.now)
    return {"enrollment": enrollment}


async def update_progress(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    enrollment = await own_enrollment(ctx, tx, values["enrollmentId"], "updateProgress")
    status, progress = enrollment["status"], values["progress"]
    if status == "EXPIRED":
        raise refusal("EXPIRED", "This enrolment has expired.", "enrollmentId")
    if status in {"WAITLISTED", "CANCELLED"}:
        raise refusal(
            "NOT_ENROLLED", "This enrolment is not active: it is waitlisted or cancelled.", "enrollmentId"
        )
    if status == "COMPLETED":
        if progress < 1:
            raise refusal(
                "CONFLICT", "The course is already completed: its progress can't be reduced.", "progress"
            )
        return {"enrollment": enrollment}
    completion = {"status": "COMPLETED", "completedAt": tx.now} if progress == 1 else {}
    return {"enrollment": await loaders.enrollment.change(tx, enrollment, progress=progress, **completion)}


def _require_published(course: CourseDoc, field: str) -> None:
    if course["status"] != "PUBLISHED":
        message = "Nobody can enrol in this course, because it is not in the catalogue."
        raise refusal("CONFLICT", message, field)


async def _upcoming_run(tx: Transaction, course: CourseDoc, id: ObjectId) -> CourseRunDoc:
    run: CourseRunDoc | None = await tx.get("courseRuns", id)
    if run is None or run["courseId"] != course["_id"]:
        raise refusal("NOT_FOUND", "This course has no run with this ID.", "runId")
    if is_cancelled(run):
        raise refusal("CONFLICT", "This run is cancelled: choose another run.", "runId")
    if utc(run["startsAt"]) <= tx.now:
        message = "This run has already started: choose an upcoming run."
        raise refusal("EXPIRED", message, "runId", reason="IN_THE_PAST", startsAt=written(run["startsAt"]))
    return run


async def _status(tx: Transaction, run: CourseRunDoc, values: InputValues) -> EnrollmentStatus:
    """Returns the status that a newcomer gets in a run. Raises RefusedError if they get no place."""
    if await _has_seat(tx, run):
        return "ACTIVE"
    if values["joinWaitlist"]:
        return "WAITLISTED"
    message = "All seats in this run are taken: choose the waitlist or another run."
    raise refusal("SEATS_TAKEN", message, "runId")


async def _has_seat(tx: Transaction, run: CourseRunDoc) -> bool:
    """Returns whether a newcomer gets a seat in a run.

    If an import has left both free seats and a waitlist, students on the waitlist get the seats first.
    """
    moved = await loaders.enrollment.fill(tx, run)
    if moved == loaders.enrollment.MOST_MOVED:
        return False  # there may be more students on the waitlist
    return not loaders.enrollment.is_full(await tx.get("courseRuns", run["_id"]))
