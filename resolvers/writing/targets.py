"""Looks up the objects that a write changes, and checks that the viewer may see and change them."""

from bson import ObjectId

from loaders.model import (
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    StudentDoc,
)
from loaders.mongo import Transaction
from loaders.reading import owners_of_course
from resolvers import access
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.values import noun


async def visible_course(ctx: Context, tx: Transaction, id: ObjectId) -> CourseDoc:
    """Returns a course. Raises RefusedError if it doesn't exist or the viewer is not allowed to see it."""
    course: CourseDoc | None = await tx.get("courses", id)
    if course is None or not access.sees(ctx.viewer, "courses", course, owners_of_course(course)):
        raise _not_found("Course", "courseId")
    return course


async def own_course(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> CourseDoc:
    """Returns a course. Raises RefusedError if the viewer can't see it or lacks the permission `name`."""
    course = await visible_course(ctx, tx, id)
    access.require(ctx.viewer, name, instructor_ids=course["instructorIds"])
    return course


async def own_run(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> CourseRunDoc:
    """Returns a run. Raises RefusedError if the viewer can't see it or lacks the permission `name`."""
    run: CourseRunDoc | None = await tx.get("courseRuns", id)
    course: CourseDoc | None = await tx.get("courses", run["courseId"]) if run else None
    if (
        run is None
        or course is None
        or not access.sees(ctx.viewer, "courses", course, owners_of_course(course))
    ):
        raise _not_found("CourseRun", "runId")
    access.require(ctx.viewer, name, instructor_ids=course["instructorIds"])
    return run


async def own_enrollment(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> EnrollmentDoc:
    """Returns an enrolment. Raises RefusedError if the viewer can't see it or lacks the permission `name`."""
    enrollment: EnrollmentDoc | None = await tx.get("enrollments", id)
    course: CourseDoc | None = await tx.get("courses", enrollment["courseId"]) if enrollment else None
    if (
        enrollment is None
        or course is None
        or not access.sees(ctx.viewer, "enrollments", enrollment, owners_of_course(course))
    ):
        raise _not_found("Enrollment", "enrollmentId")
    access.require(
        ctx.viewer, name, student_id=enrollment["studentId"], instructor_ids=course["instructorIds"]
    )
    return enrollment


async def existing_student(tx: Transaction, id: ObjectId) -> StudentDoc:
    """Returns a student. Raises RefusedError if there is none."""
    student: StudentDoc | None = await tx.get("students", id)
    if student is None:
        raise _not_found("Student", "studentId")
    return student


async def visible_review(ctx: Context, tx: Transaction, id: ObjectId) -> ReviewDoc:
    """Returns a review. Raises RefusedError if it doesn't exist or the viewer is not allowed to see it."""
    review: ReviewDoc | None = await tx.get("reviews", id)
    if review is None or not await _sees_review(ctx, tx, review):
        raise _not_found("Review", "reviewId")
    return review


async def _sees_review(ctx: Context, tx: Transaction, review: ReviewDoc) -> bool:
    course = await tx.get("courses", review["courseId"])
    return access.sees(ctx.viewer, "reviews", review, owners_of_course(course, review["studentId"]))


async def any_category(tx: Transaction, id: ObjectId, field: str) -> CategoryDoc:
    """Returns a category. Raises RefusedError if it doesn't exist. field: the input field with its ID."""
    category: CategoryDoc | None = await tx.get("categories", id)
    if category is None:
        raise _not_found("Category", field)
    return category


async def own_instructor(ctx: Context, tx: Transaction, id: ObjectId, name: str) -> InstructorDoc:
    """Returns an instructor. Raises RefusedError if they don't exist, or the viewer lacks the permission."""
    instructor: InstructorDoc | None = await tx.get("instructors", id)
    if instructor is None:
        raise _not_found("Instructor", "instructorId")
    access.require(ctx.viewer, name, instructor_ids=[id])
    return instructor


def _not_found(type_name: str, field: str) -> RefusedError:
    return refusal("NOT_FOUND", f"There is no {noun(type_name)} with this ID.", field)


def viewer_student_id(ctx: Context) -> ObjectId:
    """Returns the viewer's student ID. Raises RefusedError if they are not a student."""
    if ctx.viewer.student_id is None:
        raise _not_a_student()
    return ctx.viewer.student_id


async def viewer_student(ctx: Context, tx: Transaction) -> StudentDoc:
    """Returns the viewer's student document. Raises RefusedError if they are not a student."""
    student: StudentDoc | None = await tx.get("students", viewer_student_id(ctx))
    if student is None:
        raise _not_a_student()
    return student


def viewer_instructor_id(ctx: Context) -> ObjectId:
    """Returns the viewer's instructor ID. Raises RefusedError if they are not an instructor."""
    if ctx.viewer.instructor_id is None:
        raise refusal("FORBIDDEN", "Only instructors can do this.")
    return ctx.viewer.instructor_id


def _not_a_student() -> RefusedError:
    return refusal("FORBIDDEN", "Only students can do this.")
