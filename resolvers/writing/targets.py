"""What a write is about, where it is there and the viewer may see it."""

from bson import ObjectId

from loaders.model import CourseDoc, CourseRunDoc, EnrollmentDoc, ReviewDoc, StudentDoc
from loaders.mongo import Transaction
from loaders.reading import owners_of_course
from resolvers import access
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.writing.checks import noun


async def visible_course(ctx: Context, tx: Transaction, id: ObjectId) -> CourseDoc:
    """A course that the viewer sees."""
    found: CourseDoc | None = await tx.get("courses", id)
    if found is None or not access.sees(ctx.viewer, "courses", found, owners_of_course(found)):
        raise _nothing("Course", "courseId")
    return found


async def own_course(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> CourseDoc:
    """A course with which the viewer may do what the name says."""
    found = await visible_course(ctx, tx, id)
    access.require(ctx.viewer, name, instructor_ids=found["instructorIds"])
    return found


async def own_run(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> CourseRunDoc:
    """A run with which the viewer may do what the name says."""
    run: CourseRunDoc | None = await tx.get("courseRuns", id)
    of: CourseDoc | None = await tx.get("courses", run["courseId"]) if run else None
    if run is None or of is None or not access.sees(ctx.viewer, "courses", of, owners_of_course(of)):
        raise _nothing("CourseRun", "runId")
    access.require(ctx.viewer, name, instructor_ids=of["instructorIds"])
    return run


async def own_enrollment(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> EnrollmentDoc:
    """An enrolment with which the viewer may do what the name says."""
    found: EnrollmentDoc | None = await tx.get("enrollments", id)
    of: CourseDoc | None = await tx.get("courses", found["courseId"]) if found else None
    if found is None or of is None or not access.sees(ctx.viewer, "enrollments", found, owners_of_course(of)):
        raise _nothing("Enrollment", "enrollmentId")
    access.require(ctx.viewer, name, student_id=found["studentId"], instructor_ids=of["instructorIds"])
    return found


async def visible_review(ctx: Context, tx: Transaction, id: ObjectId) -> ReviewDoc:
    """A review that the viewer sees, or whose course they teach."""
    found: ReviewDoc | None = await tx.get("reviews", id)
    if found is None or not await _sees_review(ctx, tx, found):
        raise _nothing("Review", "reviewId")
    return found


async def _sees_review(ctx: Context, tx: Transaction, found: ReviewDoc) -> bool:
    visible_course = await tx.get("courses", found["courseId"])
    return access.sees(ctx.viewer, "reviews", found, owners_of_course(visible_course, found["studentId"]))


def _nothing(type_name: str, field: str) -> RefusedError:
    return refusal("NOT_FOUND", f"There is no {noun(type_name)} with this ID.", field)


def viewer_student_id(ctx: Context) -> ObjectId:
    """The viewer as a student. Raises RefusedError where they are none."""
    if ctx.viewer.student_id is None:
        raise _no_student()
    return ctx.viewer.student_id


async def viewer_student(ctx: Context, tx: Transaction) -> StudentDoc:
    """The viewer as a student, as they are stored."""
    found: StudentDoc | None = await tx.get("students", viewer_student_id(ctx))
    if found is None:
        raise _no_student()
    return found


def viewer_instructor_id(ctx: Context) -> ObjectId:
    """The viewer as one who teaches. Raises RefusedError where they don't."""
    if ctx.viewer.instructor_id is None:
        raise refusal("FORBIDDEN", "This is for instructors.")
    return ctx.viewer.instructor_id


def _no_student() -> RefusedError:
    return refusal("FORBIDDEN", "This is for students.")
