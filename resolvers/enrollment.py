"""Resolvers for Enrollment: its fields, lists of enrolments, and mutations."""

from collections.abc import Sequence

import loaders.enrollment
from loaders.enrollment import EnrollmentParent
from loaders.model import CourseDoc, CourseRunDoc, EnrollmentDoc, EnrollmentStatus, StudentDoc
from loaders.mongo import Transaction, utc
from loaders.reading import Listing, stand_ins
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.inputs import EnrollmentFilter
from resolvers.relay import CursorScope, set_fields
from resolvers.writing import InputValues, Objects, own_enrollment, viewer_student_id, visible_course


async def course(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseDoc]:
    ids = [enrollment["courseId"] for enrollment in enrollments]
    return stand_ins("courses", await ctx.loaders.course_by_id(ids), ids)


async def run(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseRunDoc | None]:
    return await ctx.loaders.course_run_by_id([enrollment["runId"] for enrollment in enrollments])


async def student(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[StudentDoc]:
    ids = [enrollment["studentId"] for enrollment in enrollments]
    return stand_ins("students", await ctx.loaders.student_by_id(ids), ids)


def enrollment_listing(
    ctx: Context, parent: EnrollmentParent, filter: EnrollmentFilter | None
) -> tuple[Listing, CursorScope]:
    """Returns a listing of each parent's enrolments, and the scope in which its cursors are valid."""
    wanted = set_fields(filter)
    return loaders.enrollment.listing(ctx.loaders.database, parent, **wanted), ("enrollments", parent, wanted)


async def enroll(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student_id = viewer_student_id(ctx)
    course = await visible_course(ctx, tx, values["courseId"])
    if course["status"] != "PUBLISHED":
        raise refusal(
            "CONFLICT", "You can't enrol in this course, because it is not in the catalogue.", "courseId"
        )
    if await loaders.enrollment.live(tx, student_id, course["_id"]):
        raise refusal("DUPLICATE", "You are already enrolled in this course or on its waitlist.", "courseId")
    run = await _upcoming_run(tx, course, values)
    has_seat = run is None or await _has_seat(tx, run)
    status = _status(has_seat=has_seat, join_waitlist=values["joinWaitlist"] or False)
    run = run and await tx.get("courseRuns", run["_id"])
    enrollment = await loaders.enrollment.insert(tx, course, run, student_id, status)
    return {"enrollment": enrollment}


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


async def _upcoming_run(tx: Transaction, course: CourseDoc, values: InputValues) -> CourseRunDoc | None:
    if values.get("runId") is None:
        return None
    run: CourseRunDoc | None = await tx.get("courseRuns", values["runId"])
    if run is None or run["courseId"] != course["_id"]:
        raise refusal("NOT_FOUND", "This course has no run with this ID.", "runId")
    if utc(run["startsAt"]) <= tx.now:
        raise refusal("EXPIRED", "This run has already started: choose an upcoming run.", "runId")
    return run


async def _has_seat(tx: Transaction, run: CourseRunDoc) -> bool:
    """Returns whether a newly enrolling student gets a seat.

    If an import has left both free seats and a waitlist, students on the waitlist get the seats first.
    """
    moved = await loaders.enrollment.fill(tx, run)
    if moved == loaders.enrollment.MOST_MOVED:
        return False  # there may be more students on the waitlist
    return not loaders.enrollment.is_full(await tx.get("courseRuns", run["_id"]))


def _status(*, has_seat: bool, join_waitlist: bool) -> EnrollmentStatus:
    if has_seat:
        return "ACTIVE"
    if join_waitlist:
        return "WAITLISTED"
    raise refusal(
        "SEATS_TAKEN",
        "All seats in this run are taken. Use `joinWaitlist: true` to join the waitlist.",
        "runId",
    )
