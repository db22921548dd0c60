"""Enrollment: its fields, the lists of enrolments, and its writes."""

from collections.abc import Sequence

import loaders.enrollment
from loaders.enrollment import EnrollmentParent
from loaders.model import CourseDoc, CourseRunDoc, EnrollmentDoc, EnrollmentStatus, StudentDoc
from loaders.mongo import Transaction, utc
from loaders.reading import Listing
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.inputs import EnrollmentFilter
from resolvers.relay import Scoped, given
from resolvers.writing import Given, Objects, own_enrollment, viewer_student_id, visible_course


async def course(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseDoc | None]:
    return await ctx.loaders.course_by_id([enrollment["courseId"] for enrollment in enrollments])


async def run(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseRunDoc | None]:
    return await ctx.loaders.course_run_by_id([enrollment["runId"] for enrollment in enrollments])


async def student(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([enrollment["studentId"] for enrollment in enrollments])


def enrollment_listing(
    ctx: Context, parent: EnrollmentParent, filter: EnrollmentFilter | None
) -> tuple[Listing, Scoped]:
    """The enrolments of each parent, and what their cursors are for."""
    wanted = given(filter)
    return loaders.enrollment.listing(ctx.loaders.database, parent, **wanted), ("enrollments", parent, wanted)


async def enroll(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = viewer_student_id(ctx)
    course = await visible_course(ctx, tx, given["courseId"])
    if course["status"] != "PUBLISHED":
        raise refusal("CONFLICT", "This course is not in the catalogue: nobody can enrol.", "courseId")
    if await loaders.enrollment.live(tx, student_id, course["_id"]):
        raise refusal("DUPLICATE", "You have a place in this course, or wait for one.", "courseId")
    run = await _upcoming_run(tx, course, given)
    has_seat = run is None or await _has_seat(tx, run)
    status = _status(has_seat=has_seat, join_waitlist=given["joinWaitlist"] or False)
    run = run and await tx.get("courseRuns", run["_id"])
    enrollment = await loaders.enrollment.insert(tx, course, run, student_id, status)
    return {"enrollment": enrollment}


async def cancel_enrollment(ctx: Context, tx: Transaction, given: Given) -> Objects:
    """One that is cancelled stays so: to cancel it again is no error, and changes nothing."""
    enrollment = await own_enrollment(ctx, tx, given["enrollmentId"], "cancelEnrollment")
    if enrollment["status"] in {"COMPLETED", "EXPIRED"}:
        raise refusal("CONFLICT", "The course is over: there is nothing to cancel.", "enrollmentId")
    if enrollment["status"] != "CANCELLED":
        enrollment = await loaders.enrollment.change(tx, enrollment, status="CANCELLED", cancelledAt=tx.now)
    return {"enrollment": enrollment}


async def update_progress(ctx: Context, tx: Transaction, given: Given) -> Objects:
    enrollment = await own_enrollment(ctx, tx, given["enrollmentId"], "updateProgress")
    status, progress = enrollment["status"], given["progress"]
    if status == "EXPIRED":
        raise refusal("EXPIRED", "The time for this course is over.", "enrollmentId")
    if status in {"WAITLISTED", "CANCELLED"}:
        raise refusal("NOT_ENROLLED", "This enrolment has no place in the course.", "enrollmentId")
    if status == "COMPLETED":
        if progress < 1:
            raise refusal("CONFLICT", "The course is completed.", "progress")
        return {"enrollment": enrollment}
    done = {"status": "COMPLETED", "completedAt": tx.now} if progress == 1 else {}
    return {"enrollment": await loaders.enrollment.change(tx, enrollment, progress=progress, **done)}


async def _upcoming_run(tx: Transaction, course: CourseDoc, given: Given) -> CourseRunDoc | None:
    if given.get("runId") is None:
        return None
    run: CourseRunDoc | None = await tx.get("courseRuns", given["runId"])
    if run is None or run["courseId"] != course["_id"]:
        raise refusal("NOT_FOUND", "This course has no run with this ID.", "runId")
    if utc(run["startsAt"]) <= tx.now:
        raise refusal("EXPIRED", "This run has begun: choose an upcoming one.", "runId")
    return run


async def _has_seat(tx: Transaction, run: CourseRunDoc) -> bool:
    """Whether there is a seat for one who comes now: an import may have left seats while others wait."""
    moved = await loaders.enrollment.fill(tx, run)
    if moved == loaders.enrollment.MOST_MOVED:
        return False  # more may wait
    return not loaders.enrollment.is_full(await tx.get("courseRuns", run["_id"]))


def _status(*, has_seat: bool, join_waitlist: bool) -> EnrollmentStatus:
    if has_seat:
        return "ACTIVE"
    if join_waitlist:
        return "WAITLISTED"
    raise refusal(
        "SEATS_TAKEN", "All seats of this run are taken. `joinWaitlist: true` waits for one.", "runId"
    )
